import { z } from 'zod';

const count = z.number().int().nonnegative();

/** Most assertions a database has; with their queries they fit one frame. */
export const MAX_ASSERTIONS = 20;

/** A statement about a database that a drill holds against what was restored. */
export const assertionSchema = z.object({
  name: z.string().trim().min(1).max(100),
  /** One query, of which the first column of the only row is true or a number other than 0. */
  query: z.string().trim().min(1).max(8000),
});
export type Assertion = z.infer<typeof assertionSchema>;

/** `error`: the query could not be answered. */
export const ASSERTION_OUTCOMES = ['passed', 'failed', 'error'] as const;

export const assertionOutcomeSchema = z.object({
  name: z.string().max(100),
  outcome: z.enum(ASSERTION_OUTCOMES),
  /** What was wrong; never a value of the data. Empty where it passed. */
  message: z.string().max(1000),
});
export type AssertionOutcome = z.infer<typeof assertionOutcomeSchema>;

/** A table whose rows are not as many as the backup held. */
export const tableDifferenceSchema = z.object({
  table: z.string().max(600),
  /** Rows in the backup. */
  expected: count,
  /** Rows after the restore; null where the table is not there. */
  found: count.nullable(),
});
export type TableDifference = z.infer<typeof tableDifferenceSchema>;

/** Differences that are told one by one; `differing` is how many there are. */
export const MAX_DIFFERENCES = 50;

/** What a drill found once it had restored a snapshot. Nothing in it is data of the database. */
export const drillReportSchema = z.object({
  passed: z.boolean(),
  /** Version of the disposable server, e.g. `15.20`. */
  serverVersion: z.string().max(64),
  durationMs: count,
  /** Tables whose rows were counted and compared, those that the backup counted no rows of, and the rows in all. */
  tables: z.object({ compared: count, uncounted: count, rows: count }),
  differences: z.array(tableDifferenceSchema).max(MAX_DIFFERENCES),
  differing: count,
  assertions: z.array(assertionOutcomeSchema).max(MAX_ASSERTIONS),
  /** Sentences on what was left out, or not as in the backup. */
  notes: z.array(z.string().max(1000)).max(50),
});
export type DrillReport = z.infer<typeof drillReportSchema>;
