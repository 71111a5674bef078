import { fail } from '../../protocol/failure.ts';
import type { VaultContext } from './context.ts';
import type { OpenVault } from './create.ts';
import { spaceOf, type VaultSpace } from './growth.ts';
import { requireVault } from './replicas/copy.ts';

/**
 * Asks a vault's store whether its first file is there; that of its replica does as well, as it does for restores.
 * @param ms how long it has to answer
 * @throws FailureError `store_unavailable`
 */
export async function reachStore({ store }: OpenVault, ms: number): Promise<void> {
  const late = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => late.reject(silent(ms)), ms);
  try {
    await Promise.race([requireVault(store), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Asks the store how much room it has. @throws FailureError `store_unavailable` */
export async function spaceIn(context: VaultContext, { id, store }: OpenVault): Promise<VaultSpace> {
  const facts = { now: context.now(), stored: context.chunks.storedBytes(id) };
  return spaceOf((await store.primary.room?.()) ?? {}, context.snapshots.additions(id), facts);
}

function silent(ms: number) {
  return fail(
    'store_unavailable',
    `The vault’s store did not answer within ${ms / 1000} seconds.`,
    'See whether it is up, and whether this host reaches it.',
  );
}
