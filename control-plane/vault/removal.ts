import { FailureError } from '../../protocol/failure.ts';
import type { Clock } from '../clock.ts';
import type { DoomedRow } from '../db/doomed-files.ts';
import type { VaultContext } from './context.ts';
import type { OpenVault } from './create.ts';
import { idIn } from './layout.ts';
import { requireVault } from './replicas/copy.ts';
import type { Store } from './stores/store.ts';
import { createTurns } from './turns.ts';

/** Files that are looked up at once. */
const BATCH = 100;
/** Until the next try, in milliseconds, where a store does not answer, and where it locks the file. */
const AWAY_MS = 15 * 60_000;
const LOCKED_MS = 24 * 3600_000;
/** Between two looks at what is due, in milliseconds. */
const LOOK_MS = 60_000;

/** Removes files that the index knows no more from the stores they are in. */
export interface Removal {
  start(): void;
  /** There is something to remove. Resolves when all that can be removed now is. */
  wake(): Promise<void>;
  /** A file of this name is about to be written anew: what is left of the old one goes first. */
  settle(vault: OpenVault, name: string): Promise<void>;
  stop(): Promise<void>;
}

export interface RemovalEvents {
  /** A store does not let a file go; it is tried again. */
  onFailure(file: { vaultId: string; name: string }, error: unknown): void;
}

interface RemovalOptions extends RemovalEvents {
  context: VaultContext;
  clock: Clock;
}

export function createRemoval({ clock, context, onFailure }: RemovalOptions): Removal {
  const { doomed, vaults } = context;
  const inTurn = createTurns();
  let working: Promise<void> | undefined;
  let stopped = false;
  let cancelLook: (() => void) | undefined;

  /** @param there stores that were seen to hold their vault: below an empty mount point there is nothing to remove */
  const removeOne = (vault: OpenVault, name: string, there = new Set<Store>()) =>
    inTurn(`${vault.id} ${name}`, async () => {
      if (!doomed.has(vault.id, name)) return;
      // What the index knows is needed, whatever was written down before.
      if (isKnown(context, vault.id, name)) return doomed.remove(vault.id, name);
      for (const store of storesOf(vault)) {
        if (!there.has(store)) await requireVault(store);
        there.add(store);
        await store.remove?.(name);
      }
      context.copies.remove(vault.id, name);
      doomed.remove(vault.id, name);
    });

  async function attempt({ name, vaultId }: DoomedRow, there: Set<Store>): Promise<void> {
    const vault = vaults.get(vaultId);
    if (!vault) return doomed.remove(vaultId, name);
    try {
      await removeOne(vault, name, there);
    } catch (error) {
      const isLocked = error instanceof FailureError && error.failure.code === 'file_locked';
      doomed.postpone(vaultId, name, clock.now() + (isLocked ? LOCKED_MS : AWAY_MS));
      if (!isLocked) onFailure({ vaultId, name }, error);
    }
  }

  async function work(): Promise<void> {
    while (!stopped) {
      const due = doomed.due(clock.now(), BATCH);
      if (due.length === 0) return;
      const there = new Set<Store>();
      for (const row of due) if (!stopped) await attempt(row, there);
    }
  }

  function wake(): Promise<void> {
    working ??= work().finally(() => {
      working = undefined;
    });
    return working;
  }

  function look(): void {
    cancelLook = clock.after(LOOK_MS, look);
    void wake();
  }

  const settle = async (vault: OpenVault, name: string): Promise<void> => {
    if (doomed.has(vault.id, name)) await removeOne(vault, name);
  };
  context.settle = settle;
  return {
    wake,
    start: look,
    settle,
    async stop() {
      stopped = true;
      cancelLook?.();
      await working;
    },
  };
}

function isKnown({ chunks, snapshots }: VaultContext, vaultId: string, name: string): boolean {
  const [pack, snapshot] = [idIn('pack', name), idIn('snapshot', name)];
  if (pack !== undefined) return chunks.pack(vaultId, pack) !== undefined;
  return snapshot !== undefined && snapshots.snapshot(snapshot)?.path === name;
}

function storesOf({ store: { primary, replica } }: OpenVault) {
  return replica ? [primary, replica] : [primary];
}
