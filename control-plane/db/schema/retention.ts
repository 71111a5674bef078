import { index, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';

/**
 * What was decided about a snapshot: by its policy, or by a person. Beside the index, which is a cache and may be made
 * anew. Times are milliseconds since the epoch.
 */
export const snapshotMarks = sqliteTable(
  'snapshot_marks',
  {
    snapshotId: text().primaryKey(),
    databaseId: text().notNull(),
    /** Why its policy keeps it: JSON of `Reason[]`; null where no policy decides, or none keeps it. */
    reasons: text(),
    /** When it is deleted because its policy does not keep it; null where it stays. */
    expiresAt: integer(),
    /** Since when it stays whatever the policy says. */
    pinnedAt: integer(),
    note: text(),
  },
  (t) => [index('snapshot_marks_database').on(t.databaseId), index('snapshot_marks_expiry').on(t.expiresAt)],
);

/** Files that the index knows no more and that are still to be removed from a vault's stores. */
export const doomedFiles = sqliteTable(
  'doomed_files',
  {
    vaultId: text().notNull(),
    /** Path inside the store. */
    name: text().notNull(),
    /** Bytes. */
    length: integer().notNull(),
    /** Not tried before: another try failed, or the store locks it. */
    notBefore: integer().notNull().default(0),
  },
  (t) => [primaryKey({ columns: [t.vaultId, t.name] })],
);

/**
 * Snapshots that the index has lost without anybody deleting them: their manifests, or something they need, were not there
 * when a vault was compared with its index. Nothing of their servers is removed while they may come back.
 */
export const forgottenSnapshots = sqliteTable('forgotten_snapshots', {
  snapshotId: text().primaryKey(),
  vaultId: text().notNull(),
  serverId: text().notNull(),
  /** Path of the manifest inside the store. */
  path: text().notNull(),
});
