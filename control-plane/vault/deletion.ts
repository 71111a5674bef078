import { fail } from '../../protocol/failure.ts';
import { snapshotOf, type VaultContext } from './context.ts';
import { publicFacts } from './records.ts';

/**
 * Takes a snapshot out of the index and dooms its manifest, at once; its chunks go with the next collection.
 * @throws FailureError `not_found`, `conflict` while somebody reads it, `file_locked` while its store lets nobody delete it
 */
export function deleteSnapshot(context: VaultContext, id: string): void {
  const { row, vault } = snapshotOf(context, id);
  requireUnused(context, id);
  const { lockedUntil } = publicFacts(context)(row);
  if (lockedUntil !== null)
    throw fail(
      'file_locked',
      `The vault’s bucket lets nobody delete this snapshot before ${new Date(lockedUntil).toISOString()}.`,
      'Wait until then.',
    );
  context.atOnce(() => {
    context.snapshots.remove(id);
    context.doomed.add({ vaultId: vault.id, name: row.path, length: 0 });
  });
}

function requireUnused({ fleet, leases }: VaultContext, id: string): void {
  const isUsed = leases.isHeld(id) || fleet.openJobs().some(({ snapshotId }) => snapshotId === id);
  if (!isUsed) return;
  throw fail(
    'conflict',
    'The snapshot is being restored, downloaded or copied.',
    'Wait until that has ended, or cancel it.',
  );
}
