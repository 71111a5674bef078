import type { Reach } from '../auth/reach.ts';
import { type DatabaseListing, databasesCalled } from '../db/databases.ts';
import { restoresAfter } from '../db/jobs.ts';
import type { Page, PageWish } from '../db/pages.ts';
import { type MarkRow, marksOf } from '../db/snapshot-marks.ts';
import type { AppDeps } from '../deps.ts';
import type { Reason } from '../retention/rules.ts';
import type { SnapshotRecord } from '../vault/service.ts';
import { type DrillView, drillsBySnapshot } from './drills.ts';
import { iso, isoOrNull } from './times.ts';

type Deps = Pick<AppDeps, 'db' | 'vault'>;

interface Beside {
  database: DatabaseListing | undefined;
  /** The restore it was made before, for safety's sake. */
  restoreId: string | undefined;
  mark: MarkRow | undefined;
  drill: DrillView | undefined;
}

function snapshotView(snapshot: SnapshotRecord, { database, drill, mark, restoreId }: Beside) {
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
    /** The newest drill of it; null where it was never drilled. */
    drill: drill ?? null,
    pinned: Boolean(mark?.pinnedAt),
    note: mark?.note ?? null,
    /** What keeps it by its database's policy; empty where none decides. */
    kept: mark?.reasons ? (JSON.parse(mark.reasons) as Reason[]) : [],
    /** When it is deleted because its policy does not keep it. */
    expiresAt: isoOrNull(mark?.expiresAt ?? null),
    state: snapshot.damagedAt === null ? ('good' as const) : ('damaged' as const),
  };
}

/** A snapshot as the API shows it. */
export type SnapshotView = ReturnType<typeof snapshotView>;

/** Snapshots as the API shows them, in the order they are given. */
export function snapshotViews({ db }: Pick<Deps, 'db'>, snapshots: SnapshotRecord[]): SnapshotView[] {
  const listed = databasesCalled(
    db,
    snapshots.map(({ databaseId }) => databaseId),
  );
  const databases = new Map(listed.map((database) => [database.id, database]));
  const restores = restoresAfter(
    db,
    snapshots.map(({ jobId }) => jobId),
  );
  const ids = snapshots.map(({ id }) => id);
  const marks = marksOf(db, ids);
  const drills = drillsBySnapshot(db, ids);
  return snapshots.map((snapshot) =>
    snapshotView(snapshot, {
      database: databases.get(snapshot.databaseId),
      restoreId: restores.get(snapshot.jobId),
      mark: marks.get(snapshot.id),
      drill: drills.get(snapshot.id),
    }),
  );
}

/** Those of databases within reach, newest first. */
export function snapshotsPage(
  deps: Deps,
  { databaseId }: { databaseId?: string | undefined },
  { reach, ...page }: PageWish & { reach: Reach },
): Page<SnapshotView> {
  const { rows, total } = deps.vault.snapshotsPage({ databaseId, agentIds: reach.agentIds }, page);
  return { rows: snapshotViews(deps, rows), total };
}

export function oneSnapshot(deps: Deps, id: string): SnapshotView | undefined {
  const snapshot = deps.vault.snapshot(id);
  return snapshot && snapshotViews(deps, [snapshot])[0];
}

/** A snapshot as the audit log names it. */
export function targetOf({ databaseName, id, sequence }: SnapshotView) {
  return { kind: 'snapshot', id, name: `${databaseName} #${sequence}` };
}
