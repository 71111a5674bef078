import { integer, primaryKey, real, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import type { JobKind, JobState } from '../../../protocol/job.ts';

/** What the jobs that ended come to, so that counters outlive a restart, and jobs that are removed. */
export const jobTotals = sqliteTable(
  'job_totals',
  {
    kind: text().$type<JobKind>().notNull(),
    state: text().$type<JobState>().notNull(),
    jobs: integer().notNull(),
    /** Those that ran, and for how long, in seconds: from the first attempt's start to the end. */
    ran: integer().notNull(),
    seconds: real().notNull(),
    /** Bytes, as `JobResult` counts them. */
    rawBytes: integer().notNull(),
    storedBytes: integer().notNull(),
    reusedBytes: integer().notNull(),
  },
  (t) => [primaryKey({ columns: [t.kind, t.state] })],
);

/** How many of those that ran took how long. */
export const jobDurations = sqliteTable(
  'job_durations',
  {
    kind: text().$type<JobKind>().notNull(),
    state: text().$type<JobState>().notNull(),
    /** Seconds that they took at most, and more than the bound below; those beyond the last bound are not here. */
    atMost: integer().notNull(),
    jobs: integer().notNull(),
  },
  (t) => [primaryKey({ columns: [t.kind, t.state, t.atMost] })],
);
