import type { SnapshotRecord, VaultService } from '../../control-plane/vault/service.ts';

/** The snapshots that a vault service tells of, newest first; of one database where told. */
export function allSnapshots(
  service: Pick<VaultService, 'snapshotsPage'>,
  databaseId?: string,
): SnapshotRecord[] {
  return service.snapshotsPage({ agentIds: null, databaseId }, { limit: 500, offset: 0 }).rows;
}
