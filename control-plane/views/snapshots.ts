import type { Reach } from '../auth/reach.ts';
import { type DatabaseListing, findDatabase, listDatabases } from '../db/databases.ts';
import { restoreAfter, restoresAfter } from '../db/jobs.ts';
import type { AppDeps } from '../deps.ts';
import type { SnapshotRecord } from '../vault/service.ts';
import { iso, isoOrNull } from './times.ts';

type Deps = Pick<AppDeps, 'db' | 'vault'>;

interface Beside {
  database: DatabaseListing | undefined;
  /** The restore it was made before, for safety's sake. */
  restoreId: string | undefined;
}

export function snapshotView(snapshot: SnapshotRecord, { database, restoreId }: Beside) {
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
    partial: snapshot.partial,
    beforeRestoreJobId: restoreId ?? null,
    copied: snapshot.copied,
    lockedUntil: isoOrNull(snapshot.lockedUntil),
    state: 'good' as const,
  };
}

/** A snapshot as the API shows it. */
export type SnapshotView = ReturnType<typeof snapshotView>;

/** Those of databases within reach. */
export function snapshotsOf(
  deps: Deps,
  { databaseId }: { databaseId?: string | undefined },
  reach: Reach,
): SnapshotView[] {
  const databases = new Map(listDatabases(deps.db).map((database) => [database.id, database]));
  const seen = ({ databaseId }: { databaseId: string }) =>
    reach.agentIds === null || reach.has(databases.get(databaseId)?.agentId ?? '');
  const restores = restoresAfter(deps.db);
  const all = deps.vault.listSnapshots(databaseId === undefined ? {} : { databaseId });
  return all.filter(seen).map((snapshot) =>
    snapshotView(snapshot, {
      database: databases.get(snapshot.databaseId),
      restoreId: restores.get(snapshot.jobId),
    }),
  );
}

export function oneSnapshot(deps: Deps, id: string): SnapshotView | undefined {
  const snapshot = deps.vault.snapshot(id);
  if (!snapshot) return undefined;
  const database = findDatabase(deps.db, snapshot.databaseId);
  return snapshotView(snapshot, { database, restoreId: restoreAfter(deps.db, snapshot.jobId)?.id });
}
