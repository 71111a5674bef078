import type { Reach } from '../auth/reach.ts';
import {
  CONDITIONS,
  type Condition,
  countByCondition,
  type DatabaseFilter,
  type DatabaseOrder,
  type JudgedDatabase,
  judgedDatabases,
  pageOfDatabases,
} from '../db/database-list.ts';
import { selectionOf } from '../db/databases.ts';
import { jobListings } from '../db/jobs.ts';
import type { Page, PageWish } from '../db/pages.ts';
import { choicesOf } from '../db/policies.ts';
import { type ScheduleListing, schedulesOf } from '../db/schedules.ts';
import type { AppDeps } from '../deps.ts';
import type { Choice } from '../policies/effective.ts';
import { agentState } from './agents.ts';
import { drillStandings } from './drills.ts';
import { type JobView, jobView } from './jobs.ts';
import { choiceView, databaseScheduleView } from './policies.ts';
import { type SnapshotView, snapshotViews } from './snapshots.ts';
import { iso } from './times.ts';

type Deps = Pick<AppDeps, 'db' | 'registry' | 'vault' | 'progress'>;

export const STATUSES = ['protected', 'at-risk', 'unprotected'] as const;
export type DatabaseStatus = (typeof STATUSES)[number];

/** What people are told of how a database stands. */
export const TOLD: Readonly<Record<Condition, { status: DatabaseStatus; reason: string }>> = {
  'not-protected': { status: 'unprotected', reason: 'Not protected: no backups are made of it.' },
  'first-backup-failed': { status: 'unprotected', reason: 'The first backup failed.' },
  'no-backup': { status: 'unprotected', reason: 'No backup yet.' },
  'awaits-credentials': {
    status: 'at-risk',
    reason: 'Its server waits for credentials on the new agent.',
  },
  'last-backup-failed': { status: 'at-risk', reason: 'The last backup failed.' },
  'drill-failed': { status: 'at-risk', reason: 'The last drill failed: its snapshot is not good.' },
  'agent-revoked': { status: 'at-risk', reason: 'Its agent was revoked.' },
  'server-removed': { status: 'at-risk', reason: 'Its server was removed.' },
  good: { status: 'protected', reason: 'The last backup succeeded.' },
};

interface Evidence {
  snapshot: SnapshotView | undefined;
  job: JobView | undefined;
  schedule: ScheduleListing | undefined;
  choice: Choice | undefined;
  drill: ReturnType<ReturnType<typeof drillStandings>>;
}

function view(
  { registry }: Deps,
  database: JudgedDatabase,
  { choice, drill, job, schedule, snapshot }: Evidence,
) {
  const { agentId, agentRevokedAt } = database;
  const { reason, status } = TOLD[database.condition];
  return {
    id: database.id,
    serverId: database.serverId,
    serverName: database.serverName,
    agentId,
    agentName: database.agentName,
    agentState: agentState(registry, { id: agentId, revokedAt: agentRevokedAt }),
    engine: database.engine,
    name: database.name,
    createdAt: iso(database.createdAt),
    protected: database.protectedAt !== null,
    /** Whose rows its backups hold; null: everybody's. */
    selection: selectionOf(database),
    schedule: databaseScheduleView(schedule),
    policyChoice: choiceView(choice),
    snapshotCount: database.snapshotCount,
    lastSnapshot: snapshot ?? null,
    lastJob: job ?? null,
    drill,
    status,
    statusReason: reason,
    statusSince: iso(database.since),
  };
}

/** A database as the API shows it. */
export type DatabaseView = ReturnType<typeof view>;

function views(deps: Deps, databases: JudgedDatabase[]): DatabaseView[] {
  const ids = databases.map(({ id }) => id);
  const latest = snapshotViews(deps, deps.vault.latestSnapshots(ids));
  const snapshots = new Map(latest.map((snapshot) => [snapshot.databaseId, snapshot]));
  const backups = jobListings(
    deps.db,
    databases.flatMap(({ backupJobId }) => backupJobId ?? []),
  );
  const jobs = new Map(backups.map((job) => [job.id, job]));
  const schedules = new Map(schedulesOf(deps.db, ids).map((row) => [row.databaseId, row]));
  const drillOf = drillStandings(deps.db, ids);
  const choices = choicesOf(deps.db, 'database', ids);
  return databases.map((database) => {
    const job = jobs.get(database.backupJobId ?? '');
    return view(deps, database, {
      snapshot: snapshots.get(database.id),
      job: job && jobView(deps, job),
      schedule: schedules.get(database.id),
      choice: choices.get(database.id),
      drill: drillOf(database.id, schedules.get(database.id)),
    });
  });
}

/** What to look for among databases. */
export interface DatabaseSearch {
  q?: string | undefined;
  serverId?: string | undefined;
  status?: DatabaseStatus | undefined;
}

/** The same for the tables. */
export function filterOf({ status, ...search }: DatabaseSearch, { agentIds }: Reach): DatabaseFilter {
  const conditions = status && CONDITIONS.filter((condition) => TOLD[condition].status === status);
  return { ...search, conditions, agentIds };
}

/** Databases within reach that are protected or have snapshots, as far as a search finds them. */
export function databasesPage(
  deps: Deps,
  search: DatabaseSearch,
  { reach, ...page }: PageWish & { reach: Reach; order: DatabaseOrder },
): Page<DatabaseView> {
  const { rows, total } = pageOfDatabases(deps.db, filterOf(search, reach), page);
  return { rows: views(deps, rows), total };
}

/** How many of the databases that a search finds have which status. */
export function databaseCounts({ db }: Pick<Deps, 'db'>, search: DatabaseSearch, reach: Reach) {
  const counts = countByCondition(db, filterOf(search, reach));
  const sum = (wanted: DatabaseStatus) =>
    [...counts].reduce((all, [condition, n]) => all + (TOLD[condition].status === wanted ? n : 0), 0);
  return { protected: sum('protected'), atRisk: sum('at-risk'), unprotected: sum('unprotected') };
}

export function oneDatabase(deps: Deps, id: string): DatabaseView | undefined {
  return views(deps, judgedDatabases(deps.db, [id]))[0];
}
