import { and, count, countDistinct, desc, eq, gt, inArray, max } from 'drizzle-orm';
import type { Db } from './open.ts';
import { snapshots } from './schema/vault.ts';

export type SnapshotRow = typeof snapshots.$inferSelect;

/** Committed snapshots. */
export function snapshotQueries(db: Db) {
  return {
    snapshot(id: string): SnapshotRow | undefined {
      return db.select().from(snapshots).where(eq(snapshots.id, id)).get();
    },

    /** Newest commit first. */
    list(filter: { databaseId?: string }): SnapshotRow[] {
      return db
        .select()
        .from(snapshots)
        .where(filter.databaseId === undefined ? undefined : eq(snapshots.databaseId, filter.databaseId))
        .orderBy(desc(snapshots.createdAt), desc(snapshots.sequence))
        .all();
    },

    /** The snapshot with the highest sequence of each database, with how many the database has. */
    latestByDatabase(): Map<string, { latest: SnapshotRow; count: number }> {
      const newest = db
        .select({
          databaseId: snapshots.databaseId,
          sequence: max(snapshots.sequence).as('highest'),
          count: count().as('count'),
        })
        .from(snapshots)
        .groupBy(snapshots.databaseId)
        .as('newest');
      const same = and(eq(snapshots.databaseId, newest.databaseId), eq(snapshots.sequence, newest.sequence));
      const rows = db
        .select({ latest: snapshots, count: newest.count })
        .from(newest)
        .innerJoin(snapshots, same)
        .all();
      return new Map(rows.map((row) => [row.latest.databaseId, row]));
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

    /** Says whether it was new. */
    add(row: SnapshotRow): boolean {
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

export type SnapshotQueries = ReturnType<typeof snapshotQueries>;
