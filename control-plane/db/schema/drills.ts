import { index, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';

/** `incomplete`: it could not be carried out, which says nothing about the snapshot. */
export const DRILL_OUTCOMES = ['passed', 'failed', 'incomplete'] as const;

/** How each drill ended; what it found is in the result of its job. */
export const drills = sqliteTable(
  'drills',
  {
    jobId: text().primaryKey(),
    databaseId: text().notNull(),
    snapshotId: text().notNull(),
    outcome: text({ enum: DRILL_OUTCOMES }).notNull(),
    /** Milliseconds since the epoch. */
    finishedAt: integer().notNull(),
  },
  (t) => [
    index('drills_database').on(t.databaseId, t.finishedAt),
    index('drills_snapshot').on(t.snapshotId, t.finishedAt),
  ],
);

/** The newest drill of each database that passed or failed. */
export const drillVerdicts = sqliteTable('drill_verdicts', {
  databaseId: text().primaryKey(),
  jobId: text().notNull(),
  outcome: text({ enum: ['passed', 'failed'] }).notNull(),
  finishedAt: integer().notNull(),
});

/** What a drill holds against a database beside its rows, in the order of `position`. */
export const assertions = sqliteTable(
  'assertions',
  {
    databaseId: text().notNull(),
    position: integer().notNull(),
    name: text().notNull(),
    query: text().notNull(),
  },
  (t) => [primaryKey({ columns: [t.databaseId, t.position] })],
);
