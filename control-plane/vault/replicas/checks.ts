import { type Failure, fail, toFailure } from '../../../protocol/failure.ts';
import type { Clock } from '../../clock.ts';
import type { VaultContext } from '../context.ts';
import type { OpenVault } from '../create.ts';
import { type CheckResult, checkVault, newCheck } from './check.ts';

/** A check of a vault, the one under way or the last since the start. Times are milliseconds since the epoch. */
export interface CheckState extends CheckResult {
  startedAt: number;
  finishedAt: number | null;
  /** What ended it early. */
  failure: Failure | null;
}

/** Checks of whole vaults, one at a time for each. */
export interface VaultChecks {
  /** @throws FailureError `conflict` while one is under way */
  start(vault: OpenVault): void;
  of(vaultId: string): CheckState | undefined;
  /** Ends those under way. */
  stop(): Promise<void>;
}

interface ChecksOptions {
  context: VaultContext;
  clock: Clock;
  onChange(vaultId: string): void;
}

export function createChecks({ clock, context, onChange }: ChecksOptions): VaultChecks {
  const states = new Map<string, CheckState>();
  const working = new Set<Promise<void>>();
  const stopping = new AbortController();

  async function run(vault: OpenVault, state: CheckState): Promise<void> {
    try {
      await checkVault({ context, vault, signal: stopping.signal, result: state });
    } catch (error) {
      state.failure = toFailure(error);
    }
    state.finishedAt = clock.now();
    if (!stopping.signal.aborted) onChange(vault.id);
  }

  return {
    start(vault) {
      if (states.get(vault.id)?.finishedAt === null)
        throw fail('conflict', 'A check of this vault is under way.', 'Wait until it has ended.');
      const state = { ...newCheck(), startedAt: clock.now(), finishedAt: null, failure: null };
      states.set(vault.id, state);
      const work = run(vault, state).finally(() => working.delete(work));
      working.add(work);
    },
    of: (vaultId) => states.get(vaultId),
    async stop() {
      stopping.abort();
      await Promise.all(working);
    },
  };
}
