import type { RestoreSourceDocument } from '../../protocol/job.ts';
import type { Manifest, SealedCatalog } from '../../protocol/vault/manifest.ts';
import { verifySnapshot } from '../../protocol/vault/snapshot.ts';
import { readStream } from '../../protocol/vault/stream.ts';
import type { StreamOpener } from '../engines/driver.ts';
import type { VaultClient } from './vault-client.ts';

/** Plaintext bytes handed out and sealed bytes read, since the restore began. */
export interface RestoreProgress {
  rawBytes: number;
  storedBytes: number;
}

export interface OpenSnapshotOptions {
  source: RestoreSourceDocument;
  /** The vault's pinned Ed25519 signing key, base64url. */
  signingKey: string;
  /** age identity of this agent, to which the source's keys are encrypted. */
  sealingIdentity: string;
  expected: { snapshotId: string; vaultId: string };
  vault: Pick<VaultClient, 'getPack'>;
  signal: AbortSignal;
  onProgress(progress: RestoreProgress): void;
}

export interface OpenedSnapshot {
  manifest: Manifest;
  catalog: SealedCatalog;
  open: StreamOpener;
  /** Plaintext bytes of all streams. */
  totalBytes: number;
}

/**
 * Proves a snapshot's description; nothing of the target needs to be touched before this resolves.
 * @throws FailureError `signature_invalid` | `manifest_invalid` | `key_missing` | `chunks_missing` | `pack_corrupt`
 */
export async function openSnapshot(options: OpenSnapshotOptions): Promise<OpenedSnapshot> {
  const { source, signingKey, sealingIdentity, expected, vault, onProgress } = options;
  const snapshot = await verifySnapshot(source, { signingKey, ...expected }, sealingIdentity);
  const progress: RestoreProgress = { rawBytes: 0, storedBytes: 0 };
  const read: VaultClient['getPack'] = async (pack, range, signal) => {
    const bytes = await vault.getPack(pack, range, signal);
    progress.storedBytes += bytes.length;
    onProgress({ ...progress });
    return bytes;
  };
  async function* open(name: string) {
    for await (const plaintext of readStream(snapshot, name, { read, signal: options.signal })) {
      progress.rawBytes += plaintext.length;
      onProgress({ ...progress });
      yield plaintext;
    }
  }
  const { manifest, catalog } = snapshot;
  return {
    manifest,
    catalog,
    open,
    totalBytes: manifest.streams.reduce((sum, { length }) => sum + length, 0),
  };
}
