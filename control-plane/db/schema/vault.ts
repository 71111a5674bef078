import { blob, index, integer, primaryKey, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';

/** The index of what the stores hold: a cache that `homeport vault rebuild` recreates from them. */
export const vaults = sqliteTable('vaults', {
  id: text().primaryKey(),
  name: text().notNull(),
  mode: text({ enum: ['managed'] }).notNull(),
  store: text({ enum: ['local', 's3', 'rclone'] }).notNull(),
  createdAt: integer().notNull(),
});

export const vaultKeys = sqliteTable(
  'vault_keys',
  {
    vaultId: text().notNull(),
    /** 32 hex digits. */
    keyId: text().notNull(),
    kind: text({ enum: ['data', 'id'] }).notNull(),
    /** Server whose chunks it is for. */
    serverId: text().notNull(),
    /** What manifests commit to: protocol `keyHash`, hex. */
    hash: text().notNull(),
    /** Since when its file is known not to be whole in any store: what it sealed counts as missing. */
    damagedAt: integer(),
  },
  (t) => [primaryKey({ columns: [t.vaultId, t.keyId] })],
);

export const packs = sqliteTable(
  'packs',
  {
    id: integer().primaryKey({ autoIncrement: true }),
    vaultId: text().notNull(),
    /** SHA-256, hex: its name in the store. */
    sha256: text().notNull(),
    serverId: text().notNull(),
    length: integer().notNull(),
    createdAt: integer().notNull(),
    /** Since when it is to be removed: its chunks count as missing from then on. */
    condemnedAt: integer(),
    /** JSON: jobs that were under way then. They may still use it, and it stays until they have ended. */
    waitsFor: text({ mode: 'json' }).$type<string[]>(),
    /** Since when it is known not to be whole in any store: its chunks count as missing. */
    damagedAt: integer(),
  },
  (t) => [uniqueIndex('packs_sha').on(t.vaultId, t.sha256), index('packs_server').on(t.vaultId, t.serverId)],
);

/** One row per stored chunk, filled from the packs' own trailers as read back from the store. */
export const chunks = sqliteTable(
  'chunks',
  {
    serverId: text().notNull(),
    /** 32 bytes. */
    chunkId: blob({ mode: 'buffer' }).notNull(),
    packId: integer().notNull(),
    /** 16 bytes. */
    keyId: blob({ mode: 'buffer' }).notNull(),
    offset: integer().notNull(),
    length: integer().notNull(),
    rawLength: integer().notNull(),
  },
  (t) => [primaryKey({ columns: [t.serverId, t.chunkId, t.packId] }), index('chunks_pack').on(t.packId)],
);

export const snapshots = sqliteTable(
  'snapshots',
  {
    id: text().primaryKey(),
    vaultId: text().notNull(),
    databaseId: text().notNull(),
    serverId: text().notNull(),
    agentId: text().notNull(),
    jobId: text().notNull(),
    engine: text().notNull(),
    sequence: integer().notNull(),
    /** Path of the manifest inside the store. */
    path: text().notNull(),
    rawBytes: integer().notNull(),
    /** Bytes of the packs that the attempt which made it uploaded. */
    storedBytes: integer().notNull(),
    serverVersion: text().notNull(),
    tool: text().notNull(),
    /** Whether a table selection left rows out. */
    partial: integer({ mode: 'boolean' }).notNull(),
    startedAt: integer().notNull(),
    finishedAt: integer().notNull(),
    /** When it was committed, on the control plane's clock. */
    createdAt: integer().notNull(),
    /** Since when something that it needs is known to be damaged or lost. */
    damagedAt: integer(),
  },
  (t) => [
    index('snapshots_database').on(t.databaseId, t.sequence, t.createdAt),
    index('snapshots_server').on(t.vaultId, t.serverId),
    index('snapshots_listed').on(t.createdAt, t.sequence, t.databaseId),
    index('snapshots_vault').on(t.vaultId),
  ],
);

/** What the packs of each vault add up to; kept by triggers on them (migration 0008) and never written otherwise. */
export const vaultTotals = sqliteTable('vault_totals', {
  vaultId: text().primaryKey(),
  packs: integer().notNull().default(0),
  bytes: integer().notNull().default(0),
});

/** Files of a vault that were seen, whole, in its replica as well. A cache: the two stores' lists make it anew. */
export const replicaCopies = sqliteTable(
  'replica_copies',
  {
    vaultId: text().notNull(),
    /** Path inside the store. */
    name: text().notNull(),
    length: integer().notNull(),
  },
  (t) => [primaryKey({ columns: [t.vaultId, t.name] })],
);

/** Until when files of a store are locked, as it said itself. A cache: what is not noted is asked of the store. */
export const storeLocks = sqliteTable(
  'store_locks',
  {
    /** The store in words: a vault and its replica have one each, and keep it when they change places. */
    place: text().notNull(),
    /** Path inside the store. */
    name: text().notNull(),
    mode: text({ enum: ['governance', 'compliance'] }).notNull(),
    until: integer().notNull(),
  },
  (t) => [primaryKey({ columns: [t.place, t.name] })],
);
