import { and, count, desc, eq, isNotNull, isNull, max, sql } from 'drizzle-orm';
import type { PackEntry } from '../../protocol/vault/pack.ts';
import type { Db } from './open.ts';
import { chunks, packs, vaultTotals } from './schema/vault.ts';

/** One place where a chunk is stored; offset and lengths in bytes. */
export interface ChunkRow {
  packId: number;
  /** Name of the pack. */
  sha256: string;
  packLength: number;
  /** 16 bytes. */
  keyId: Buffer;
  offset: number;
  length: number;
  rawLength: number;
  /** Where the pack is condemned: jobs that may still use it. */
  waitsFor: string[] | null;
  /** Whether the pack is known not to be whole. */
  damaged: boolean;
}

/** What a pack is and holds, as its trailer says. */
export interface PackFacts {
  vaultId: string;
  serverId: string;
  sha256: string;
  length: number;
  createdAt: number;
}

/** Packs and the chunks in them. Statements are prepared once: a backup asks for thousands of chunks. */
export function chunkQueries(db: Db) {
  const here = and(
    eq(packs.vaultId, sql.placeholder('vaultId')),
    eq(chunks.serverId, sql.placeholder('serverId')),
    eq(chunks.chunkId, sql.placeholder('chunkId')),
  );
  const newestKey = db
    .select({ keyId: chunks.keyId })
    .from(chunks)
    .innerJoin(packs, eq(packs.id, chunks.packId))
    .where(and(here, isNull(packs.condemnedAt), isNull(packs.damagedAt)))
    .orderBy(desc(chunks.packId))
    .limit(1)
    .prepare();
  const places = db
    .select({
      packId: chunks.packId,
      sha256: packs.sha256,
      packLength: packs.length,
      keyId: chunks.keyId,
      offset: chunks.offset,
      length: chunks.length,
      rawLength: chunks.rawLength,
      waitsFor: packs.waitsFor,
      damaged: sql<boolean>`${packs.damagedAt} is not null`.mapWith(Boolean),
    })
    .from(chunks)
    .innerJoin(packs, eq(packs.id, chunks.packId))
    .where(here)
    .orderBy(desc(chunks.packId))
    .prepare();
  const insertChunk = db
    .insert(chunks)
    .values({
      serverId: sql.placeholder('serverId'),
      chunkId: sql.placeholder('chunkId'),
      packId: sql.placeholder('packId'),
      keyId: sql.placeholder('keyId'),
      offset: sql.placeholder('offset'),
      length: sql.placeholder('length'),
      rawLength: sql.placeholder('rawLength'),
    })
    .onConflictDoNothing()
    .prepare();

  return {
    /**
     * Key of the newest copy: the one the agent can vouch for, where it ever lost its records. What is condemned or damaged
     * is as good as missing.
     */
    keyOf(vaultId: string, serverId: string, chunkId: Buffer): Buffer | undefined {
      return newestKey.get({ vaultId, serverId, chunkId })?.keyId;
    },

    /** Every copy of a chunk, newest first. */
    placesOf(vaultId: string, serverId: string, chunkId: Buffer): ChunkRow[] {
      return places.all({ vaultId, serverId, chunkId });
    },

    pack(vaultId: string, sha256: string) {
      return db
        .select()
        .from(packs)
        .where(and(eq(packs.vaultId, vaultId), eq(packs.sha256, sha256)))
        .get();
    },

    /** The last row of all packs; 0 where there is none. */
    newestPack(): number {
      return (
        db
          .select({ id: max(packs.id) })
          .from(packs)
          .get()?.id ?? 0
      );
    },

    /** Adds a pack with its chunks, all or none. Says whether it was new. */
    addPack(facts: PackFacts, entries: readonly PackEntry[]): boolean {
      return db.transaction((tx) => {
        const row = tx.insert(packs).values(facts).onConflictDoNothing().returning({ id: packs.id }).get();
        if (!row) return false;
        for (const { chunkId, keyId, offset, length, rawLength } of entries) {
          const place = { offset, length, rawLength, keyId: Buffer.from(keyId, 'hex') };
          insertChunk.run({ serverId: facts.serverId, chunkId, packId: row.id, ...place });
        }
        return true;
      });
    },

    /** Notes whether a pack is whole. @returns whether that is other than before */
    setDamaged(packId: number, damagedAt: number | null): boolean {
      const isOther = damagedAt === null ? isNotNull(packs.damagedAt) : isNull(packs.damagedAt);
      return (
        db
          .update(packs)
          .set({ damagedAt })
          .where(and(eq(packs.id, packId), isOther))
          .run().changes > 0
      );
    },

    /** Servers of a vault with packs that are not whole. */
    damagedServers(vaultId: string): string[] {
      const where = and(eq(packs.vaultId, vaultId), isNotNull(packs.damagedAt));
      const rows = db.selectDistinct({ serverId: packs.serverId }).from(packs).where(where).all();
      return rows.map(({ serverId }) => serverId);
    },

    /** Forgets a pack and what it held. */
    removePack(packId: number): void {
      db.transaction((tx) => {
        tx.delete(chunks).where(eq(chunks.packId, packId)).run();
        tx.delete(packs).where(eq(packs.id, packId)).run();
      });
    },

    /** Name and length of every pack of a vault, by name. */
    packs(vaultId: string): Map<string, { id: number; length: number }> {
      const rows = db
        .select({ sha256: packs.sha256, id: packs.id, length: packs.length })
        .from(packs)
        .where(eq(packs.vaultId, vaultId))
        .all();
      return new Map(rows.map(({ sha256, id, length }) => [sha256, { id, length }]));
    },

    /** Stored chunks of a server, copies included. */
    countOf(serverId: string): number {
      return db.select({ n: count() }).from(chunks).where(eq(chunks.serverId, serverId)).get()?.n ?? 0;
    },

    /** Bytes of all packs of a vault. */
    storedBytes(vaultId: string): number {
      return db.select().from(vaultTotals).where(eq(vaultTotals.vaultId, vaultId)).get()?.bytes ?? 0;
    },
  };
}

export type ChunkQueries = ReturnType<typeof chunkQueries>;
