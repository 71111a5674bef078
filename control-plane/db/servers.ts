import { and, asc, count, eq, isNotNull, isNull } from 'drizzle-orm';
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
  const where = and(isNotNull(servers.autoProtectSince), isNull(servers.removedAt), own);
  return db.select().from(servers).where(where).all();
}

export function insertServer(db: Db, server: typeof servers.$inferInsert): void {
  db.insert(servers).values(server).run();
}

export function updateServer(db: Db, id: string, set: Partial<Omit<ServerRow, 'id' | 'agentId'>>): void {
  db.update(servers).set(set).where(eq(servers.id, id)).run();
}
