import { and, asc, desc, eq, inArray, isNotNull, lt, lte, max, min, type SQL } from 'drizzle-orm';
import type { JobState } from '../../protocol/job.ts';
import type { Db } from './open.ts';
import { agents, databases, type jobAttempts, jobs, servers } from './schema/fleet.ts';

export type JobRow = typeof jobs.$inferSelect;
export type AttemptRow = typeof jobAttempts.$inferSelect;
/** A job with the names a reader needs beside it. */
export interface JobListing extends JobRow {
  databaseName: string;
  serverName: string;
  agentName: string;
}

export const OPEN_STATES = ['queued', 'offered', 'running'] as const satisfies JobState[];

function select(db: Db, where: SQL | undefined, limit: number): JobListing[] {
  return db
    .select({
      job: jobs,
      databaseName: databases.name,
      serverName: servers.name,
      agentName: agents.name,
    })
    .from(jobs)
    .innerJoin(databases, eq(databases.id, jobs.databaseId))
    .innerJoin(servers, eq(servers.id, jobs.serverId))
    .innerJoin(agents, eq(agents.id, jobs.agentId))
    .where(where)
    .orderBy(desc(jobs.createdAt), desc(jobs.id))
    .limit(limit)
    .all()
    .map(({ job, ...names }) => ({ ...job, ...names }));
}

export interface JobFilter {
  states?: readonly JobState[] | undefined;
  databaseId?: string | undefined;
  /** Created before this time. */
  before?: number | undefined;
  limit: number;
}

/** Newest first. */
export function listJobs(db: Db, { before, databaseId, limit, states }: JobFilter): JobListing[] {
  const where = and(
    states === undefined ? undefined : inArray(jobs.state, [...states]),
    databaseId === undefined ? undefined : eq(jobs.databaseId, databaseId),
    before === undefined ? undefined : lt(jobs.createdAt, before),
  );
  return select(db, where, limit);
}

export function findJobListing(db: Db, id: string): JobListing | undefined {
  return select(db, eq(jobs.id, id), 1)[0];
}

export function findJob(db: Db, id: string): JobRow | undefined {
  return db.select().from(jobs).where(eq(jobs.id, id)).get();
}

export function insertJob(db: Db, job: typeof jobs.$inferInsert): void {
  db.insert(jobs).values(job).run();
}

export function updateJob(db: Db, id: string, set: Partial<JobRow>): void {
  db.update(jobs).set(set).where(eq(jobs.id, id)).run();
}

/** Whether a backup of the database waits or runs. */
export function openBackupOf(db: Db, databaseId: string): JobRow | undefined {
  const where = and(
    eq(jobs.databaseId, databaseId),
    eq(jobs.kind, 'backup'),
    inArray(jobs.state, [...OPEN_STATES]),
  );
  return db.select().from(jobs).where(where).get();
}

export function openJobsOfServer(db: Db, serverId: string): JobRow[] {
  const where = and(eq(jobs.serverId, serverId), inArray(jobs.state, [...OPEN_STATES]));
  return db.select().from(jobs).where(where).all();
}

/** The agent's jobs in these states, oldest first. */
export function jobsOfAgent(db: Db, agentId: string, states: readonly JobState[]): JobRow[] {
  return db
    .select()
    .from(jobs)
    .where(and(eq(jobs.agentId, agentId), inArray(jobs.state, [...states])))
    .orderBy(asc(jobs.createdAt), asc(jobs.id))
    .all();
}

/** The oldest job an agent could be offered now. */
export function nextQueued(db: Db, agentId: string, now: number): JobRow | undefined {
  return db
    .select()
    .from(jobs)
    .where(and(eq(jobs.agentId, agentId), eq(jobs.state, 'queued'), lte(jobs.notBefore, now)))
    .orderBy(asc(jobs.createdAt), asc(jobs.id))
    .limit(1)
    .get();
}

/** Agents that have a job which could be offered now. */
export function agentsWithDueJobs(db: Db, now: number): string[] {
  return db
    .selectDistinct({ agentId: jobs.agentId })
    .from(jobs)
    .where(and(eq(jobs.state, 'queued'), lte(jobs.notBefore, now)))
    .all()
    .map(({ agentId }) => agentId);
}

/** Jobs that have not ended, of all agents. */
export function openJobs(db: Db): JobRow[] {
  return db
    .select()
    .from(jobs)
    .where(inArray(jobs.state, [...OPEN_STATES]))
    .all();
}

/** Restores that no agent has been offered yet. */
export function waitingRestores(db: Db): JobRow[] {
  return db
    .select()
    .from(jobs)
    .where(and(eq(jobs.state, 'queued'), eq(jobs.kind, 'restore')))
    .all();
}

/** Jobs whose lease ended. */
export function expiredJobs(db: Db, now: number): JobRow[] {
  return db
    .select()
    .from(jobs)
    .where(and(inArray(jobs.state, ['offered', 'running']), lte(jobs.leaseUntil, now)))
    .all();
}

/** When the next lease ends; null where no job is held. */
export function nextLeaseEnd(db: Db): number | null {
  const where = and(inArray(jobs.state, ['offered', 'running']), isNotNull(jobs.leaseUntil));
  return (
    db
      .select({ at: min(jobs.leaseUntil) })
      .from(jobs)
      .where(where)
      .get()?.at ?? null
  );
}

/** Newest backup job of each database. */
export function latestBackups(db: Db): Map<string, JobListing> {
  const times = db.select({ databaseId: jobs.databaseId, at: max(jobs.createdAt).as('at') }).from(jobs);
  const newest = times.where(eq(jobs.kind, 'backup')).groupBy(jobs.databaseId).as('newest');
  const rows = db
    .select({ job: jobs, databaseName: databases.name, serverName: servers.name, agentName: agents.name })
    .from(newest)
    .innerJoin(
      jobs,
      and(eq(jobs.databaseId, newest.databaseId), eq(jobs.kind, 'backup'), eq(jobs.createdAt, newest.at)),
    )
    .innerJoin(databases, eq(databases.id, jobs.databaseId))
    .innerJoin(servers, eq(servers.id, jobs.serverId))
    .innerJoin(agents, eq(agents.id, jobs.agentId))
    .all();
  return new Map(rows.map(({ job, ...names }) => [job.databaseId, { ...job, ...names }]));
}
