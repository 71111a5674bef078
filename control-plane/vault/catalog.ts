import { fail } from '../../protocol/failure.ts';
import { keyHash } from '../../protocol/vault/keys.ts';
import type { SealedCatalog } from '../../protocol/vault/manifest.ts';
import { openCatalog } from '../../protocol/vault/snapshot.ts';
import type { SnapshotRow } from '../db/snapshots.ts';
import type { OpenVault } from './create.ts';
import { openKey, readManifest } from './source.ts';

/**
 * The facts about a snapshot's content that only the vault's identity opens.
 * @throws FailureError `manifest_invalid` | `signature_invalid` | `key_missing` | `pack_corrupt` | `not_found`
 */
export async function catalogOf(vault: OpenVault, row: SnapshotRow): Promise<SealedCatalog> {
  const { manifest } = await readManifest(vault, row);
  const { id, secret } = await openKey(vault, manifest.catalogKey);
  const committed = manifest.dataKeys.find((key) => key.id === id)?.hash;
  if (keyHash('data', secret) !== committed)
    throw fail(
      'key_missing',
      `The vault’s key ${id} is not the one the manifest commits to.`,
      'Someone changed the store. Restore another snapshot.',
    );
  return openCatalog(manifest, new Map([[id, secret]]));
}
