import { type Failure, fail, toFailure } from '../../protocol/failure.ts';
import type { Clock } from '../clock.ts';
import type { Db } from '../db/open.ts';
import { readSetting, writeSetting } from '../db/settings.ts';
import type { VaultContext } from './context.ts';
import type { OpenVault } from './create.ts';

/** Work on a whole vault, the one under way or the last. Times are milliseconds since the epoch. */
export interface WorkState {
  startedAt: number;
  finishedAt: number | null;
  /** What ended it early. */
  failure: Failure | null;
}

/** Work on whole vaults, one at a time for each: when asked, and by itself when it is due. The last outlives the process. */
export interface VaultWork<Result, Wish> {
  /** Looks from now on what is due. */
  follow(): void;
  /** @throws FailureError `conflict` while it is under way */
  begin(vault: OpenVault, wish: Wish): void;
  of(vaultId: string): (Result & WorkState) | undefined;
  /** Ends what is under way. */
  stop(): Promise<void>;
}

interface VaultWorkOptions<Result, Wish> {
  context: VaultContext;
  clock: Clock;
  db: Db;
  /** What the last is kept under, before the vault's id. */
  setting: string;
  /** Says that it is under way. */
  busy: string;
  /** Nothing done yet. */
  fresh(): Result;
  /** Does it, and fills the result in on the way; what it throws ended it early. */
  work(vault: OpenVault, how: { result: Result; signal: AbortSignal; wish: Wish }): Promise<void>;
  /** How it is to be done by itself now; undefined where it is not due. */
  due(vault: OpenVault, last: WorkState | undefined): Wish | undefined;
  onEnd(vault: OpenVault, state: Result & WorkState): void;
}

/** Between two looks at what is due. */
const LOOK_MS = 60_000;

export function createVaultWork<Result extends object, Wish>(
  options: VaultWorkOptions<Result, Wish>,
): VaultWork<Result, Wish> {
  const { clock, context, db, due, fresh, onEnd, work } = options;
  const states = new Map<string, Result & WorkState>();
  const working = new Set<Promise<void>>();
  const stopping = new AbortController();
  let cancelLook: (() => void) | undefined;

  const settingOf = (vaultId: string) => `${options.setting} ${vaultId}`;
  const isUnderWay = (vaultId: string) => states.get(vaultId)?.finishedAt === null;

  function of(vaultId: string): (Result & WorkState) | undefined {
    const here = states.get(vaultId);
    const kept = here ? undefined : readSetting(db, settingOf(vaultId));
    return here ?? (kept === undefined ? undefined : (JSON.parse(kept) as Result & WorkState));
  }

  async function run(vault: OpenVault, state: Result & WorkState, wish: Wish): Promise<void> {
    const { signal } = stopping;
    try {
      await work(vault, { result: state, signal, wish });
    } catch (error) {
      state.failure = toFailure(error);
    }
    state.finishedAt = clock.now();
    if (signal.aborted) return;
    writeSetting(db, settingOf(vault.id), JSON.stringify(state));
    onEnd(vault, state);
  }

  function start(vault: OpenVault, wish: Wish): void {
    const state = { ...fresh(), startedAt: clock.now(), finishedAt: null, failure: null };
    states.set(vault.id, state);
    const done = run(vault, state, wish).finally(() => working.delete(done));
    working.add(done);
  }

  function look(): void {
    cancelLook = clock.after(LOOK_MS, look);
    for (const vault of context.vaults.values()) {
      const wish = isUnderWay(vault.id) ? undefined : due(vault, of(vault.id));
      if (wish !== undefined) start(vault, wish);
    }
  }

  return {
    follow() {
      cancelLook = clock.after(LOOK_MS, look);
    },
    begin(vault, wish) {
      if (isUnderWay(vault.id)) throw fail('conflict', options.busy, 'Wait until it has ended.');
      start(vault, wish);
    },
    of,
    async stop() {
      cancelLook?.();
      stopping.abort();
      await Promise.all(working);
    },
  };
}
