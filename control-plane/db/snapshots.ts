import { and, count, countDistinct, desc, eq, gt, inArray, max, type SQL, sql } from 'drizzle-orm';
import { snapshotTotals } from './database-list.ts';
import type { Db } from './open.ts';
import { among, type Page, type PageWish } from './pages.ts';
import { databases, servers } from './schema/fleet.ts';
import { forgottenSnapshots } from './schema/retention.ts';
import { snapshots } from './schema/vault.ts';

export type SnapshotRow = typeof snapshots.$inferSelect;

export interface SnapshotFilter {
  databaseId?: string | undefined;
  /** Of the databases of these agents; null: of all, those of databases that are known no more included. */
  agentIds: readonly string[] | null;
}

/** Committed snapshots. */
export function snapshotQueries(db: Db) {
  return {
    snapshot(id: string): SnapshotRow | undefined {
      return db.select().from(snapshots).where(eq(snapshots.id, id)).get();
    },

    /** Newest commit first. */
    page({ agentIds, databaseId }: SnapshotFilter, { limit, offset }: PageWish): Page<SnapshotRow> {
      const total = snapshotTotals(db, agentIds, databaseId).snapshots;
      const where = and(
        databaseId === undefined ? undefined : eq(snapshots.databaseId, databaseId),
        agentIds === null ? undefined : ofAgents(agentIds, total <= FEW),
      );
      const order = [desc(snapshots.createdAt), desc(snapshots.sequence)];
      const found = db
        .select({ id: snapshots.id })
        .from(snapshots)
        .where(where)
        .orderBy(...order);
      const ids = found
        .limit(limit)
        .offset(offset)
        .all()
        .map(({ id }) => id);
      const rows = db
        .select()
        .from(snapshots)
        .where(among(snapshots.id, ids))
        .orderBy(...order)
        .all();
      return { rows, total };
    },

    /** The snapshot with the highest sequence of each of these databases that has one. */
    latestOf(databaseIds: readonly string[]): SnapshotRow[] {
      const highest = sql`(select max(newest."sequence") from ${snapshots} newest where newest."databaseId" = ${snapshots.databaseId})`;
      const where = and(among(snapshots.databaseId, databaseIds), eq(snapshots.sequence, highest));
      return db.select().from(snapshots).where(where).all();
    },

    /** The snapshot with the highest sequence that one of these agents made of a database in a vault. */
    newestBy(
      agentIds: readonly string[],
      { databaseId, vaultId }: Pick<SnapshotRow, 'databaseId' | 'vaultId'>,
    ): SnapshotRow | undefined {
      const theirs = among(snapshots.agentId, agentIds);
      const where = and(eq(snapshots.databaseId, databaseId), eq(snapshots.vaultId, vaultId), theirs);
      return db.select().from(snapshots).where(where).orderBy(desc(snapshots.sequence)).limit(1).get();
    },

    highestSequence(databaseId: string): number {
      const highest = max(snapshots.sequence);
      return (
        db.select({ highest }).from(snapshots).where(eq(snapshots.databaseId, databaseId)).get()?.highest ?? 0
      );
    },

    /** Those of databases that several agents made snapshots of. */
    ofSeveralAgents(vaultId: string): SnapshotRow[] {
      const shared = db
        .select({ databaseId: snapshots.databaseId })
        .from(snapshots)
        .where(eq(snapshots.vaultId, vaultId))
        .groupBy(snapshots.databaseId)
        .having(gt(countDistinct(snapshots.agentId), 1));
      const where = and(eq(snapshots.vaultId, vaultId), inArray(snapshots.databaseId, shared));
      return db.select().from(snapshots).where(where).all();
    },

    ofVault(vaultId: string): SnapshotRow[] {
      return db.select().from(snapshots).where(eq(snapshots.vaultId, vaultId)).all();
    },

    ofServer(vaultId: string, serverId: string): SnapshotRow[] {
      const where = and(eq(snapshots.vaultId, vaultId), eq(snapshots.serverId, serverId));
      return db.select().from(snapshots).where(where).all();
    },

    /** Notes whether all that a snapshot needs is whole. */
    setDamaged(id: string, damagedAt: number | null): void {
      db.update(snapshots).set({ damagedAt }).where(eq(snapshots.id, id)).run();
    },

    /** Takes out of the index what nobody has deleted: it is remembered, see `forgottenSnapshots`. */
    forget({ id: snapshotId, path, serverId, vaultId }: SnapshotRow): void {
      db.transaction(() => {
        db.insert(forgottenSnapshots)
          .values({ snapshotId, vaultId, serverId, path })
          .onConflictDoNothing()
          .run();
        db.delete(snapshots).where(eq(snapshots.id, snapshotId)).run();
      });
    },

    /** Those of a vault that were forgotten and have not come back. */
    forgotten(vaultId: string): { snapshotId: string; serverId: string; path: string }[] {
      return db.select().from(forgottenSnapshots).where(eq(forgottenSnapshots.vaultId, vaultId)).all();
    },

    /** Whoever decides so gives them up. */
    giveUpForgotten(vaultId: string): void {
      db.delete(forgottenSnapshots).where(eq(forgottenSnapshots.vaultId, vaultId)).run();
    },

    /** Says whether it was new. */
    add(row: SnapshotRow): boolean {
      db.delete(forgottenSnapshots).where(eq(forgottenSnapshots.snapshotId, row.id)).run();
      return db.insert(snapshots).values(row).onConflictDoNothing().run().changes > 0;
    },

    remove(id: string): void {
      db.delete(snapshots).where(eq(snapshots.id, id)).run();
    },

    /** Path inside the store → id, of every snapshot of a vault. */
    paths(vaultId: string): Map<string, string> {
      const rows = db
        .select({ path: snapshots.path, id: snapshots.id })
        .from(snapshots)
        .where(eq(snapshots.vaultId, vaultId));
      return new Map(rows.all().map(({ path, id }) => [path, id]));
    },

    /** What each snapshot of a vault added to it, in bytes, oldest first. */
    additions(vaultId: string): { databaseId: string; createdAt: number; storedBytes: number }[] {
      const { createdAt, databaseId, storedBytes } = snapshots;
      return db
        .select({ databaseId, createdAt, storedBytes })
        .from(snapshots)
        .where(eq(snapshots.vaultId, vaultId))
        .orderBy(createdAt)
        .all();
    },

    countOf(vaultId: string): number {
      return db.select({ n: count() }).from(snapshots).where(eq(snapshots.vaultId, vaultId)).get()?.n ?? 0;
    },
  };
}

/** So many are sorted faster than they are found among all by going through them in order. */
const FEW = 5000;

/** A snapshot is its database's agent's, whichever agent made it. */
function ofAgents(agentIds: readonly string[], few: boolean): SQL {
  const owned = sql`(select ${databases.id} from ${databases} join ${servers} on ${servers.id} = ${databases.serverId}
    where ${among(servers.agentId, agentIds)})`;
  // With a plus, they are read in the order of the list and tried.
  return few ? sql`${snapshots.databaseId} in ${owned}` : sql`+${snapshots.databaseId} in ${owned}`;
}

export type SnapshotQueries = ReturnType<typeof snapshotQueries>;
