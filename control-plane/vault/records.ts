import { fingerprint } from '../../protocol/enrolment.ts';
import type { SnapshotRow } from '../db/snapshots.ts';
import type { VaultRow } from '../db/vaults.ts';
import type { VaultContext } from './context.ts';
import type { OpenVault } from './create.ts';
import type { KitDownloads } from './recovery/downloads.ts';
import type { SnapshotRecord, VaultRecord } from './service.ts';

/** The row of a vault in the index. */
export function vaultRow({ id, secrets }: OpenVault): VaultRow {
  const { createdAt, name, store } = secrets;
  return { id, name, mode: 'managed', store: store.kind, createdAt };
}

/** What may be told of a vault: none of its keys, and of its bucket neither. */
export function vaultRecord(
  context: VaultContext,
  { id, place, secrets }: OpenVault,
  { defaultVaultId, kits }: { defaultVaultId: string; kits: KitDownloads },
): VaultRecord {
  const { createdAt, name, signingKey, store } = secrets;
  return {
    id,
    name,
    mode: 'managed',
    store: store.kind,
    path: place,
    bucket: bucketOf(store),
    isDefault: id === defaultVaultId,
    fingerprint: fingerprint(signingKey),
    snapshotCount: context.snapshots.countOf(id),
    storedBytes: context.chunks.storedBytes(id),
    kitDownloadedAt: kits.lastOf(id),
    createdAt,
  };
}

function bucketOf(store: OpenVault['secrets']['store']): VaultRecord['bucket'] {
  if (store.kind === 'local') return null;
  const { bucket, checksums, direct, endpoint, pathStyle, prefix, region, sse, storageClass } = store;
  return {
    ...{ bucket, checksums, direct, pathStyle, prefix, region, sse },
    endpoint: endpoint ?? null,
    storageClass: storageClass ?? null,
  };
}

/** A snapshot as others are told of it. */
export function publicFacts({ path: _, ...facts }: SnapshotRow): SnapshotRecord {
  return facts;
}
