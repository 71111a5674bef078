import { type Failure, FailureError } from '../../protocol/failure.ts';
import { awayFailure, type VaultContext } from './context.ts';
import type { OpenVault } from './create.ts';
import { type Reconciled, reconcile } from './reconcile.ts';
import { refreshRecoveryFiles } from './recovery/files.ts';

/** Who is told of what comes of it. */
export interface BringUpEvents {
  /** What the comparison of store and index at boot had to put right. */
  onReconciled?: (vaultId: string, result: Reconciled) => void;
  /** The vault could not be given this version's `recover.mjs`. */
  onStaleRecovery?: (vaultId: string, failure: Failure) => void;
  /** The vault's store is far away and does not answer: its index is not compared this time. */
  onUnreachable?: (vaultId: string, failure: Failure) => void;
}

/** Compares a vault with its index; one far away that does not answer is left as the index has it. */
export async function bringUp(
  context: VaultContext,
  vault: OpenVault,
  events: BringUpEvents,
): Promise<string[]> {
  let lost: string[] = [];
  try {
    // An index that has nothing may well be filled from the replica.
    const filled = context.chunks.storedBytes(vault.id) > 0;
    if (vault.unreachable && (filled || !vault.store.replica)) throw new FailureError(vault.unreachable);
    const reconciled = await reconcile(context, vault);
    events.onReconciled?.(vault.id, reconciled);
    lost = reconciled.lost ?? [];
    if (vault.unreachable) throw new FailureError(vault.unreachable);
  } catch (error) {
    const away = awayFailure(vault, error);
    if (!away) throw error;
    events.onUnreachable?.(vault.id, away);
    return lost;
  }
  const stale = await refreshRecoveryFiles(vault);
  if (stale) events.onStaleRecovery?.(vault.id, stale);
  return lost;
}
