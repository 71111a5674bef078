import type { DownloadWay, UploadWay } from '../../protocol/direct.ts';
import { FailureError, fail } from '../../protocol/failure.ts';
import { PACK_MAX_BYTES } from '../../protocol/vault/pack.ts';
import { requireOwner, type VaultContext, vaultOf } from './context.ts';
import type { OpenVault } from './create.ts';
import { backingUp, requireBackup, requireKeys } from './ingest.ts';
import { packName } from './layout.ts';
import { readTrailer } from './packs.ts';
import type { BulkPlace } from './service.ts';
import type { DirectAccess } from './stores/store.ts';

/** Refusals after which the file must not stay: under its name nothing better could ever be stored. */
const WORTHLESS = new Set(['pack_corrupt', 'forbidden']);

/**
 * How an agent is to send a pack.
 * @throws FailureError `lease_lost` | `forbidden` | `message_too_large`
 */
export async function uploadWay(
  context: VaultContext,
  at: BulkPlace,
  { bytes, sha256 }: { sha256: string; bytes: number },
): Promise<UploadWay> {
  const vault = vaultOf(context, at.vaultId);
  const known = context.chunks.pack(vault.id, sha256);
  if (known && (await vault.store.size(packName(sha256))) === known.length) {
    requireOwner(context, at.agentId, known.serverId);
    return { way: 'stored' };
  }
  backingUp(context, at);
  if (bytes > PACK_MAX_BYTES) throw fail('message_too_large', 'A pack is too large.', 'Send smaller packs.');
  const { direct } = vault.store;
  if (!direct) return { way: 'relay' };
  return { way: 'direct', ...(await direct.uploadAddress(packName(sha256), sha256)) };
}

/**
 * Takes up a pack that an agent says is in the store: what the store has there is looked at, hash, size and trailer,
 * and only that is indexed.
 * @throws FailureError as `putPack`, and `conflict` where it is not there
 */
export async function uploaded(context: VaultContext, at: BulkPlace, sha256: string): Promise<void> {
  const vault = vaultOf(context, at.vaultId);
  const known = context.chunks.pack(vault.id, sha256);
  if (known) return requireOwner(context, at.agentId, known.serverId);
  const live = backingUp(context, at);
  const { direct, store } = await doorWith(vault, sha256);
  try {
    const length = await verified(direct, sha256);
    const read = (range: { offset: number; length: number }) => store.read(packName(sha256), range);
    const contents = await readTrailer({ length, read });
    requireOwner(context, at.agentId, contents.serverId);
    requireBackup(live, contents.serverId);
    requireKeys(context, vault.id, contents);
    await vault.store.arrived(packName(sha256), store);
    // Another request for the same pack may have been faster.
    if (context.chunks.pack(vault.id, sha256)) return;
    const facts = { vaultId: vault.id, serverId: contents.serverId, sha256, length };
    context.chunks.addPack({ ...facts, createdAt: context.now() }, contents.entries);
  } catch (error) {
    await removeWorthless(context, vault, { direct, sha256, error });
    throw error;
  }
}

/** The store that the pack was sent to: the vault may have moved since its address was given out. */
async function doorWith({ store }: OpenVault, sha256: string): Promise<OpenVault['store']['doors'][number]> {
  const [first, ...others] = store.doors;
  if (!first) throw fail('conflict', 'This vault takes packs through the control plane.', 'Send it again.');
  if (others.length === 0 || (await first.direct.inspect(packName(sha256)))) return first;
  for (const other of others) if (await other.direct.inspect(packName(sha256))) return other;
  return first;
}

/** How an agent is to fetch a pack that its running restore needs; that it does is for the caller to see to. */
export async function downloadWay(vault: OpenVault, sha256: string): Promise<DownloadWay> {
  const { direct } = vault.store;
  if (!direct || !(await isThere(vault, sha256))) return { way: 'relay' };
  return { way: 'direct', url: await direct.downloadAddress(packName(sha256)) };
}

/** Whether a pack can be fetched from the store itself: with a replica, what is lost there comes from the other way. */
async function isThere({ store }: OpenVault, sha256: string): Promise<boolean> {
  if (!store.replica) return true;
  await store.prove(packName(sha256));
  return store.reads(packName(sha256));
}

/** Bytes of a pack as the store has it, with the hash that the store made of them. */
async function verified(direct: DirectAccess, sha256: string): Promise<number> {
  const found = await direct.inspect(packName(sha256));
  if (!found) throw fail('conflict', 'The pack is not in the store.', 'Send it again.', { retryable: true });
  if (found.length > PACK_MAX_BYTES)
    throw fail('pack_corrupt', 'The pack in the store is too large.', 'Send it again.');
  if (found.sha256 !== sha256)
    throw fail('pack_corrupt', 'The store has other bytes under the name of the pack.', 'Send it again.', {
      retryable: true,
    });
  return found.length;
}

async function removeWorthless(
  context: VaultContext,
  vault: OpenVault,
  { direct, error, sha256 }: { direct: DirectAccess; sha256: string; error: unknown },
): Promise<void> {
  if (!(error instanceof FailureError) || !WORTHLESS.has(error.failure.code)) return;
  if (context.chunks.pack(vault.id, sha256)) return;
  await direct.remove(packName(sha256));
}
