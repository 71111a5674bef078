import type { Attempt, Progress } from '../../protocol/job.ts';
import type { ToControlPlane } from '../../protocol/messages.ts';
import type { Clock } from '../clock.ts';

/** Shortest time between two reports of one job, in milliseconds. */
const INTERVAL_MS = 250;
/** One less than a message takes: the last is for saying how many were left out. */
const MAX_LINES = 99;
const MAX_LINE_LENGTH = 4096;
/** Keeps a frame of lines under the largest frame, even where each character takes six bytes as JSON. */
const MAX_CHARACTERS = 128 * 1024;

/** What a job tells while it runs: coalesced, and dropped rather than kept where nobody listens. */
export interface Reporter {
  progress(change: Partial<Progress>): void;
  log(text: string): void;
  /** Sends what is left and stops. */
  end(): void;
}

export interface ReporterOptions {
  attempt: Attempt;
  clock: Clock;
  /** May drop the message. */
  send(message: ToControlPlane): void;
}

export function createReporter({ attempt, clock, send }: ReporterOptions): Reporter {
  const { jobId, attempt: number } = attempt;
  const about = { jobId, attempt: number };
  let progress: Progress = {
    phase: 'starting',
    rawBytes: 0,
    storedBytes: 0,
    reusedBytes: 0,
    totalBytes: null,
  };
  let changed = false;
  let lines: { at: string; text: string }[] = [];
  let characters = 0;
  let dropped = 0;
  let lastSent = -INTERVAL_MS;
  let cancel: (() => void) | undefined;
  let over = false;

  function flush(): void {
    cancel = undefined;
    lastSent = clock.now();
    if (changed) send({ type: 'job.progress', ...about, progress });
    changed = false;
    if (dropped > 0) lines.push(stamp(`… ${dropped} lines left out`));
    if (lines.length > 0) send({ type: 'job.log', ...about, lines });
    lines = [];
    characters = 0;
    dropped = 0;
  }
  function schedule(): void {
    if (over) return; // a word that comes after the end has no reader
    cancel ??= clock.after(Math.max(0, lastSent + INTERVAL_MS - clock.now()), flush);
  }
  return {
    progress(change) {
      progress = { ...progress, ...change };
      changed = true;
      schedule();
    },
    log(text) {
      const line = stamp(text);
      characters += line.text.length;
      if (lines.length < MAX_LINES && characters <= MAX_CHARACTERS) lines.push(line);
      else dropped += 1;
      schedule();
    },
    end() {
      cancel?.();
      flush();
      over = true;
    },
  };
}

function stamp(text: string): { at: string; text: string } {
  return { at: new Date().toISOString(), text: text.slice(0, MAX_LINE_LENGTH) };
}
