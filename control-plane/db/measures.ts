import { count, eq, inArray, isNotNull, isNull, min, sql } from 'drizzle-orm';
import type { JobKind, JobState } from '../../protocol/job.ts';
import { OPEN_STATES } from './jobs.ts';
import type { Db } from './open.ts';
import { agents, databaseFacts, databases, jobs, servers } from './schema/fleet.ts';
import { snapshots, vaults, vaultTotals } from './schema/vault.ts';

/** A protected database with what alerts go by. Times are milliseconds since the epoch. */
export interface MeasuredDatabase {
  id: string;
  name: string;
  serverName: string;
  agentName: string;
  /** When its newest snapshot was committed; null: it has none. */
  backedUpAt: number | null;
  /** When its newest backup failed or was lost, with the code; null where it did not. */
  failedAt: number | null;
  failureCode: string | null;
}

const FAILED = ['failed', 'lost'] as const satisfies JobState[];

/** What is told of servers, agents and failures is looked up once for all: each row of a join would read theirs whole. */
export function measuredDatabases(db: Db): MeasuredDatabase[] {
  // As text, or drizzle leaves the table out where it selects from one alone, and `id` is that of a snapshot.
  const backedUpAt = sql<number | null>`(select s."createdAt" from ${snapshots} s
    where s."databaseId" = ${databases}."id" order by s."sequence" desc limit 1)`;
  const places = placesOfServers(db);
  const failures = newestFailures(db);
  return db
    .select({ id: databases.id, name: databases.name, serverId: databases.serverId, backedUpAt })
    .from(databases)
    .where(isNotNull(databases.protectedAt))
    .all()
    .map(({ serverId, ...database }) => ({
      ...database,
      ...(places.get(serverId) ?? { serverName: '', agentName: '' }),
      failedAt: failures.get(database.id)?.failedAt ?? null,
      failureCode: failures.get(database.id)?.failureCode ?? null,
    }));
}

function placesOfServers(db: Db) {
  const rows = db
    .select({ id: servers.id, serverName: servers.name, agentId: servers.agentId })
    .from(servers);
  const names = new Map(
    db
      .select({ id: agents.id, name: agents.name })
      .from(agents)
      .all()
      .map(({ id, name }) => [id, name]),
  );
  return new Map(
    rows
      .all()
      .map(({ agentId, id, serverName }) => [id, { serverName, agentName: names.get(agentId) ?? '' }]),
  );
}

/** Of databases whose newest backup failed or was lost. */
function newestFailures(db: Db) {
  const rows = db
    .select({
      databaseId: databaseFacts.databaseId,
      failedAt: jobs.finishedAt,
      failureCode: sql<string | null>`json_extract(${jobs.failure}, '$.code')`,
    })
    .from(databaseFacts)
    .innerJoin(jobs, eq(jobs.id, databaseFacts.backupJobId))
    .where(inArray(databaseFacts.backupState, [...FAILED]));
  return new Map(rows.all().map(({ databaseId, ...failure }) => [databaseId, failure]));
}

export interface OpenCount {
  kind: JobKind;
  state: JobState;
  jobs: number;
  /** When the oldest of them was made. */
  oldestAt: number;
}

/** Jobs that wait or run. */
export function openCounts(db: Db): OpenCount[] {
  return db
    .select({ kind: jobs.kind, state: jobs.state, jobs: count(), oldestAt: min(jobs.createdAt) })
    .from(jobs)
    .where(inArray(jobs.state, [...OPEN_STATES]))
    .groupBy(jobs.kind, jobs.state)
    .all()
    .map(({ oldestAt, ...row }) => ({ ...row, oldestAt: oldestAt ?? 0 }));
}

/** Agents that are not revoked. */
export function liveAgents(db: Db): { id: string; name: string }[] {
  return db.select({ id: agents.id, name: agents.name }).from(agents).where(isNull(agents.revokedAt)).all();
}

export interface MeasuredVault {
  id: string;
  name: string;
  snapshots: number;
  packs: number;
  /** Of all packs. */
  bytes: number;
}

export function measuredVaults(db: Db): MeasuredVault[] {
  const held = db.select({ id: snapshots.vaultId, n: count() }).from(snapshots).groupBy(snapshots.vaultId);
  const counts = new Map(held.all().map(({ id, n }) => [id, n]));
  return db
    .select({ id: vaults.id, name: vaults.name, packs: vaultTotals.packs, bytes: vaultTotals.bytes })
    .from(vaults)
    .leftJoin(vaultTotals, eq(vaultTotals.vaultId, vaults.id))
    .all()
    .map(({ bytes, id, name, packs }) => ({
      ...{ id, name, snapshots: counts.get(id) ?? 0, packs: packs ?? 0, bytes: bytes ?? 0 },
    }));
}

/** Whether the database answers. */
export function answers(db: Db): boolean {
  return db.get<{ one: number }>(sql`select 1 as one`).one === 1;
}
