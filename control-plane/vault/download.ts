import { engineDefinition } from '../../protocol/engines/registry.ts';
import { fail } from '../../protocol/failure.ts';
import { verifySnapshot } from '../../protocol/vault/snapshot.ts';
import { readStream } from '../../protocol/vault/stream.ts';
import type { SnapshotRow } from '../db/snapshots.ts';
import type { VaultContext } from './context.ts';
import type { OpenVault } from './create.ts';
import { packName } from './layout.ts';
import { sourceOf } from './source.ts';

/** A native dump on its way out; `bytes` is what `body` gives where it does not break off. */
export interface Download {
  body: ReadableStream<Uint8Array>;
  bytes: number;
}

/**
 * A snapshot's native dump, proved as an agent proves it before it restores. A wrong chunk or a wrong whole
 * breaks the stream off; it never just ends.
 * @throws FailureError as `verifySnapshot` does, and `not_found` for an engine this build does not know
 */
export async function download(
  context: VaultContext,
  snapshot: { row: SnapshotRow; vault: OpenVault },
): Promise<Download> {
  const release = context.leases.hold(snapshot.row.id);
  try {
    return await open(context, snapshot, release);
  } catch (error) {
    release();
    throw error;
  }
}

async function open(
  context: VaultContext,
  { row, vault }: { row: SnapshotRow; vault: OpenVault },
  release: () => void,
): Promise<Download> {
  const { recipient, identity, signingKey } = vault.secrets;
  const source = await sourceOf(context, { row, vault }, recipient);
  const trust = { signingKey, vaultId: vault.id, snapshotId: row.id };
  const verified = await verifySnapshot(source, trust, identity);
  const name = engineDefinition(verified.manifest.server.engine)?.descriptor.download.stream;
  if (name === undefined)
    throw fail('not_found', `This build knows no engine “${row.engine}”.`, 'Update Homeport.');
  const stop = new AbortController();
  const plaintext = readStream(verified, name, {
    read: async (pack, range) => {
      await vault.store.prove(packName(pack));
      return vault.store.read(packName(pack), range);
    },
    signal: stop.signal,
  });
  // The last part waits until the whole is proved: whoever has as many bytes as were promised has the right ones.
  let held: Uint8Array | undefined;
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          held ??= (await plaintext.next()).value ?? undefined;
          const { done, value } = await plaintext.next();
          if (held) controller.enqueue(held);
          held = value ?? undefined;
          if (!done) return;
          controller.close();
          release();
        } catch (error) {
          release();
          throw error;
        }
      },
      async cancel() {
        release();
        stop.abort();
        await plaintext.return();
      },
    },
    { highWaterMark: 0 },
  );
  return { body, bytes: verified.manifest.streams.find((one) => one.name === name)?.length ?? 0 };
}
