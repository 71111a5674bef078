import { findAgent, labelsOfAgents } from '../db/agents.ts';
import { findDatabase } from '../db/databases.ts';
import { findJob } from '../db/jobs.ts';
import type { Db } from '../db/open.ts';
import { findServer } from '../db/servers.ts';
import { snapshotQueries } from '../db/snapshots.ts';
import type { Owned } from './access.ts';

/** The agents somebody may see, with all that is theirs. */
export interface Reach {
  /** Their ids; null: all agents there are and will be. */
  agentIds: readonly string[] | null;
  has(agentId: string): boolean;
  /** Of rows that are an agent's, those within reach. */
  within<T extends { agentId: string }>(rows: T[]): T[];
}

export const EVERYWHERE: Reach = { agentIds: null, has: () => true, within: (rows) => rows };

/** @param labels an agent is within reach if it has one of them; null: every agent is */
export function reachOf(db: Db, labels: readonly string[] | null): Reach {
  if (labels === null) return EVERYWHERE;
  const carriers = labelsOfAgents(db).filter((agent) => agent.labels.some((label) => labels.includes(label)));
  const ids = new Set(carriers.map(({ id }) => id));
  const has = (agentId: string) => ids.has(agentId);
  return { agentIds: [...ids], has, within: (rows) => rows.filter(({ agentId }) => has(agentId)) };
}

/** Whose the thing with this id is; undefined where there is none. */
export function agentOf(db: Db, kind: Owned, id: string): string | undefined {
  return AGENT_OF[kind](db, id);
}

const AGENT_OF = {
  agent: (db, id) => findAgent(db, id)?.id,
  server: (db, id) => findServer(db, id)?.agentId,
  database: (db, id) => findDatabase(db, id)?.agentId,
  snapshot: (db, id) => databaseAgent(db, snapshotQueries(db).snapshot(id)?.databaseId),
  job: (db, id) => findJob(db, id)?.agentId,
} satisfies Record<Owned, (db: Db, id: string) => string | undefined>;

/** A snapshot is its database's agent's, whichever agent made it: a successor has its predecessor's. */
function databaseAgent(db: Db, databaseId: string | undefined): string | undefined {
  return databaseId === undefined ? undefined : findDatabase(db, databaseId)?.agentId;
}
