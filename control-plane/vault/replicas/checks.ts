import type { Clock } from '../../clock.ts';
import type { Db } from '../../db/open.ts';
import { readSetting, writeSetting } from '../../db/settings.ts';
import type { VaultContext } from '../context.ts';
import type { OpenVault } from '../create.ts';
import { createVaultWork, type WorkState } from '../vault-work.ts';
import { type CheckResult, checkVault, newCheck } from './check.ts';
import { type Damage, judgeDamage } from './damage.ts';

/** A check of a vault, the one under way or the last. */
export type CheckState = CheckResult & WorkState;

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
/** To read a whole bucket costs money at many providers, who read it themselves: there it is for people to choose. */
const EVERY_DAYS = { local: 30, rclone: 30, s3: 0 };

const everyOf = (vaultId: string) => `vault-check-every ${vaultId}`;

export function createChecks({ clock, context, db, onChange, onDamage }: ChecksOptions): VaultChecks {
  function everyDays({ id, secrets }: OpenVault): number {
    return Number(readSetting(db, everyOf(id)) ?? EVERY_DAYS[secrets.store.kind]);
  }

  async function noteDamage(vault: OpenVault, lost: Set<string>, signal: AbortSignal): Promise<void> {
    const damage = await judgeDamage(context, { vault, lost, signal });
    if (damage.found.length + damage.mended.length > 0)
      onDamage({ id: vault.id, name: vault.secrets.name }, damage);
  }

  const checks = createVaultWork<CheckResult, object>({
    ...{ clock, context, db },
    setting: 'vault-check',
    busy: 'A check of this vault is under way.',
    fresh: newCheck,
    async work(vault, { result, signal }) {
      const lost = new Set<string>();
      try {
        await checkVault({ context, vault, signal, result, lost });
      } catch (error) {
        // What it has found until then is found; why it ended is told first.
        await noteDamage(vault, lost, signal).catch(() => {});
        throw error;
      }
      await noteDamage(vault, lost, signal);
    },
    due(vault, last) {
      const days = everyDays(vault);
      const wait = last?.failure ? 1 : days;
      const isDue = clock.now() - (last?.startedAt ?? vault.secrets.createdAt) >= wait * DAY_MS;
      return days > 0 && isDue ? {} : undefined;
    },
    onEnd: ({ id }) => onChange(id),
  });
  return {
    follow: checks.follow,
    start: (vault) => checks.begin(vault, {}),
    of: checks.of,
    everyDays,
    setEveryDays: (vaultId, days) => writeSetting(db, everyOf(vaultId), String(days)),
    stop: checks.stop,
  };
}
