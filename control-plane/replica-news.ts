import { type Audit, SYSTEM } from './audit.ts';
import type { Clock } from './clock.ts';
import type { Events } from './events.ts';
import type { Logger } from './log.ts';
import type { NamedVault, ReplicaEvents } from './vault/replicas/replicas.ts';

/** Files that come back within this time are one entry in the audit log; milliseconds. */
const ONE_LOSS_MS = 60 * 60_000;

/** Damaged snapshots that are named one by one. */
const NAMED = 100;

interface NewsDeps {
  audit: Audit;
  clock: Clock;
  events: Events;
  log: Logger;
}

/** Tells of what becomes of replicas: the pages at once, the log each time, the audit log what somebody should know. */
export function createReplicaNews({ audit, clock, events, log }: NewsDeps): ReplicaEvents {
  const healed = new Map<string, number>();
  const targetOf = (vault: NamedVault) => ({ kind: 'vault', ...vault });
  return {
    onChange: () => events.changed('snapshots'),
    onHealed(vault, file) {
      log.warn(
        { vaultId: vault.id, file },
        'a file that the vault’s store had lost came back from the replica',
      );
      const now = clock.now();
      if (now - (healed.get(vault.id) ?? Number.NEGATIVE_INFINITY) > ONE_LOSS_MS)
        audit({ actor: SYSTEM, action: 'vault.heal', target: targetOf(vault), details: { file } });
      healed.set(vault.id, now);
    },
    onFailure: (vault, failure) =>
      log.warn({ vaultId: vault.id, failure }, 'copying the vault to its replica fails; it is tried again'),
    onDamage(vault, { found, mended }) {
      const ids = (rows: readonly { id: string }[]) => rows.map(({ id }) => id).slice(0, NAMED);
      const details = { damaged: found.length, mended: mended.length, snapshots: ids(found) };
      log[found.length > 0 ? 'error' : 'info'](
        { vaultId: vault.id, ...details },
        'a check judged snapshots anew',
      );
      audit({ actor: SYSTEM, action: 'vault.damage', target: targetOf(vault), details });
      // One of each database: its snapshots are judged together.
      const ofDatabases = new Map([...found, ...mended].map((row) => [row.databaseId, row.id]));
      for (const id of ofDatabases.values()) events.changed('snapshots', id);
    },
    onMoved(vault) {
      log.info({ vaultId: vault.id }, 'the vault has moved to what was its replica');
      audit({ actor: SYSTEM, action: 'vault.moved', target: targetOf(vault) });
      events.changed('snapshots');
    },
  };
}
