import { and, asc, count, eq, isNotNull, isNull, type SQL, sql } from 'drizzle-orm';
import type { Db } from './open.ts';
import { among, matching, type Page, type PageWish, ROWS } from './pages.ts';
import { agents, databases, servers } from './schema/fleet.ts';

export type ServerRow = typeof servers.$inferSelect;
/** A server with the names a reader needs beside it. */
export interface ServerListing extends ServerRow {
  agentName: string;
  agentRevokedAt: number | null;
  /** Those that are protected. */
  databaseCount: number;
}

export function findServer(db: Db, id: string): ServerRow | undefined {
  return db.select().from(servers).where(eq(servers.id, id)).get();
}

export interface ServerFilter {
  /** Looked for in its name, its agent's and its address; or its id. */
  q?: string | undefined;
  agentId?: string | undefined;
  engine?: string | undefined;
  /** Only those that an agent can log in to: not removed, with credentials, and the agent is not revoked. */
  usable?: boolean;
  /** Of these agents; null: of all. */
  agentIds: readonly string[] | null;
}

const protectedOnIt = sql<number>`(select count(*) from ${databases}
  where ${databases.serverId} = ${servers.id} and ${databases.protectedAt} is not null)`;

/** By name. */
export function pageOfServers(db: Db, filter: ServerFilter, wish: PageWish): Page<ServerListing> {
  const where = whereOf(filter);
  const counted = db.select(ROWS).from(servers).innerJoin(agents, eq(agents.id, servers.agentId));
  return { rows: listed(db, where, wish), total: counted.where(where).get()?.n ?? 0 };
}

function listed(db: Db, where: SQL | undefined, { limit, offset }: PageWish): ServerListing[] {
  const beside = { agentName: agents.name, agentRevokedAt: agents.revokedAt, databaseCount: protectedOnIt };
  return db
    .select({ server: servers, ...beside })
    .from(servers)
    .innerJoin(agents, eq(agents.id, servers.agentId))
    .where(where)
    .orderBy(asc(servers.name), asc(servers.id))
    .limit(limit)
    .offset(offset)
    .all()
    .map(({ server, ...names }) => ({ ...server, ...names }));
}

function whereOf({ agentId, agentIds, engine, q, usable }: ServerFilter): SQL | undefined {
  const { awaitsCredentialsSince, connection, name, removedAt } = servers;
  const address = sql`coalesce(json_extract(${connection}, '$.host') || ':' || json_extract(${connection}, '$.port'), '')`;
  const canBeUsed = and(isNull(removedAt), isNull(awaitsCredentialsSince), isNull(agents.revokedAt));
  return and(
    matching(q, servers.id, [name, agents.name, address]),
    agentId === undefined ? undefined : eq(servers.agentId, agentId),
    engine === undefined ? undefined : eq(servers.engine, engine),
    usable ? canBeUsed : undefined,
    agentIds === null ? undefined : among(servers.agentId, agentIds),
  );
}

export function findServerListing(db: Db, id: string): ServerListing | undefined {
  return listed(db, eq(servers.id, id), { limit: 1, offset: 0 })[0];
}

/** What is kept of a connection, JSON: plain values only, as readers of it expect. */
export function connectionText(connection: Record<string, unknown>): string {
  const plain = Object.entries(connection).filter(([, value]) =>
    ['string', 'number', 'boolean'].includes(typeof value),
  );
  return JSON.stringify(Object.fromEntries(plain));
}

export function serversOfAgent(db: Db, agentId: string): ServerRow[] {
  return db.select().from(servers).where(eq(servers.agentId, agentId)).all();
}

/** Servers whose databases are protected as they appear; of one agent where told. */
export function autoProtectedServers(db: Db, agentId?: string): ServerRow[] {
  const own = agentId === undefined ? undefined : eq(servers.agentId, agentId);
  const reached = and(isNull(servers.removedAt), isNull(servers.awaitsCredentialsSince));
  const where = and(isNotNull(servers.autoProtectSince), reached, own);
  return db.select().from(servers).where(where).all();
}

/**
 * Makes all servers of one agent another one's. Credentials do not move, being sealed to the first: servers that had
 * some wait for them, from `now` on or as long as they did already.
 */
export function moveServers(db: Db, { by, now, of }: { of: string; by: string; now: number }): void {
  const { awaitsCredentialsSince, agentId, removedAt } = servers;
  const since = sql`case when ${removedAt} is null then coalesce(${awaitsCredentialsSince}, ${now}) end`;
  db.update(servers).set({ agentId: by, awaitsCredentialsSince: since }).where(eq(agentId, of)).run();
}

/** Servers of an agent that wait for their credentials. */
export function countWaiting(db: Db, agentId: string): number {
  const where = and(eq(servers.agentId, agentId), isNotNull(servers.awaitsCredentialsSince));
  return db.select({ n: count() }).from(servers).where(where).get()?.n ?? 0;
}

export function insertServer(db: Db, server: typeof servers.$inferInsert): void {
  db.insert(servers).values(server).run();
}

export function updateServer(db: Db, id: string, set: Partial<Omit<ServerRow, 'id' | 'agentId'>>): void {
  db.update(servers).set(set).where(eq(servers.id, id)).run();
}
