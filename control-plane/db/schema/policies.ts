import { index, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';

/** What is done by itself with databases, and when. Times are milliseconds since the epoch. */
export const policies = sqliteTable('policies', {
  id: text().primaryKey(),
  name: text().notNull().unique(),
  /** JSON of `Schedule`. */
  schedule: text().notNull(),
  /** JSON of `Retention`; null: every snapshot stays. */
  retention: text(),
  /** Whether it is for all databases that nothing nearer decides about; of at most one policy. */
  everywhere: integer({ mode: 'boolean' }).notNull().default(false),
  /** For databases of agents with one of these; a label is of at most one policy. */
  labels: text({ mode: 'json' }).$type<string[]>().notNull().default([]),
  createdAt: integer().notNull(),
  /** JSON of `DrillSetting`; null: no drills. */
  drill: text(),
});

/** What was chosen for one database, one server or one agent by itself. */
export const policyChoices = sqliteTable(
  'policy_choices',
  {
    kind: text({ enum: ['database', 'server', 'agent'] }).notNull(),
    targetId: text().notNull(),
    /** Null: by hand only. */
    policyId: text().references(() => policies.id, { onDelete: 'cascade' }),
  },
  (t) => [primaryKey({ columns: [t.kind, t.targetId] })],
);

/** The policy of each database that has one, and its next run: a summary, made anew whenever something else decides. */
export const schedules = sqliteTable(
  'schedules',
  {
    databaseId: text().primaryKey(),
    policyId: text().notNull(),
    source: text({ enum: ['database', 'server', 'agent', 'label', 'everywhere'] }).notNull(),
    /** Where a label decided: which. */
    label: text(),
    /** JSON of the `Schedule` that the next run is by. */
    schedule: text().notNull(),
    /** Null: never again. */
    dueAt: integer(),
    startsAt: integer(),
    /** When a run was last passed over, and why, as people are told. */
    skippedAt: integer(),
    skipped: text(),
  },
  (t) => [index('schedules_start').on(t.startsAt), index('schedules_policy').on(t.policyId)],
);
