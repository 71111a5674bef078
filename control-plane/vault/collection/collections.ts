import { type Failure, fail, toFailure } from '../../../protocol/failure.ts';
import type { Clock } from '../../clock.ts';
import type { Db } from '../../db/open.ts';
import { readSetting, writeSetting } from '../../db/settings.ts';
import { awayFailure, type VaultContext } from '../context.ts';
import type { OpenVault } from '../create.ts';
import type { Removal, RemovalEvents } from '../removal.ts';
import { type CollectionResult, collectVault, newCollection } from './collect.ts';

/** A collection, the one under way or the last. Times are milliseconds since the epoch. */
export interface CollectionState extends CollectionResult {
  startedAt: number;
  finishedAt: number | null;
  /** What ended it early. */
  failure: Failure | null;
}

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
/** Between two looks at what is due. */
const LOOK_MS = 60_000;

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

const settingOf = (vaultId: string) => `vault-collection ${vaultId}`;

export function createCollections(options: CollectionsOptions): Collections {
  const { clock, context, db, onEnd, removal } = options;
  const states = new Map<string, CollectionState>();
  const woken = new Set<string>();
  const working = new Set<Promise<void>>();
  const stopping = new AbortController();
  let cancelLook: (() => void) | undefined;

  function lastOf(vaultId: string): CollectionState | undefined {
    const kept = readSetting(db, settingOf(vaultId));
    return states.get(vaultId) ?? (kept === undefined ? undefined : (JSON.parse(kept) as CollectionState));
  }

  async function run(vault: OpenVault, state: CollectionState, keepUnfinishedMs: number): Promise<void> {
    woken.delete(vault.id);
    try {
      const { signal } = stopping;
      await collectVault({ context, vault, signal, keepUnfinishedMs, result: state });
    } catch (error) {
      state.failure = awayFailure(vault, error) ?? toFailure(error);
      woken.add(vault.id);
    }
    if (stopping.signal.aborted) return;
    state.finishedAt = clock.now();
    writeSetting(db, settingOf(vault.id), JSON.stringify(state));
    onEnd(vault, state);
    void removal.wake();
  }

  function begin(vault: OpenVault, keepUnfinishedMs: number): void {
    const state = { ...newCollection(), startedAt: clock.now(), finishedAt: null, failure: null };
    states.set(vault.id, state);
    const work = run(vault, state, keepUnfinishedMs).finally(() => working.delete(work));
    working.add(work);
  }

  function look(): void {
    cancelLook = clock.after(LOOK_MS, look);
    for (const vault of context.vaults.values()) {
      const last = lastOf(vault.id);
      if (states.get(vault.id)?.finishedAt === null) continue;
      const wait = woken.has(vault.id) ? HOUR_MS : DAY_MS;
      // A clock that was set back does not put it off for long.
      if (last && Math.abs(clock.now() - last.startedAt) < wait) continue;
      begin(vault, UNFINISHED_MS);
    }
  }

  return {
    start() {
      cancelLook = clock.after(LOOK_MS, look);
    },
    begin(vault) {
      if (states.get(vault.id)?.finishedAt === null)
        throw fail('conflict', 'Space is being freed in this vault already.', 'Wait until that has ended.');
      begin(vault, 0);
    },
    of: lastOf,
    wake: (vaultId) => void woken.add(vaultId),
    async stop() {
      cancelLook?.();
      stopping.abort();
      await Promise.all(working);
    },
  };
}
