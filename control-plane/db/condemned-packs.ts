import { and, asc, eq, isNotNull, isNull } from 'drizzle-orm';
import type { PackEntry } from '../../protocol/vault/pack.ts';
import type { Db } from './open.ts';
import { among, ROWS } from './pages.ts';
import { chunks, packs } from './schema/vault.ts';

/** A pack as collection sees it. */
export interface PackState {
  id: number;
  sha256: string;
  /** Bytes. */
  length: number;
  /** Milliseconds since the epoch. */
  createdAt: number;
  /** Where it is condemned: what was under way then. */
  waitsFor: string[] | null;
}

/** What collection asks and writes of packs. */
export function condemnedQueries(db: Db) {
  const { condemnedAt, createdAt, id, length, serverId, sha256, vaultId, waitsFor } = packs;
  return {
    serversOf(vault: string): string[] {
      const rows = db.selectDistinct({ serverId }).from(packs).where(eq(vaultId, vault)).all();
      return rows.map((row) => row.serverId);
    },

    ofServer(vault: string, server: string): PackState[] {
      return db
        .select({ id, sha256, length, createdAt, waitsFor })
        .from(packs)
        .where(and(eq(vaultId, vault), eq(serverId, server)))
        .orderBy(asc(id))
        .all();
    },

    condemn(packIds: readonly number[], jobs: readonly string[], now: number): void {
      db.update(packs)
        .set({ condemnedAt: now, waitsFor: [...jobs] })
        .where(and(among(id, packIds), isNull(condemnedAt)))
        .run();
    },

    areThere(packIds: ReadonlySet<number>): boolean {
      const rows = db
        .select(ROWS)
        .from(packs)
        .where(among(id, [...packIds]))
        .get();
      return rows?.n === packIds.size;
    },

    spare(packIds: Iterable<number>): void {
      db.update(packs)
        .set({ condemnedAt: null, waitsFor: null })
        .where(and(among(id, [...packIds]), isNotNull(condemnedAt)))
        .run();
    },

    /** What a pack holds, in its order. */
    entries(packId: number): PackEntry[] {
      const { chunkId, keyId, length: bytes, offset, rawLength } = chunks;
      return db
        .select({ chunkId, keyId, offset, length: bytes, rawLength })
        .from(chunks)
        .where(eq(chunks.packId, packId))
        .orderBy(asc(offset))
        .all()
        .map((row) => ({ ...row, keyId: row.keyId.toString('hex') }));
    },
  };
}

export type CondemnedQueries = ReturnType<typeof condemnedQueries>;
