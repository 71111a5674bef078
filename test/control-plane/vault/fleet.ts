import type { KeyObject } from 'node:crypto';
import type { VaultKey } from '../../../protocol/vault/keys.ts';
import type { SnapshotCatalog } from '../../../protocol/vault/manifest.ts';

export const CATALOG: SnapshotCatalog = {
  tables: [{ schema: 'public', name: 'orders', rows: 3, bytes: 42 }],
  objectCounts: { TABLE: 1 },
  requirements: { roles: ['shop'] },
};

/** An enrolled agent with one server that has one database. */
export interface Fleet {
  agentId: string;
  key: KeyObject;
  sealingIdentity: string;
  sealingKey: string;
  serverId: string;
  databaseId: string;
  idKey: VaultKey;
  /** Hashes of the data keys it made, by id: what it may vouch for. */
  known: Map<string, string>;
}
