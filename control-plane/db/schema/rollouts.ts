import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';

/** Updates of many agents, one batch after the other. At most one is running. Times as in the fleet's tables. */
export const rollouts = sqliteTable('rollouts', {
  id: text().primaryKey(),
  version: text().notNull(),
  state: text({ enum: ['running', 'succeeded', 'stopped'] }).notNull(),
  /** JSON, `string[][]`: ids of agents, in the order of their batches; the canary is alone in the first. */
  batches: text().notNull(),
  /** Batch that is under way, from 0. */
  current: integer().notNull(),
  /** JSON, `string[]`: ids of agents that were passed over, because they were not connected when it was their turn. */
  skipped: text().notNull(),
  /** JSON of protocol `Failure`: why it was stopped; null also where somebody stopped it. */
  failure: text(),
  requestedBy: text().notNull(),
  createdAt: integer().notNull(),
  finishedAt: integer(),
});
