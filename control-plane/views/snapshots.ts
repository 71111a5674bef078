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

/** Of snapshots, those of databases within reach. */
export function ofDatabases<T extends { databaseId: string }>(
  snapshots: T[],
  databases: readonly { id: string; agentId: string }[],
  reach: Reach,
): T[] {
  // Also those of databases that are known no more.
  if (reach.agentIds === null) return snapshots;
  const seen = new Set(databases.filter(({ agentId }) => reach.has(agentId)).map(({ id }) => id));
  return snapshots.filter(({ databaseId }) => seen.has(databaseId));
}

/** Those of databases within reach. */
export function snapshotsOf(
  deps: Deps,
  { databaseId }: { databaseId?: string | undefined },
  reach: Reach,
): SnapshotView[] {
  const listed = listDatabases(deps.db);
  const databases = new Map(listed.map((database) => [database.id, database]));
  const restores = restoresAfter(deps.db);
  const all = deps.vault.listSnapshots(databaseId === undefined ? {} : { databaseId });
  return ofDatabases(all, listed, reach).map((snapshot) =>
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
