import { and, asc, eq, type SQL } from 'drizzle-orm';
import type { TableSelection } from '../../protocol/selection.ts';
import type { Db } from './open.ts';
import { among } from './pages.ts';
import { agents, databases, servers } from './schema/fleet.ts';

export type DatabaseRow = typeof databases.$inferSelect;
/** A database with the names a reader needs beside it. */
export interface DatabaseListing extends DatabaseRow {
  serverName: string;
  engine: string;
  serverRemovedAt: number | null;
  /** Since when its server waits for credentials; null: it does not. */
  serverAwaitsSince: number | null;
  agentId: string;
  agentName: string;
  agentRevokedAt: number | null;
}

/** The columns of a listing, where databases are joined with their servers and agents. */
export const DATABASE_LISTED = {
  id: databases.id,
  serverId: databases.serverId,
  name: databases.name,
  createdAt: databases.createdAt,
  protectedAt: databases.protectedAt,
  stoppedAt: databases.stoppedAt,
  selection: databases.selection,
  serverName: servers.name,
  engine: servers.engine,
  serverRemovedAt: servers.removedAt,
  serverAwaitsSince: servers.awaitsCredentialsSince,
  agentId: servers.agentId,
  agentName: agents.name,
  agentRevokedAt: agents.revokedAt,
};

function select(db: Db, where: SQL | undefined): DatabaseListing[] {
  return db
    .select(DATABASE_LISTED)
    .from(databases)
    .innerJoin(servers, eq(servers.id, databases.serverId))
    .innerJoin(agents, eq(agents.id, servers.agentId))
    .where(where)
    .orderBy(asc(databases.name), asc(databases.id))
    .all();
}

/** All of a server that are known, by name. */
export function databasesOfServer(db: Db, serverId: string): DatabaseListing[] {
  return select(db, eq(databases.serverId, serverId));
}

export function databasesCalled(db: Db, ids: readonly string[]): DatabaseListing[] {
  return select(db, among(databases.id, ids));
}

export function findDatabase(db: Db, id: string): DatabaseListing | undefined {
  return select(db, eq(databases.id, id))[0];
}

export function findDatabaseByName(db: Db, serverId: string, name: string): DatabaseRow | undefined {
  const where = and(eq(databases.serverId, serverId), eq(databases.name, name));
  return db.select().from(databases).where(where).get();
}

/** Protects a database that may have been known before: its id, and so its snapshots, stay. */
export function protectDatabase(db: Db, database: typeof databases.$inferInsert): void {
  db.insert(databases)
    .values(database)
    .onConflictDoUpdate({
      target: [databases.serverId, databases.name],
      set: { protectedAt: database.protectedAt, stoppedAt: null },
    })
    .run();
}

/** Knows a database from now on, without protecting it; one that is known stays as it is. */
export function rememberDatabase(
  db: Db,
  database: Pick<DatabaseRow, 'id' | 'serverId' | 'name' | 'createdAt'>,
): void {
  db.insert(databases)
    .values({ ...database, protectedAt: null })
    .onConflictDoNothing({ target: [databases.serverId, databases.name] })
    .run();
}

/** Whose rows its backups hold; null: everybody's. */
export function selectionOf({ selection }: Pick<DatabaseRow, 'selection'>): TableSelection | null {
  return selection === null ? null : (JSON.parse(selection) as TableSelection);
}

export function changeSelection(db: Db, id: string, selection: TableSelection | null): void {
  const text = selection && JSON.stringify(selection);
  db.update(databases).set({ selection: text }).where(eq(databases.id, id)).run();
}

/** Whether it is protected, or a person decided that it is not to be. */
export function isDecided({
  protectedAt,
  stoppedAt,
}: Pick<DatabaseRow, 'protectedAt' | 'stoppedAt'>): boolean {
  return protectedAt !== null || stoppedAt !== null;
}

/** Stops what a person does not want protected; `at` in ms since the epoch. */
export function stopProtecting(db: Db, id: string, at: number): void {
  stop(db, eq(databases.id, id), at);
}

export function stopProtectingServer(db: Db, serverId: string, at: number): void {
  stop(db, eq(databases.serverId, serverId), at);
}

function stop(db: Db, which: SQL, at: number): void {
  db.update(databases).set({ protectedAt: null, stoppedAt: at }).where(which).run();
}
