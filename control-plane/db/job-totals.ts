import { sql } from 'drizzle-orm';
import type { JobKind, JobState } from '../../protocol/job.ts';
import type { Db } from './open.ts';
import { jobDurations, jobTotals } from './schema/totals.ts';

/** Bounds of the histogram of durations, in seconds: from a few rows to a day. */
export const DURATION_BOUNDS = [
  1, 5, 15, 30, 60, 300, 900, 1800, 3600, 7200, 14_400, 28_800, 86_400,
] as const;

/** A job that ended. */
export interface EndedJob {
  kind: JobKind;
  state: JobState;
  /** How long it took, in seconds; null where it never began. */
  seconds: number | null;
  rawBytes: number;
  storedBytes: number;
  reusedBytes: number;
}

/** Counts a job that ended; once for each. */
export function countEnded(db: Db, { seconds, ...ended }: EndedJob): void {
  const { kind, reusedBytes, rawBytes, state, storedBytes } = ended;
  const ran = seconds === null ? 0 : 1;
  const t = jobTotals;
  db.insert(t)
    .values({ ...ended, jobs: 1, ran, seconds: seconds ?? 0 })
    .onConflictDoUpdate({
      target: [t.kind, t.state],
      set: {
        jobs: sql`${t.jobs} + 1`,
        ran: sql`${t.ran} + ${ran}`,
        seconds: sql`${t.seconds} + ${seconds ?? 0}`,
        rawBytes: sql`${t.rawBytes} + ${rawBytes}`,
        storedBytes: sql`${t.storedBytes} + ${storedBytes}`,
        reusedBytes: sql`${t.reusedBytes} + ${reusedBytes}`,
      },
    })
    .run();
  const atMost = seconds === null ? undefined : DURATION_BOUNDS.find((bound) => seconds <= bound);
  if (atMost === undefined) return;
  db.insert(jobDurations)
    .values({ kind, state, atMost, jobs: 1 })
    .onConflictDoUpdate({
      target: [jobDurations.kind, jobDurations.state, jobDurations.atMost],
      set: { jobs: sql`${jobDurations.jobs} + 1` },
    })
    .run();
}

export type JobTotals = typeof jobTotals.$inferSelect & {
  /** By the bounds that {@link DURATION_BOUNDS} has: those that took at most so long. */
  durations: ReadonlyMap<number, number>;
};

/** By kind and state; those of which none ended are missing. */
export function jobTotalsOf(db: Db): JobTotals[] {
  const durations = db.select().from(jobDurations).all();
  return db
    .select()
    .from(jobTotals)
    .all()
    .map((total) => {
      const own = durations.filter(({ kind, state }) => kind === total.kind && state === total.state);
      return { ...total, durations: new Map(own.map(({ atMost, jobs }) => [atMost, jobs])) };
    });
}
