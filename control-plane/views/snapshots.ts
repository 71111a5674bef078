import { type DatabaseListing, findDatabase, listDatabases } from '../db/databases.ts';
import type { AppDeps } from '../deps.ts';
import type { SnapshotRecord } from '../vault/service.ts';
import { iso } from './times.ts';

type Deps = Pick<AppDeps, 'db' | 'vault'>;

export function snapshotView(snapshot: SnapshotRecord, database: DatabaseListing | undefined) {
  return {
    id: snapshot.id,
    databaseId: snapshot.databaseId,
    databaseName: database?.name ?? '',
    serverId: snapshot.serverId,
    serverName: database?.serverName ?? '',
    engine: snapshot.engine,
    sequence: snapshot.sequence,
    createdAt: iso(snapshot.createdAt),
    startedAt: iso(snapshot.startedAt),
    finishedAt: iso(snapshot.finishedAt),
    rawBytes: snapshot.rawBytes,
    storedBytes: snapshot.storedBytes,
    serverVersion: snapshot.serverVersion,
    tool: snapshot.tool,
    state: 'good' as const,
  };
}

/** A snapshot as the API shows it. */
export type SnapshotView = ReturnType<typeof snapshotView>;

export function snapshotsOf(deps: Deps, filter: { databaseId?: string | undefined }): SnapshotView[] {
  const databases = new Map(listDatabases(deps.db).map((database) => [database.id, database]));
  const { databaseId } = filter;
  return deps.vault
    .listSnapshots(databaseId === undefined ? {} : { databaseId })
    .map((snapshot) => snapshotView(snapshot, databases.get(snapshot.databaseId)));
}

export function oneSnapshot(deps: Deps, id: string): SnapshotView | undefined {
  const snapshot = deps.vault.snapshot(id);
  return snapshot && snapshotView(snapshot, findDatabase(deps.db, snapshot.databaseId));
}
