import { and, asc, count, eq, isNotNull, isNull, sql } from 'drizzle-orm';
import type { Db } from './open.ts';
import { agents, databases, servers } from './schema/fleet.ts';

export type ServerRow = typeof servers.$inferSelect;
/** A server with the names a reader needs beside it. */
export interface ServerListing extends ServerRow {
  agentName: string;
  /** Those that are protected. */
  databaseCount: number;
}

export function findServer(db: Db, id: string): ServerRow | undefined {
  return db.select().from(servers).where(eq(servers.id, id)).get();
}

export function listServers(db: Db): ServerListing[] {
  const counts = new Map(
    db
      .select({ id: databases.serverId, n: count() })
      .from(databases)
      .where(isNotNull(databases.protectedAt))
      .groupBy(databases.serverId)
      .all()
      .map(({ id, n }) => [id, n]),
  );
  return db
    .select({ server: servers, agentName: agents.name })
    .from(servers)
    .innerJoin(agents, eq(agents.id, servers.agentId))
    .orderBy(asc(servers.name), asc(servers.id))
    .all()
    .map(({ server, agentName }) => ({ ...server, agentName, databaseCount: counts.get(server.id) ?? 0 }));
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
