import { and, count, desc, eq, gt, notExists, type SQL, sql } from 'drizzle-orm';
import { below } from './below.ts';
import type { Db } from './open.ts';
import { packs, replicaCopies, snapshots } from './schema/vault.ts';

/** Packs looked up at once. */
const BATCH = 500;

/** Packs that are not in the replica yet; bytes. */
export interface PendingPacks {
  packs: number;
  bytes: number;
}

/** Which files of a vault its replica has. */
export function replicaCopyQueries(db: Db) {
  const copyOf = (vaultId: string, name: SQL | typeof snapshots.path) =>
    db
      .select({ one: sql`1` })
      .from(replicaCopies)
      .where(and(eq(replicaCopies.vaultId, vaultId), eq(replicaCopies.name, name)));
  const packName = sql`'packs/' || substr(${packs.sha256}, 1, 2) || '/' || ${packs.sha256}`;

  return {
    has(vaultId: string, name: string): boolean {
      const where = and(eq(replicaCopies.vaultId, vaultId), eq(replicaCopies.name, name));
      return db.select({ n: replicaCopies.length }).from(replicaCopies).where(where).get() !== undefined;
    },

    add(row: typeof replicaCopies.$inferInsert): void {
      const { length, name, vaultId } = row;
      db.insert(replicaCopies)
        .values({ vaultId, name, length })
        .onConflictDoUpdate({ target: [replicaCopies.vaultId, replicaCopies.name], set: { length } })
        .run();
    },

    remove(vaultId: string, name: string): void {
      db.delete(replicaCopies)
        .where(and(eq(replicaCopies.vaultId, vaultId), eq(replicaCopies.name, name)))
        .run();
    },

    /** Forgets every file below a folder, or all of a vault. */
    clear(vaultId: string, folder?: string): void {
      const within = folder === undefined ? [] : below(replicaCopies.name, folder);
      db.delete(replicaCopies)
        .where(and(eq(replicaCopies.vaultId, vaultId), ...within))
        .run();
    },

    /** Name → length of every file below a folder. */
    below(vaultId: string, folder: string): Map<string, number> {
      const rows = db
        .select({ name: replicaCopies.name, length: replicaCopies.length })
        .from(replicaCopies)
        .where(and(eq(replicaCopies.vaultId, vaultId), ...below(replicaCopies.name, folder)))
        .all();
      return new Map(rows.map(({ length, name }) => [name, length]));
    },

    countBelow(vaultId: string, folder: string): number {
      const where = and(eq(replicaCopies.vaultId, vaultId), ...below(replicaCopies.name, folder));
      return db.select({ n: count() }).from(replicaCopies).where(where).get()?.n ?? 0;
    },

    /** Some packs that are not copied yet, in the order they came, behind the one with the id `after`. */
    uncopiedPacks(vaultId: string, after: number): { id: number; sha256: string }[] {
      return db
        .select({ id: packs.id, sha256: packs.sha256 })
        .from(packs)
        .where(and(eq(packs.vaultId, vaultId), gt(packs.id, after), notExists(copyOf(vaultId, packName))))
        .orderBy(packs.id)
        .limit(BATCH)
        .all();
    },

    /** By their numbers: comparing every name would take a while in a large vault. */
    pending(vaultId: string): PendingPacks {
      const all = db
        .select({ packs: count(), bytes: sql<number>`coalesce(sum(${packs.length}), 0)` })
        .from(packs)
        .where(eq(packs.vaultId, vaultId))
        .get()!;
      const copied = db
        .select({ packs: count(), bytes: sql<number>`coalesce(sum(${replicaCopies.length}), 0)` })
        .from(replicaCopies)
        .where(and(eq(replicaCopies.vaultId, vaultId), ...below(replicaCopies.name, 'packs')))
        .get()!;
      return {
        packs: Math.max(0, all.packs - copied.packs),
        bytes: Math.max(0, all.bytes - copied.bytes),
      };
    },

    /** Ids of the snapshots whose manifest is not copied yet, newest first. */
    uncopiedSnapshots(vaultId: string): string[] {
      const where = and(eq(snapshots.vaultId, vaultId), notExists(copyOf(vaultId, snapshots.path)));
      const rows = db.select({ id: snapshots.id }).from(snapshots).where(where);
      return rows
        .orderBy(desc(snapshots.createdAt))
        .all()
        .map(({ id }) => id);
    },
  };
}

export type ReplicaCopyQueries = ReturnType<typeof replicaCopyQueries>;
