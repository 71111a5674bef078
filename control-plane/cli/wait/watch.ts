import { FailureError } from '../../../protocol/failure.ts';
import { isOutOfReach } from '../exit.ts';
import type { Client } from '../remote/client.ts';
import { type Job, jobShape } from '../remote/shapes.ts';
import { followEvents } from './stream.ts';

/** How often jobs are asked for: while events come, as a safeguard; while they do not, instead of them. */
const ASK_WITH_EVENTS_MS = 15_000;
const ASK_WITHOUT_EVENTS_MS = 1_000;

interface WatchOptions {
  /** Told of every change that is seen, and of every job once at the beginning. */
  onChange(job: Job): void;
  /** Told when the control plane is out of reach, and when it is back. */
  onReach(reached: boolean): void;
  signal: AbortSignal;
  /** How long the control plane may be out of reach before this gives up. */
  patienceMs: number;
}

/** Whether a job has ended; it does so once. */
export function isOver({ state }: Pick<Job, 'state'>): boolean {
  return state === 'succeeded' || state === 'failed' || state === 'cancelled' || state === 'lost';
}

/**
 * Watches jobs until all have ended, through restarts of the control plane, and gives them as they ended, in order.
 * @throws FailureError what the API says; when nobody answered for `patienceMs`, the reason of the last try
 * @throws the signal's reason
 */
export async function watchJobs(client: Client, ids: string[], options: WatchOptions): Promise<Job[]> {
  const { signal } = options;
  const board = createBoard(options.onChange);
  const stop = new AbortController();
  let live = false;
  const following = followEvents(
    client,
    {
      onOpen: () => {
        live = true;
        board.doubt(undefined);
      },
      onLost: () => {
        live = false;
        board.doubt(undefined);
      },
      onJobChanged: (id) => board.doubt(id),
      onProgress: (event) => board.progress(event),
    },
    AbortSignal.any([signal, stop.signal]),
  );
  try {
    const ask = patient(client, options);
    for (;;) {
      for (const id of board.open(ids)) if (board.takeDoubt(id)) board.put(await ask(id));
      if (board.open(ids).length === 0) return ids.map((id) => board.get(id));
      await board.doubted(live ? ASK_WITH_EVENTS_MS : ASK_WITHOUT_EVENTS_MS, signal);
    }
  } finally {
    stop.abort();
    await following;
  }
}

/** Asks for a job until it is told, for as long as `patienceMs`. */
function patient(client: Client, { onReach, patienceMs, signal }: WatchOptions) {
  return async (id: string): Promise<Job> => {
    const since = performance.now();
    let away = false;
    for (;;) {
      signal.throwIfAborted();
      try {
        const job = await client.get(`/jobs/${id}`, jobShape, signal);
        if (away) onReach(true);
        return job;
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof FailureError) || !isOutOfReach(error.failure)) throw error;
        if (!away) onReach(false);
        away = true;
        if (performance.now() - since > patienceMs) throw error;
        await elapsed(Math.min(ASK_WITHOUT_EVENTS_MS, patienceMs), signal);
      }
    }
  };
}

/** What is known of the jobs, and which of it may be out of date. */
function createBoard(onChange: (job: Job) => void) {
  const jobs = new Map<string, Job>();
  const trusted = new Set<string>();
  let wake = () => {};
  return {
    get: (id: string) => jobs.get(id) as Job,
    open: (ids: string[]) => ids.filter((id) => !jobs.has(id) || !isOver(jobs.get(id) as Job)),
    put(job: Job): void {
      const { log: _, attempts: __, ...lean } = job;
      const before = JSON.stringify(jobs.get(job.id));
      jobs.set(job.id, lean as Job);
      if (JSON.stringify(lean) !== before) onChange(lean as Job);
    },
    progress(event: { jobId: string; attempt: number } & Partial<Job>): void {
      const { jobId, ...fresh } = event;
      const job = jobs.get(jobId);
      // Late news of an attempt that is over, or of a job that has ended, must not undo that.
      if (job && !isOver(job) && fresh.attempt >= job.attempt) this.put({ ...job, ...fresh });
    },
    /** What is known of this job, or of all, may be out of date. */
    doubt(id: string | undefined): void {
      if (id === undefined) trusted.clear();
      else trusted.delete(id);
      wake();
    },
    /** Whether to ask for this job; it counts as known from now on. */
    takeDoubt(id: string): boolean {
      const doubtful = !trusted.has(id);
      trusted.add(id);
      return doubtful;
    },
    /** Resolves when something is in doubt; after `ms` everything is. */
    async doubted(ms: number, signal: AbortSignal): Promise<void> {
      if ([...jobs].some(([id, job]) => !isOver(job) && !trusted.has(id))) return;
      const woken = new AbortController();
      wake = () => woken.abort();
      await elapsed(ms, AbortSignal.any([signal, woken.signal])).catch(() => {});
      wake = () => {};
      signal.throwIfAborted();
      if (!woken.signal.aborted) trusted.clear();
    },
  };
}

/** @throws the signal's reason */
function elapsed(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', end);
      resolve();
    }, ms);
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted) end();
  });
}
