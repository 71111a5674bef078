import type { Reach } from '../auth/reach.ts';
import { type DatabaseListing, findDatabase, listDatabases, selectionOf } from '../db/databases.ts';
import { type JobListing, latestBackups, restoresAfter } from '../db/jobs.ts';
import type { AppDeps } from '../deps.ts';
import { agentState } from './agents.ts';
import { jobView } from './jobs.ts';
import { type SnapshotView, snapshotView } from './snapshots.ts';
import { iso } from './times.ts';

type Deps = Pick<AppDeps, 'db' | 'registry' | 'vault' | 'progress'>;

export type DatabaseStatus = 'protected' | 'at-risk' | 'unprotected';

interface Evidence {
  snapshot: SnapshotView | null;
  job: JobListing | undefined;
}

/** How safe a database is, and why; `since` in ms since the epoch. */
export function judge(
  database: DatabaseListing,
  { job, snapshot }: Evidence,
): { status: DatabaseStatus; reason: string; since: number } {
  if (database.protectedAt === null) {
    return {
      status: 'unprotected',
      reason: 'Not protected: no backups are made of it.',
      since: database.createdAt,
    };
  }
  const failed = job !== undefined && (job.state === 'failed' || job.state === 'lost');
  const since = job?.finishedAt ?? database.createdAt;
  if (!snapshot) {
    const reason = failed ? 'The first backup failed.' : 'No backup yet.';
    return { status: 'unprotected', reason, since };
  }
  if (database.serverAwaitsSince !== null && database.agentRevokedAt === null) {
    const reason = 'Its server waits for credentials on the new agent.';
    return { status: 'at-risk', reason, since: database.serverAwaitsSince };
  }
  if (failed) return { status: 'at-risk', reason: 'The last backup failed.', since };
  if (database.agentRevokedAt !== null) {
    return { status: 'at-risk', reason: 'Its agent was revoked.', since: database.agentRevokedAt };
  }
  if (database.serverRemovedAt !== null) {
    return { status: 'at-risk', reason: 'Its server was removed.', since: database.serverRemovedAt };
  }
  return { status: 'protected', reason: 'The last backup succeeded.', since };
}

function view(deps: Deps, database: DatabaseListing, evidence: Evidence & { count: number }) {
  const { agentId, agentRevokedAt } = database;
  const { reason, since, status } = judge(database, evidence);
  return {
    id: database.id,
    serverId: database.serverId,
    serverName: database.serverName,
    agentId,
    agentName: database.agentName,
    agentState: agentState(deps.registry, { id: agentId, revokedAt: agentRevokedAt }),
    engine: database.engine,
    name: database.name,
    createdAt: iso(database.createdAt),
    protected: database.protectedAt !== null,
    /** Whose rows its backups hold; null: everybody's. */
    selection: selectionOf(database),
    snapshotCount: evidence.count,
    lastSnapshot: evidence.snapshot,
    lastJob: evidence.job ? jobView(deps, evidence.job) : null,
    status,
    statusReason: reason,
    statusSince: iso(since),
  };
}

/** A database as the API shows it. */
export type DatabaseView = ReturnType<typeof view>;

function views(deps: Deps, databases: DatabaseListing[]): DatabaseView[] {
  const newest = deps.vault.latestByDatabase();
  const jobs = latestBackups(deps.db);
  const restores = restoresAfter(deps.db);
  return databases.map((database) => {
    const found = newest.get(database.id);
    const restoreId = found && restores.get(found.latest.jobId);
    const snapshot = found ? snapshotView(found.latest, { database, restoreId }) : null;
    return view(deps, database, { snapshot, count: found?.count ?? 0, job: jobs.get(database.id) });
  });
}

/** Databases within reach that are protected or have snapshots; `q` is looked for in their and their servers' names. */
export function searchDatabases(
  deps: Deps,
  filter: { q?: string | undefined; serverId?: string | undefined },
  reach: Reach,
): DatabaseView[] {
  const q = filter.q?.trim().toLowerCase() ?? '';
  const matching = reach
    .within(listDatabases(deps.db, { serverId: filter.serverId }))
    .filter(({ name, serverName }) => name.toLowerCase().includes(q) || serverName.toLowerCase().includes(q));
  return views(deps, matching).filter((one) => one.protected || one.snapshotCount > 0);
}

export function oneDatabase(deps: Deps, id: string): DatabaseView | undefined {
  const database = findDatabase(deps.db, id);
  return database && views(deps, [database])[0];
}
