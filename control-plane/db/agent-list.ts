import { and, asc, count, desc, eq, isNotNull, isNull, not, type SQL, sql } from 'drizzle-orm';
import type { AgentRow } from './agents.ts';
import type { Db } from './open.ts';
import { among, matching, type Page, type PageWish, ROWS } from './pages.ts';
import { agents, databases, servers } from './schema/fleet.ts';

export interface AgentFilter {
  /** Looked for in its name, its host's and its labels; or its id. */
  q?: string | undefined;
  /** Ids of those that are connected, with whether they are wanted or the others; revoked ones are in neither. */
  connected?: { ids: readonly string[]; wanted: boolean } | undefined;
  revoked?: boolean | undefined;
  /** Only these; null: all. */
  agentIds: readonly string[] | null;
}

export type AgentOrder = 'name' | 'newest';

export function pageOfAgents(
  db: Db,
  filter: AgentFilter,
  { limit, offset, order }: PageWish & { order: AgentOrder },
): Page<AgentRow> {
  const where = whereOf(filter);
  const total = db.select(ROWS).from(agents).where(where).get()?.n ?? 0;
  const first = order === 'name' ? asc(agents.name) : desc(agents.createdAt);
  const rows = db.select().from(agents).where(where).orderBy(first, asc(agents.id));
  return { rows: rows.limit(limit).offset(offset).all(), total };
}

function whereOf({ agentIds, connected, q, revoked }: AgentFilter): SQL | undefined {
  const host = sql`coalesce(json_extract(${agents.inventory}, '$.hostname'), '')`;
  const online = connected && among(agents.id, connected.ids);
  return and(
    matching(q, agents.id, [agents.name, host, agents.labels]),
    online && (connected.wanted ? online : not(online)),
    revoked === undefined ? undefined : revoked ? isNotNull(agents.revokedAt) : isNull(agents.revokedAt),
    agentIds === null ? undefined : among(agents.id, agentIds),
  );
}

/** Ids of the agents that are not revoked; of these, or of all. */
export function liveAgentIds(db: Db, agentIds: readonly string[] | null): string[] {
  const where = whereOf({ revoked: false, agentIds });
  const rows = db.select({ id: agents.id }).from(agents).where(where).all();
  return rows.map(({ id }) => id);
}

/** What agents have and who they follow, for those shown on one page. */
export interface AgentCounts {
  servers: Map<string, number>;
  /** Servers that wait for their credentials. */
  waiting: Map<string, number>;
  /** Databases that are protected. */
  databases: Map<string, number>;
}

export function countsOfAgents(db: Db, ids: readonly string[]): AgentCounts {
  const theirs = among(servers.agentId, ids);
  const of = (rows: { id: string; n: number }[]) => new Map(rows.map(({ id, n }) => [id, n]));
  const serversWhere = (where: SQL) =>
    of(
      db
        .select({ id: servers.agentId, n: count() })
        .from(servers)
        .where(and(theirs, where))
        .groupBy(servers.agentId)
        .all(),
    );
  const databasesOf = db
    .select({ id: servers.agentId, n: count() })
    .from(servers)
    .innerJoin(databases, eq(databases.serverId, servers.id))
    .where(and(theirs, isNotNull(databases.protectedAt)))
    .groupBy(servers.agentId)
    .all();
  return {
    servers: serversWhere(isNull(servers.removedAt)),
    waiting: serversWhere(isNotNull(servers.awaitsCredentialsSince)),
    databases: of(databasesOf),
  };
}

/** Of agents: those that took their places, by the ids of those whose places they took; and the names of predecessors. */
export function kinOfAgents(db: Db, rows: readonly Pick<AgentRow, 'id' | 'predecessorId'>[]) {
  const ids = rows.map(({ id }) => id);
  const before = rows.flatMap(({ predecessorId }) => predecessorId ?? []);
  const named = { id: agents.id, name: agents.name };
  const predecessors = db.select(named).from(agents).where(among(agents.id, before)).all();
  const successors = db
    .select({ ...named, of: agents.predecessorId })
    .from(agents)
    .where(among(agents.predecessorId, ids))
    .orderBy(asc(agents.createdAt), asc(agents.id))
    .all();
  return {
    predecessors: new Map(predecessors.map((one) => [one.id, one])),
    successors: new Map(successors.map(({ id, name, of }) => [String(of), { id, name }])),
  };
}
