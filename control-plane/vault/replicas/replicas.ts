import { type Failure, fail, toFailure } from '../../../protocol/failure.ts';
import type { Clock } from '../../clock.ts';
import type { Db } from '../../db/open.ts';
import { readSetting, takeSetting, writeSetting } from '../../db/settings.ts';
import type { VaultContext } from '../context.ts';
import type { OpenVault, VaultGround } from '../create.ts';
import { keepVaultSecrets, type VaultSecrets } from '../keys.ts';
import { idIn } from '../layout.ts';
import { reconcile } from '../reconcile.ts';
import type { StoreChoice } from '../stores/choice.ts';
import { type CheckEvents, createChecks, type VaultChecks } from './checks.ts';
import { type Copier, type CopierState, createCopier } from './copier.ts';
import { isLoss } from './copy.ts';
import { copyPass, type LostFile, requireReplica } from './pass.ts';
import { takePlace } from './place.ts';
import { exchange, switchStores } from './switch.ts';

export interface NamedVault {
  id: string;
  name: string;
}

/** What becomes of vaults and their replicas. */
export interface ReplicaEvents extends Pick<CheckEvents, 'onDamage'> {
  /** How far the copying or a check of a vault is has changed. */
  onChange(vaultId: string): void;
  /** A file that the store had lost came back from the replica. */
  onHealed(vault: NamedVault, file: string): void;
  /** Copying a vault fails. */
  onFailure(vault: NamedVault, failure: Failure): void;
  /** A vault has moved to what was its replica. */
  onMoved(vault: NamedVault): void;
}

export interface ReplicaOptions extends ReplicaEvents {
  context: VaultContext;
  ground: VaultGround;
  db: Db;
  clock: Clock;
  /** Runs what changes vaults one after the other. */
  inTurn: <T>(name: string, work: () => Promise<T>) => Promise<T>;
}

/** The second copies of the vaults. */
export interface Replicas {
  readonly checks: VaultChecks;
  /** Follows what happens to a vault that was opened; copies it where it has a replica. */
  follow(vault: OpenVault, lost?: readonly string[]): void;
  /** There is something new in a vault. */
  wake(vaultId: string): void;
  /** How the copying stands; undefined where there is no replica. */
  stateOf(vaultId: string): (CopierState & { moving: boolean }) | undefined;
  /** Gives a vault a replica, or another way to the one it has. @throws as `takePlace` does, `conflict` where it is elsewhere */
  set(vault: OpenVault, choice: StoreChoice): Promise<void>;
  /** Ends copying; what the replica holds stays there. @throws FailureError `not_found` where there is none */
  forget(vault: OpenVault): Promise<void>;
  /** Makes the replica the vault's store once it has everything. @throws FailureError `not_found` | `conflict` */
  move(vault: OpenVault): void;
  /** Does so at once: what is not in the replica is gone. @throws FailureError `not_found`, `store_unavailable` */
  moveWithout(vault: OpenVault): Promise<void>;
  /** The vault stays where it is. @throws FailureError `not_found` where it is not moving */
  stay(vault: OpenVault): void;
  /** Resolves when nothing is written any more, and after five seconds at the latest. */
  stop(): Promise<void>;
}

/** Milliseconds that a stop waits for what is under way. */
const STOP_MS = 5_000;

const movingTo = (vaultId: string) => `vault-moving ${vaultId}`;

export function createReplicas(options: ReplicaOptions): Replicas {
  const { clock, context, db, ground, inTurn, onChange, onFailure, onHealed, onMoved } = options;
  const copiers = new Map<string, Copier>();
  const checks = createChecks(options);
  /** Followed from the start: nothing was written to their replicas yet. */
  const untouched = new Set<string>();

  /** Noted with the place, so that a move that was done is not done back after a stop at the wrong moment. */
  const isMoving = ({ id, replicaPlace }: OpenVault) =>
    replicaPlace !== undefined && readSetting(db, movingTo(id)) === replicaPlace;
  const stay = ({ id }: OpenVault): boolean => {
    const noted = readSetting(db, movingTo(id));
    return noted !== undefined && takeSetting(db, movingTo(id), noted);
  };

  async function pass(vault: OpenVault, signal: AbortSignal, first: boolean): Promise<LostFile[]> {
    const task = { context, vault, signal, onProgress: () => onChange(vault.id) };
    const moving = isMoving(vault);
    if (untouched.delete(vault.id)) await vault.store.replica?.sweep();
    const lost = await copyPass(task, { compare: first || moving });
    if (!moving || lost.length > 0) return lost;
    await inTurn('vaults', async () => {
      signal.throwIfAborted();
      if (!isMoving(vault)) return;
      await switchStores(ground, task);
      stay(vault);
      onMoved(named(vault));
    });
    return [];
  }

  function start(vault: OpenVault): void {
    const { id } = vault;
    if (copiers.has(id)) return;
    const copier = createCopier({
      clock,
      pass: (signal, first) => pass(vault, signal, first),
      onChange: () => onChange(id),
      onFailure: (failure) => onFailure(named(vault), failure),
    });
    copiers.set(id, copier);
    copier.wake();
  }

  async function end({ id }: OpenVault): Promise<void> {
    await copiers.get(id)?.stop();
    copiers.delete(id);
  }

  /** Changes a vault while nothing of it is being copied; copying ends first, since it may wait for a turn itself. */
  async function change(vault: OpenVault, work: () => Promise<void>): Promise<void> {
    await end(vault);
    try {
      await inTurn('vaults', work);
    } finally {
      if (vault.secrets.replica) start(vault);
    }
  }

  async function keep(vault: OpenVault, secrets: VaultSecrets): Promise<void> {
    await keepVaultSecrets(ground.dataDir, ground.master, secrets);
    vault.secrets = secrets;
  }

  return {
    checks,
    follow(vault, lost = []) {
      vault.store.listener = {
        written(name) {
          if (!vault.secrets.replica) return;
          context.copies.remove(vault.id, name);
          // A commit asks for a pass itself, once its snapshot is recorded.
          if (idIn('agent', name) !== undefined) copiers.get(vault.id)?.wake();
        },
        healed: (name) => onHealed(named(vault), name),
      };
      if (!vault.secrets.replica) return;
      untouched.add(vault.id);
      start(vault);
      bringBack(vault, lost).catch((error) => onFailure(named(vault), toFailure(error)));
    },
    wake: (vaultId) => copiers.get(vaultId)?.wake(),
    stateOf(vaultId) {
      const vault = context.vaults.get(vaultId);
      const state = copiers.get(vaultId)?.state;
      return vault && state && { ...state, moving: isMoving(vault) };
    },
    async set(vault, wish) {
      const { choice, place, store } = await takePlace(ground, vault, wish);
      await change(vault, async () => {
        const { secrets } = vault;
        if (secrets.replica && vault.replicaPlace !== place) throw elsewhere(vault);
        await keep(vault, { ...secrets, replica: choice, statement: vault.statement });
        if (!secrets.replica) context.copies.clear(vault.id);
        vault.replicaPlace = place;
        vault.store.setReplica(store);
      });
    },
    async forget(vault) {
      requireOne(vault);
      await change(vault, async () => {
        stay(vault);
        const { replica: _, ...kept } = vault.secrets;
        await keep(vault, kept);
        vault.replicaPlace = undefined;
        vault.store.setReplica(undefined);
        context.copies.clear(vault.id);
      });
    },
    move(vault) {
      const place = requireOne(vault);
      writeSetting(db, movingTo(vault.id), place);
      copiers.get(vault.id)?.wake();
    },
    async moveWithout(vault) {
      requireOne(vault);
      if (vault.store.replica) await requireReplica(vault, vault.store.replica);
      await change(vault, async () => {
        stay(vault);
        untouched.delete(vault.id);
        await exchange(ground, vault);
        context.copies.clear(vault.id);
        await reconcile(context, vault);
      });
      onMoved(named(vault));
    },
    stay(vault) {
      if (!stay(vault)) throw fail('not_found', 'The vault is not moving.', 'There is nothing to end.');
    },
    async stop() {
      const healing = [...context.vaults.values()].map(({ store }) => store.idle());
      const ended = [checks.stop(), ...[...copiers.values()].map((copier) => copier.stop()), ...healing];
      // A bucket that does not answer keeps a request for minutes; each file is there as a whole or not at all.
      await Promise.race([Promise.all(ended), new Promise<void>((go) => clock.after(STOP_MS, go))]);
    },
  };
}

async function bringBack(vault: OpenVault, lost: readonly string[]): Promise<void> {
  for (const name of lost)
    await vault.store.heal(name).catch((error) => {
      // The others may be whole.
      if (!isLoss(error)) throw error;
    });
}

const named = ({ id, secrets: { name } }: OpenVault): NamedVault => ({ id, name });

/** @returns its place */
function requireOne({ replicaPlace, secrets }: OpenVault): string {
  if (replicaPlace !== undefined) return replicaPlace;
  throw fail('not_found', `The vault “${secrets.name}” has no replica.`, 'Add one first.');
}

function elsewhere({ replicaPlace, secrets }: OpenVault) {
  return fail(
    'conflict',
    `The vault “${secrets.name}” has a replica already: ${replicaPlace}.`,
    'Forget that one first; its files stay where they are.',
  );
}
