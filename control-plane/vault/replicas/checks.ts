import { type Failure, fail, toFailure } from '../../../protocol/failure.ts';
import type { Clock } from '../../clock.ts';
import type { Db } from '../../db/open.ts';
import { readSetting, writeSetting } from '../../db/settings.ts';
import type { VaultContext } from '../context.ts';
import type { OpenVault } from '../create.ts';
import { type CheckResult, checkVault, newCheck } from './check.ts';
import { type Damage, judgeDamage } from './damage.ts';

/** A check of a vault, the one under way or the last. Times are milliseconds since the epoch. */
export interface CheckState extends CheckResult {
  startedAt: number;
  finishedAt: number | null;
  /** What ended it early. */
  failure: Failure | null;
}

/** What checks find. */
export interface CheckEvents {
  onChange(vaultId: string): void;
  /** Snapshots need what is whole nowhere, or are whole again. */
  onDamage(vault: { id: string; name: string }, damage: Damage): void;
}

/** Checks of whole vaults, one at a time for each: when asked, and by themselves every so many days. */
export interface VaultChecks {
  /** Looks from now on what is due. */
  follow(): void;
  /** @throws FailureError `conflict` while one is under way */
  start(vault: OpenVault): void;
  of(vaultId: string): CheckState | undefined;
  /** Days between checks that begin by themselves; 0: none does. */
  everyDays(vault: OpenVault): number;
  setEveryDays(vaultId: string, days: number): void;
  /** Ends those under way. */
  stop(): Promise<void>;
}

interface ChecksOptions extends CheckEvents {
  context: VaultContext;
  clock: Clock;
  db: Db;
}

const DAY_MS = 86_400_000;
/** Between two looks at what is due. */
const LOOK_MS = 60_000;
/** To read a whole bucket costs money at many providers, who read it themselves: there it is for people to choose. */
const EVERY_DAYS = { local: 30, rclone: 30, s3: 0 };

const lastOf = (vaultId: string) => `vault-check ${vaultId}`;
const everyOf = (vaultId: string) => `vault-check-every ${vaultId}`;

export function createChecks({ clock, context, db, onChange, onDamage }: ChecksOptions): VaultChecks {
  const states = new Map<string, CheckState>();
  const working = new Set<Promise<void>>();
  const stopping = new AbortController();
  let cancelLook: (() => void) | undefined;

  function stateOf(vaultId: string): CheckState | undefined {
    const kept = readSetting(db, lastOf(vaultId));
    return states.get(vaultId) ?? (kept === undefined ? undefined : (JSON.parse(kept) as CheckState));
  }

  function everyDays({ id, secrets }: OpenVault): number {
    return Number(readSetting(db, everyOf(id)) ?? EVERY_DAYS[secrets.store.kind]);
  }

  async function run(vault: OpenVault, state: CheckState): Promise<void> {
    const lost = new Set<string>();
    const { signal } = stopping;
    try {
      await checkVault({ context, vault, signal, result: state, lost });
    } catch (error) {
      state.failure = toFailure(error);
    }
    try {
      // Also of a check that was ended early: what it has found is found.
      const damage = await judgeDamage(context, { vault, lost, signal });
      if (damage.found.length + damage.mended.length > 0)
        onDamage({ id: vault.id, name: vault.secrets.name }, damage);
    } catch (error) {
      state.failure ??= toFailure(error);
    }
    state.finishedAt = clock.now();
    if (signal.aborted) return;
    writeSetting(db, lastOf(vault.id), JSON.stringify(state));
    onChange(vault.id);
  }

  function begin(vault: OpenVault): void {
    const state = { ...newCheck(), startedAt: clock.now(), finishedAt: null, failure: null };
    states.set(vault.id, state);
    const work = run(vault, state).finally(() => working.delete(work));
    working.add(work);
  }

  function look(): void {
    cancelLook = clock.after(LOOK_MS, look);
    for (const vault of context.vaults.values()) {
      const days = everyDays(vault);
      const state = stateOf(vault.id);
      if (days === 0 || states.get(vault.id)?.finishedAt === null) continue;
      const wait = state?.failure ? 1 : days;
      if (clock.now() - (state?.startedAt ?? vault.secrets.createdAt) >= wait * DAY_MS) begin(vault);
    }
  }

  return {
    follow() {
      cancelLook = clock.after(LOOK_MS, look);
    },
    start(vault) {
      if (states.get(vault.id)?.finishedAt === null)
        throw fail('conflict', 'A check of this vault is under way.', 'Wait until it has ended.');
      begin(vault);
    },
    of: stateOf,
    everyDays,
    setEveryDays: (vaultId, days) => writeSetting(db, everyOf(vaultId), String(days)),
    async stop() {
      cancelLook?.();
      stopping.abort();
      await Promise.all(working);
    },
  };
}
