import { FailureError, fail } from '../../../protocol/failure.ts';
import { idIn } from '../layout.ts';
import type { Store } from '../stores/store.ts';
import { createTurns } from '../turns.ts';
import { copyFile, isAway, isLoss, isStored, requireVault } from './copy.ts';
import { createMemory } from './memory.ts';

/** Packs that are remembered as seen whole, or as damaged. */
const REMEMBERED = 4096;

/** Brings back from the replica what a vault's store has lost. */
export interface Healer {
  /**
   * Sees to it that a pack which is about to be read is whole, as far as the replica can help. One that was found
   * whole is not looked at again soon.
   */
  prove(name: string): Promise<void>;
  /**
   * Copies a file from the replica to the store.
   * @throws FailureError `not_found` | `pack_corrupt` where the replica has none, `store_unavailable`
   */
  heal(name: string): Promise<void>;
  /** Resolves when no file is being brought back any more. */
  idle(): Promise<void>;
  /** Whether a file has to be read from the replica, because the store's could not be put right. */
  isDetour(name: string): boolean;
  /** A file was written, or, without a name, all may be others. */
  forget(name?: string): void;
}

interface Stores {
  primary(): Store;
  replica(): Store | undefined;
  onHealed(name: string): void;
}

export function createHealer({ onHealed, primary, replica }: Stores): Healer {
  const proven = createMemory(REMEMBERED);
  const detours = createMemory(REMEMBERED);
  const inTurn = createTurns();
  const working = new Set<Promise<void>>();

  const heal = (name: string) => {
    const work = inTurn(name, async () => {
      const [to, from] = [primary(), replica()];
      if (!from) throw fail('not_found', 'The vault has no replica.', 'Add one.');
      // A disk that is not mounted has lost nothing; what is written below its mount point would be.
      await requireVault(to);
      await copyFile(name, { from, to });
      proven.add(name);
      detours.delete(name);
      onHealed(name);
    });
    working.add(work);
    const done = () => void working.delete(work);
    work.then(done, done);
    return work;
  };

  return {
    heal,
    async idle() {
      await Promise.allSettled(working);
    },
    async prove(name) {
      const sha256 = idIn('pack', name);
      const other = replica();
      if (sha256 === undefined || !other || proven.has(name) || detours.has(name)) return;
      try {
        if (await isStored(primary(), name, sha256)) return proven.add(name);
      } catch (error) {
        // Whoever reads passes over a store that does not answer.
        if (isAway(error) || isLoss(error)) return;
        throw error;
      }
      await heal(name).catch(async (error) => {
        if (!(error instanceof FailureError)) throw error;
        // A full disk, for example: the bytes are there all the same.
        if (await isStored(other, name, sha256).catch(() => false)) detours.add(name);
      });
    },
    isDetour: (name) => detours.has(name),
    forget(name) {
      for (const memory of [proven, detours])
        if (name === undefined) memory.clear();
        else memory.delete(name);
    },
  };
}
