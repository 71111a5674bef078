import { FailureError, fail } from '../../protocol/failure.ts';
import type { Manifest } from '../../protocol/vault/manifest.ts';
import type { VaultContext } from './context.ts';
import type { OpenVault } from './create.ts';
import { GUIDE_FILE, idIn, PACKS, packName, SCRIPT_FILE, VAULT_FILE } from './layout.ts';
import { refreshRecoveryFiles } from './recovery/files.ts';
import { isLoss } from './replicas/copy.ts';
import { filesOf } from './source.ts';
import type { StoreLock } from './stores/store.ts';

/** Milliseconds for which the list of a vault's packs is believed. */
const LISTED_MS = 60 * 60_000;
const RECOVERY = new Set([SCRIPT_FILE, GUIDE_FILE]);

/** Keeps what snapshots need locked, in stores that lock, and finds out what somebody has taken out of them. */
export interface LockWatch {
  /**
   * Forgets packs that the store does not show any more, at most once an hour: their chunks are uploaded again. What lies
   * behind a delete marker is not shown.
   * @throws FailureError `store_unavailable` where the whole vault is gone
   */
  look(vault: OpenVault): Promise<void>;
  /**
   * Locks everything that a snapshot needs, before its manifest is written.
   * @throws FailureError `chunks_missing` | `key_missing` | `lock_failed` | `store_unavailable`
   */
  hold(vault: OpenVault, manifest: Manifest, packs: Iterable<string>): Promise<void>;
}

export function createLockWatch(context: VaultContext): LockWatch {
  /** By lock, which is another one for another store. */
  const listed = new WeakMap<StoreLock, number>();
  return {
    async look(vault) {
      const { lock, primary } = vault.store;
      if (!lock || context.now() - (listed.get(lock) ?? Number.NEGATIVE_INFINITY) < LISTED_MS) return;
      if ((await primary.size(VAULT_FILE)) === undefined) throw hidden(vault, VAULT_FILE);
      // What arrives while the list is read is not looked for in it.
      const gone = context.chunks.packs(vault.id);
      for await (const { length, name } of primary.list(PACKS)) {
        const sha256 = idIn('pack', name);
        if (sha256 !== undefined && gone.get(sha256)?.length === length) gone.delete(sha256);
      }
      await recover(context, vault, [...gone.keys()].map(packName));
      listed.set(lock, context.now());
    },
    async hold(vault, manifest, packs) {
      const { lock, locks } = vault.store;
      const names = [VAULT_FILE, ...RECOVERY, ...filesOf(manifest, packs)];
      // The other store, where the vault is moving, is not complete yet; what comes there later is locked by that.
      for (const one of locks) if (one !== lock) await one.hold(names);
      const lost = (await lock?.hold(names)) ?? [];
      const stale = lost.some((name) => RECOVERY.has(name)) && (await refreshRecoveryFiles(vault));
      if (stale) throw new FailureError(stale);
      const missing = await recover(
        context,
        vault,
        lost.filter((name) => !RECOVERY.has(name)),
      );
      if (missing > 0) throw incomplete(missing);
    },
  };
}

/**
 * Brings back from the replica what a store does not show any more; packs that are nowhere are forgotten.
 * @returns how many those are
 */
async function recover(context: VaultContext, vault: OpenVault, names: readonly string[]): Promise<number> {
  let missing = 0;
  for (const name of names) {
    if (await cameBack(context, vault, name)) continue;
    const pack = idIn('pack', name);
    const known = pack === undefined ? undefined : context.chunks.pack(vault.id, pack);
    if (!known) throw hidden(vault, name);
    context.chunks.removePack(known.id);
    missing += 1;
  }
  return missing;
}

async function cameBack({ copies }: VaultContext, { id, store }: OpenVault, name: string): Promise<boolean> {
  if (!store.replica || name === VAULT_FILE || !copies.has(id, name)) return false;
  try {
    await store.heal(name);
    return true;
  } catch (error) {
    if (isLoss(error)) return false;
    throw error;
  }
}

function hidden({ place }: OpenVault, name: string) {
  return fail(
    name === VAULT_FILE ? 'store_unavailable' : 'key_missing',
    `${place} does not show ${name} any more, which every backup needs.`,
    'Somebody has deleted it. What was locked is still there: docs/storage.md, “Bringing back what was deleted”, says how to get it.',
  );
}

function incomplete(packs: number) {
  return fail(
    'chunks_missing',
    `${packs} packs that the snapshot needs were deleted from the vault, or others put in their place.`,
    'The next attempt uploads them again. Find out who did that: docs/storage.md says how to bring back what was deleted.',
    { retryable: true },
  );
}
