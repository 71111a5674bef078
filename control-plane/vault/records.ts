import { fingerprint } from '../../protocol/enrolment.ts';
import type { SnapshotRow } from '../db/snapshots.ts';
import type { VaultRow } from '../db/vaults.ts';
import type { VaultContext } from './context.ts';
import type { OpenVault } from './create.ts';
import type { KitDownloads } from './recovery/downloads.ts';
import type { SnapshotRecord, VaultRecord } from './service.ts';
import { hostKeyFingerprint, parseHostKeys } from './stores/host-keys.ts';
import { parseSection } from './stores/rclone-section.ts';

/** The row of a vault in the index. */
export function vaultRow({ id, secrets }: OpenVault): VaultRow {
  const { createdAt, name, store } = secrets;
  return { id, name, mode: 'managed', store: store.kind, createdAt };
}

/** What may be told of a vault: none of its keys, and of its store neither. */
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
    remote: remoteOf(store),
    isDefault: id === defaultVaultId,
    fingerprint: fingerprint(signingKey),
    snapshotCount: context.snapshots.countOf(id),
    storedBytes: context.chunks.storedBytes(id),
    kitDownloadedAt: kits.lastOf(id),
    createdAt,
  };
}

function bucketOf(store: OpenVault['secrets']['store']): VaultRecord['bucket'] {
  if (store.kind !== 's3') return null;
  const { bucket, checksums, direct, endpoint, pathStyle, prefix, region, sse, storageClass } = store;
  return {
    ...{ bucket, checksums, direct, pathStyle, prefix, region, sse },
    endpoint: endpoint ?? null,
    storageClass: storageClass ?? null,
  };
}

function remoteOf(store: OpenVault['secrets']['store']): VaultRecord['remote'] {
  if (store.kind !== 'rclone') return null;
  const { path, remote } = store;
  if (remote.type === 'other') return { type: parseSection(remote.section).type, path, sftp: null };
  const { host, hostKeys, port, user } = remote;
  const fingerprints = (parseHostKeys(hostKeys) ?? []).map(hostKeyFingerprint);
  return { type: 'sftp', path, sftp: { host, port, user, hostKeys, fingerprints } };
}

/** A snapshot as others are told of it. */
export function publicFacts({ path: _, ...facts }: SnapshotRow): SnapshotRecord {
  return facts;
}
