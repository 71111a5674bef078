import { fail } from '../../protocol/failure.ts';
import type { RestoreSourceDocument } from '../../protocol/job.ts';
import { encryptTo, unwrapKey } from '../../protocol/vault/keys.ts';
import { decodeManifest, type Manifest } from '../../protocol/vault/manifest.ts';
import { openStatement } from '../../protocol/vault/statement.ts';
import type { SnapshotRow } from '../db/snapshots.ts';
import { certificateText, signerOf } from './certify.ts';
import { type Located, locate } from './complete.ts';
import type { VaultContext } from './context.ts';
import type { OpenVault } from './create.ts';
import { certificateName, keyName, packName } from './layout.ts';

/** A snapshot and the vault it is in. */
interface Placed {
  row: SnapshotRow;
  vault: OpenVault;
}

/** A snapshot's manifest as it lies in the store, verified. */
export interface StoredManifest {
  manifest: Manifest;
  file: Buffer;
  /** Text of the signer's `agents/<id>.json`. */
  certificate: string;
}

/** @throws FailureError `not_found` | `manifest_invalid` | `signature_invalid` */
export async function readManifest(vault: OpenVault, row: SnapshotRow): Promise<StoredManifest> {
  const file = await vault.store.read(row.path);
  const certificate = (await certificateText(vault, row.agentId)) ?? '';
  const signer = openStatement('agent-certificate', certificate, vault.secrets.signingKey);
  const manifest = decodeManifest(file, signerOf(signer));
  if (manifest.snapshotId === row.id && manifest.vaultId === vault.id) return { manifest, file, certificate };
  throw fail(
    'manifest_invalid',
    'The manifest in the store is that of another snapshot.',
    'Someone changed the store. Restore another snapshot, and run: homeport vault rebuild',
  );
}

/** The secret of one key of the vault. @throws FailureError `key_missing` | `not_found` */
export async function openKey(vault: OpenVault, keyId: string): ReturnType<typeof unwrapKey> {
  return unwrapKey(await vault.store.read(keyName(keyId)), vault.secrets.identity);
}

/**
 * Everything a restore starts from; the keys of this one snapshot are re-wrapped.
 * @param recipient age recipient of who restores
 * @throws FailureError `chunks_missing` | `key_missing` | `manifest_invalid` | `signature_invalid` | `not_found`
 */
export async function sourceOf(
  context: VaultContext,
  { row, vault }: { row: SnapshotRow; vault: OpenVault },
  recipient: string,
): Promise<RestoreSourceDocument> {
  const { manifest, file, certificate } = await readManifest(vault, row);
  const located = await locate(context, manifest);
  requireAll(located);
  const secrets: Record<string, string> = {};
  for (const id of [manifest.idKey.id, ...manifest.dataKeys.map((key) => key.id)])
    secrets[id] = (await openKey(vault, id)).secret.toString('base64url');
  const keys = Buffer.from(await encryptTo([recipient], JSON.stringify(secrets)));
  return {
    manifest: file.toString('base64'),
    certificate,
    keys: keys.toString('base64'),
    ...placesIn(located),
  };
}

/** Names of the packs with what a snapshot needs: a restore that began before some were rewritten reads the old ones. */
export async function packsOf(context: VaultContext, snapshot: Placed): Promise<Set<string>> {
  const { manifest } = await readManifest(snapshot.vault, snapshot.row);
  return (await locate(context, manifest)).alternatives;
}

/** Names of all files that a restore of a snapshot reads, its manifest and the vault’s statement apart. */
export async function needsOf(context: VaultContext, { row, vault }: Placed): Promise<string[]> {
  const { manifest } = await readManifest(vault, row);
  return filesOf(manifest, packsIn(await locate(context, manifest)));
}

/** @param packs names of the packs that the snapshot needs */
export function filesOf({ agentId, dataKeys, idKey }: Manifest, packs: Iterable<string>): string[] {
  const keys = [idKey, ...dataKeys].map(({ id }) => keyName(id));
  return [certificateName(agentId), ...keys, ...Array.from(packs, packName)];
}

function packsIn({ places }: Located): Set<string> {
  return new Set([...places.values()].map(({ sha256 }) => sha256));
}

function placesIn({ places }: Located): Pick<RestoreSourceDocument, 'packs' | 'chunks'> {
  const numbers = new Map<string, number>();
  const chunks: RestoreSourceDocument['chunks'] = [];
  for (const [id, { sha256, offset, length }] of places) {
    const number = numbers.get(sha256) ?? numbers.size;
    numbers.set(sha256, number);
    chunks.push([id, number, offset, length]);
  }
  return { packs: [...numbers.keys()], chunks };
}

function requireAll({ places, missing }: Located): void {
  if (missing.size === 0) return;
  throw fail(
    'chunks_missing',
    `${missing.size} of ${missing.size + places.size} chunks of the snapshot are not in the vault any more.`,
    'Restore another snapshot, and run: homeport vault rebuild',
  );
}
