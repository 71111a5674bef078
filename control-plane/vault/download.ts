import { engineDefinition } from '../../protocol/engines/registry.ts';
import { fail } from '../../protocol/failure.ts';
import { verifySnapshot } from '../../protocol/vault/snapshot.ts';
import { readStream } from '../../protocol/vault/stream.ts';
import type { SnapshotRow } from '../db/snapshots.ts';
import type { VaultContext } from './context.ts';
import type { OpenVault } from './create.ts';
import { packName } from './layout.ts';
import { sourceOf } from './source.ts';

/**
 * A snapshot's native dump, proved as an agent proves it before it restores. A wrong chunk or a wrong whole
 * breaks the stream off; it never just ends.
 * @throws FailureError as `verifySnapshot` does, and `not_found` for an engine this build does not know
 */
export async function download(
  context: VaultContext,
  snapshot: { row: SnapshotRow; vault: OpenVault },
): Promise<ReadableStream<Uint8Array>> {
  const { row, vault } = snapshot;
  const { recipient, identity, signingKey } = vault.secrets;
  const source = await sourceOf(context, snapshot, recipient);
  const trust = { signingKey, vaultId: vault.id, snapshotId: row.id };
  const verified = await verifySnapshot(source, trust, identity);
  const name = engineDefinition(verified.manifest.server.engine)?.descriptor.download.stream;
  if (name === undefined)
    throw fail('not_found', `This build knows no engine “${row.engine}”.`, 'Update Homeport.');
  const stop = new AbortController();
  const plaintext = readStream(verified, name, {
    read: (pack, range) => vault.store.read(packName(pack), range),
    signal: stop.signal,
  });
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await plaintext.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      async cancel() {
        stop.abort();
        await plaintext.return();
      },
    },
    { highWaterMark: 0 },
  );
}
