import type { Progress } from '../../protocol/job.ts';
import type { Clock } from '../clock.ts';

/** Shortest time a rate is taken over, in milliseconds. */
const SAMPLE_MS = 1_000;
/** Weight of the newest sample in the smoothed rate. */
const SMOOTHING = 0.3;
/** How often progress is written down, in milliseconds: it is for people, a crash may lose this much. */
const PERSIST_MS = 5_000;

export interface LiveProgress {
  attempt: number;
  progress: Progress;
  /** Plaintext bytes per second; null until there is something to go by. */
  ratePerSecond: number | null;
  etaSeconds: number | null;
}

/** Where running jobs stand, in memory; one entry per running job. */
export interface ProgressBoard {
  /** @returns the entry, and whether it is time to write it down */
  record(jobId: string, attempt: number, progress: Progress): { live: LiveProgress; persist: boolean };
  of(jobId: string): LiveProgress | undefined;
  forget(jobId: string): void;
}

interface Entry extends LiveProgress {
  sampledAt: number;
  sampledBytes: number;
  persistedAt: number;
}

export function createProgressBoard(clock: Clock): ProgressBoard {
  const entries = new Map<string, Entry>();
  return {
    record(jobId, attempt, progress) {
      const now = clock.now();
      const known = entries.get(jobId);
      const sameRun = known?.attempt === attempt && progress.rawBytes >= known.sampledBytes;
      const entry = sameRun
        ? known
        : fresh(attempt, progress, { now, persistedAt: known?.persistedAt ?? now });
      entries.set(jobId, entry);
      entry.progress = progress;
      sample(entry, now);
      entry.etaSeconds = eta(progress, entry.ratePerSecond);
      const persist = now - entry.persistedAt >= PERSIST_MS;
      if (persist) entry.persistedAt = now;
      return { live: entry, persist };
    },
    of: (jobId) => entries.get(jobId),
    forget: (jobId) => void entries.delete(jobId),
  };
}

function fresh(attempt: number, progress: Progress, at: { now: number; persistedAt: number }): Entry {
  return {
    attempt,
    progress,
    ratePerSecond: null,
    etaSeconds: null,
    sampledAt: at.now,
    sampledBytes: progress.rawBytes,
    persistedAt: at.persistedAt,
  };
}

function sample(entry: Entry, now: number): void {
  const elapsed = now - entry.sampledAt;
  if (elapsed < SAMPLE_MS) return;
  const rate = ((entry.progress.rawBytes - entry.sampledBytes) * 1000) / elapsed;
  entry.ratePerSecond =
    entry.ratePerSecond === null ? rate : entry.ratePerSecond * (1 - SMOOTHING) + rate * SMOOTHING;
  entry.sampledAt = now;
  entry.sampledBytes = entry.progress.rawBytes;
}

function eta({ rawBytes, totalBytes }: Progress, rate: number | null): number | null {
  if (totalBytes === null || rate === null || rate <= 0 || totalBytes <= rawBytes) return null;
  return Math.round((totalBytes - rawBytes) / rate);
}
