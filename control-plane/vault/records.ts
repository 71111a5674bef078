import { fingerprint } from '../../protocol/enrolment.ts';
import type { SnapshotRow } from '../db/snapshots.ts';
import type { VaultRow } from '../db/vaults.ts';
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
  { defaultVaultId, kits, replicas }: { defaultVaultId: string; kits: KitDownloads; replicas: Replicas },
): VaultRecord {
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
    snapshotCount: copies.below(id, SNAPSHOTS).size,
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

interface ManifestFacts {
  /** Those that the replica has; null without one. */
  copied: ReadonlyMap<string, number> | null;
  /** Milliseconds since the epoch. */
  lockedUntil: ReadonlyMap<string, number>;
}

function manifestFacts({ copies, locks, vaults }: VaultContext, vaultId: string): ManifestFacts {
  const vault = vaults.get(vaultId);
  return {
    copied: vault?.secrets.replica === undefined ? null : copies.below(vaultId, SNAPSHOTS),
    lockedUntil: locks.below(vault?.place ?? '', SNAPSHOTS),
  };
}

/** Tells others of snapshots. Made for one answer: what replicas have and stores lock is looked up once. */
export function publicFacts(context: VaultContext): (row: SnapshotRow) => SnapshotRecord {
  const known = new Map<string, ManifestFacts>();
  const factsOf = (vaultId: string) => {
    const facts = known.get(vaultId) ?? manifestFacts(context, vaultId);
    known.set(vaultId, facts);
    return facts;
  };
  return ({ path, ...facts }) => {
    const { copied, lockedUntil } = factsOf(facts.vaultId);
    const until = lockedUntil.get(path) ?? 0;
    return {
      ...facts,
      copied: copied?.has(path) ?? null,
      lockedUntil: until > context.now() ? until : null,
    };
  };
}

/** Where the files are, for a kit: nothing to say where that is the control plane's own directory alone. */
export function whereabouts({ place, replicaPlace, secrets: { store } }: OpenVault): { place?: string } {
  if (replicaPlace !== undefined) return { place: `${place}, and a copy of them: ${replicaPlace}` };
  return store.kind === 'local' && store.path === undefined ? {} : { place };
}
