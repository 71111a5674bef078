import { and, asc, count, eq, lte, sum } from 'drizzle-orm';
import type { Db } from './open.ts';
import { doomedFiles } from './schema/retention.ts';

export type DoomedRow = typeof doomedFiles.$inferSelect;

/** Files that are to be removed from the stores: noted together with their going from the index, so that none is forgotten. */
export function doomedQueries(db: Db) {
  const which = (vaultId: string, name: string) =>
    and(eq(doomedFiles.vaultId, vaultId), eq(doomedFiles.name, name));
  return {
    has(vaultId: string, name: string): boolean {
      return db.select().from(doomedFiles).where(which(vaultId, name)).get() !== undefined;
    },

    add(row: Omit<DoomedRow, 'notBefore'>): void {
      db.insert(doomedFiles).values(row).onConflictDoNothing().run();
    },

    remove(vaultId: string, name: string): void {
      db.delete(doomedFiles).where(which(vaultId, name)).run();
    },

    postpone(vaultId: string, name: string, notBefore: number): void {
      db.update(doomedFiles).set({ notBefore }).where(which(vaultId, name)).run();
    },

    /** Those whose time has come. */
    due(now: number, limit: number): DoomedRow[] {
      const { name, notBefore } = doomedFiles;
      return db
        .select()
        .from(doomedFiles)
        .where(lte(notBefore, now))
        .orderBy(asc(notBefore), asc(name))
        .limit(limit)
        .all();
    },

    /** How many of a vault there are, and their bytes. */
    of(vaultId: string): { files: number; bytes: number } {
      const { length } = doomedFiles;
      const where = eq(doomedFiles.vaultId, vaultId);
      const row = db
        .select({ files: count(), bytes: sum(length) })
        .from(doomedFiles)
        .where(where)
        .get();
      return { files: row?.files ?? 0, bytes: Number(row?.bytes ?? 0) };
    },
  };
}

export type DoomedQueries = ReturnType<typeof doomedQueries>;
