import type { Clock } from '../../clock.ts';
import type { Db } from '../../db/open.ts';
import type { VaultContext } from '../context.ts';
import type { OpenVault } from '../create.ts';
import type { Removal, RemovalEvents } from '../removal.ts';
import { createVaultWork, type WorkState } from '../vault-work.ts';
import { type CollectionResult, collectVault, newCollection } from './collect.ts';

/** A collection, the one under way or the last. */
export type CollectionState = CollectionResult & WorkState;

/** Frees what no snapshot needs: of each vault by itself once a day, and soon after snapshots were deleted. */
export interface Collections {
  start(): void;
  /**
   * Collects now, and removes what interrupted backups have left as well.
   * @throws FailureError `conflict` while one is under way
   */
  begin(vault: OpenVault): void;
  of(vaultId: string): CollectionState | undefined;
  /** A snapshot of the vault was deleted. */
  wake(vaultId: string): void;
  stop(): Promise<void>;
}

const HOUR_MS = 3600_000;
const DAY_MS = 24 * HOUR_MS;
/** What an interrupted backup has uploaded is kept so long for the next one. */
const UNFINISHED_MS = 7 * DAY_MS;
/** What becomes of what no snapshot needs. */
export interface CollectionEvents extends RemovalEvents {
  /** A collection has ended, well or not. */
  onEnd(vault: OpenVault, state: CollectionState): void;
}

interface CollectionsOptions extends Pick<CollectionEvents, 'onEnd'> {
  context: VaultContext;
  db: Db;
  clock: Clock;
  removal: Removal;
}

export function createCollections({ clock, context, db, onEnd, removal }: CollectionsOptions): Collections {
  const woken = new Set<string>();
  const collections = createVaultWork<CollectionResult, { keepUnfinishedMs: number }>({
    ...{ clock, context, db },
    setting: 'vault-collection',
    busy: 'Space is being freed in this vault already.',
    fresh: newCollection,
    work(vault, { result, signal, wish: { keepUnfinishedMs } }) {
      woken.delete(vault.id);
      return collectVault({ context, vault, signal, keepUnfinishedMs, result });
    },
    due({ id }, last) {
      const wait = woken.has(id) ? HOUR_MS : DAY_MS;
      // A clock that was set back does not put it off for long.
      const isDue = !last || Math.abs(clock.now() - last.startedAt) >= wait;
      return isDue ? { keepUnfinishedMs: UNFINISHED_MS } : undefined;
    },
    onEnd(vault, state) {
      if (state.failure) woken.add(vault.id);
      onEnd(vault, state);
      void removal.wake();
    },
  });
  return {
    start: collections.follow,
    begin: (vault) => collections.begin(vault, { keepUnfinishedMs: 0 }),
    of: collections.of,
    wake: (vaultId) => void woken.add(vaultId),
    stop: collections.stop,
  };
}
