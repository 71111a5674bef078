import { and, eq, isNotNull, sql } from 'drizzle-orm';
import type { Db } from './open.ts';
import { chunks, packs, snapshots, vaultKeys, vaults } from './schema/vault.ts';

export type VaultRow = typeof vaults.$inferSelect;
export type VaultKeyRow = typeof vaultKeys.$inferSelect;

/** Vaults and the keys in them. */
export function vaultQueries(db: Db) {
  return {
    vault(id: string): VaultRow | undefined {
      return db.select().from(vaults).where(eq(vaults.id, id)).get();
    },

    addVault(row: VaultRow): void {
      const { name, store } = row;
      db.insert(vaults).values(row).onConflictDoUpdate({ target: vaults.id, set: { name, store } }).run();
    },

    key(vaultId: string, keyId: string): VaultKeyRow | undefined {
      return db
        .select()
        .from(vaultKeys)
        .where(and(eq(vaultKeys.vaultId, vaultId), eq(vaultKeys.keyId, keyId)))
        .get();
    },

    addKey(row: Omit<VaultKeyRow, 'damagedAt'>): void {
      db.insert(vaultKeys).values(row).onConflictDoNothing().run();
    },

    /** Notes whether the file of a key is whole. */
    setKeyDamaged(vaultId: string, keyId: string, damagedAt: number | null): void {
      const which = and(eq(vaultKeys.vaultId, vaultId), eq(vaultKeys.keyId, keyId));
      db.update(vaultKeys).set({ damagedAt }).where(which).run();
    },

    /** Keys whose files are not whole: nothing new may depend on them. */
    damagedKeys(vaultId: string): Set<string> {
      const where = and(eq(vaultKeys.vaultId, vaultId), isNotNull(vaultKeys.damagedAt));
      const rows = db.select({ id: vaultKeys.keyId }).from(vaultKeys).where(where).all();
      return new Set(rows.map(({ id }) => id));
    },

    keyIds(vaultId: string): Set<string> {
      const rows = db.select({ id: vaultKeys.keyId }).from(vaultKeys).where(eq(vaultKeys.vaultId, vaultId));
      return new Set(rows.all().map(({ id }) => id));
    },

    /** Empties the index of a vault, to be filled anew from its store. */
    clear(vaultId: string): void {
      db.transaction((tx) => {
        const own = sql`${chunks.packId} in (select ${packs.id} from ${packs} where ${packs.vaultId} = ${vaultId})`;
        tx.delete(chunks).where(own).run();
        tx.delete(packs).where(eq(packs.vaultId, vaultId)).run();
        tx.delete(vaultKeys).where(eq(vaultKeys.vaultId, vaultId)).run();
        tx.delete(snapshots).where(eq(snapshots.vaultId, vaultId)).run();
      });
    },
  };
}

export type VaultQueries = ReturnType<typeof vaultQueries>;
