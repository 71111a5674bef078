import { fingerprint } from '../../protocol/enrolment.ts';
import type { SnapshotRow } from '../db/snapshots.ts';
import type { VaultRow } from '../db/vaults.ts';
import type { Collections } from './collection/collections.ts';
import type { VaultContext } from './context.ts';
import type { OpenVault } from './create.ts';
import { SNAPSHOTS } from './layout.ts';
import type { KitDownloads } from './recovery/downloads.ts';
import type { Replicas } from './replicas/replicas.ts';
import type { SnapshotRecord } from './service.ts';
import { hostKeyFingerprint, parseHostKeys } from './stores/host-keys.ts';
import { parseSection } from './stores/rclone-section.ts';
import type { ReplicaRecord, VaultRecord } from './vault-record.ts';

/** The row of a vault in the index. */
export function vaultRow({ id, secrets }: OpenVault): VaultRow {
  const { createdAt, name, store } = secrets;
  return { id, name, mode: 'managed', store: store.kind, createdAt };
}

/** What may be told of a vault: none of its keys, and of its store neither. */
export function vaultRecord(
  context: VaultContext,
  vault: OpenVault,
  parts: { defaultVaultId: string; collections: Collections; kits: KitDownloads; replicas: Replicas },
): VaultRecord {
  const { collections, defaultVaultId, kits, replicas } = parts;
  const { id, place, secrets } = vault;
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
    unreachable: (vault.store.isMissing && vault.unreachable) || null,
    replica: replicaRecord(context, vault, replicas),
    check: replicas.checks.of(id) ?? null,
    checkEveryDays: replicas.checks.everyDays(vault),
    collection: collections.of(id) ?? null,
    forgottenCount: context.snapshots.forgotten(id).length,
    leaving: context.doomed.of(id),
  };
}

function replicaRecord(
  { copies }: VaultContext,
  { id, replicaPlace = '', secrets }: OpenVault,
  replicas: Replicas,
): ReplicaRecord | null {
  const state = replicas.stateOf(id);
  if (!secrets.replica || !state) return null;
  const { failure, moving, nextTryAt, running } = state;
  return {
    store: secrets.replica.kind,
    path: replicaPlace,
    bucket: bucketOf(secrets.replica),
    remote: remoteOf(secrets.replica),
    state: running ? 'copying' : failure ? 'waiting' : 'current',
    ...{ failure, moving, nextTryAt },
    snapshotCount: copies.countBelow(id, SNAPSHOTS),
    pending: copies.pending(id),
  };
}

function bucketOf(store: OpenVault['secrets']['store']): VaultRecord['bucket'] {
  if (store.kind !== 's3') return null;
  const { bucket, checksums, direct, endpoint, lock, pathStyle, prefix, region, sse, storageClass } = store;
  return {
    ...{ bucket, checksums, direct, pathStyle, prefix, region, sse },
    endpoint: endpoint ?? null,
    storageClass: storageClass ?? null,
    lock: lock ?? null,
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

/** Tells others of snapshots. */
export function publicFacts(context: VaultContext): (row: SnapshotRow) => SnapshotRecord {
  const { copies, locks, vaults } = context;
  return ({ path, ...facts }) => {
    const vault = vaults.get(facts.vaultId);
    const until = locks.of(vault?.place ?? '', path)?.until ?? 0;
    return {
      ...facts,
      copied: vault?.secrets.replica === undefined ? null : copies.has(facts.vaultId, path),
      lockedUntil: until > context.now() ? until : null,
    };
  };
}

/** Where the files are, for a kit: nothing to say where that is the control plane's own directory alone. */
export function whereabouts({ place, replicaPlace, secrets: { store } }: OpenVault): { place?: string } {
  if (replicaPlace !== undefined) return { place: `${place}, and a copy of them: ${replicaPlace}` };
  return store.kind === 'local' && store.path === undefined ? {} : { place };
}
