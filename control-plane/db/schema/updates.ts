import { index, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { agents } from './fleet.ts';

/** Updates of agents, by whom they were asked for and what became of them. Times as in the fleet's tables. */
export const agentUpdates = sqliteTable(
  'agent_updates',
  {
    id: text().primaryKey(),
    agentId: text()
      .notNull()
      .references(() => agents.id),
    fromVersion: text().notNull(),
    toVersion: text().notNull(),
    /** `fetching`: the agent fetches and checks the build; `applying`: it finishes what runs and is replaced. */
    state: text({ enum: ['fetching', 'applying', 'succeeded', 'failed'] }).notNull(),
    /** When the agent's update before this one ended, by its host's clock: what it tells of that is not about this one. */
    formerOutcomeAt: text(),
    /** JSON of protocol `Failure`. */
    failure: text(),
    requestedBy: text().notNull(),
    createdAt: integer().notNull(),
    finishedAt: integer(),
  },
  (t) => [index('agent_updates_agent').on(t.agentId, t.createdAt)],
);
