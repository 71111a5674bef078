import { and, asc, desc, eq, inArray, isNotNull, lte, max, min } from 'drizzle-orm';
import { alias } from 'drizzle-orm/sqlite-core';
import type { JobState } from '../../protocol/job.ts';
import type { RestorePlan } from '../../protocol/restore.ts';
import type { Db } from './open.ts';
import { among } from './pages.ts';
import { agents, databases, type jobAttempts, jobs, servers } from './schema/fleet.ts';

export type JobRow = typeof jobs.$inferSelect;
export type AttemptRow = typeof jobAttempts.$inferSelect;
/** A job with the names a reader needs beside it. */
export interface JobListing extends JobRow {
  databaseName: string;
  serverName: string;
  agentName: string;
  /** Restores: the snapshot that was taken of the target before. */
  safetySnapshotId: string | null;
  /** Backups: the restore that waits or waited for it. */
  safetyForJobId: string | null;
}

/** The job that one waits for, and the job that waits for one. */
const earlier = alias(jobs, 'earlier');
const later = alias(jobs, 'later');

const LISTED = {
  job: jobs,
  databaseName: databases.name,
  serverName: servers.name,
  agentName: agents.name,
  earlierState: earlier.state,
  earlierSnapshotId: earlier.snapshotId,
  safetyForJobId: later.id,
};

type Listed = Omit<JobListing, keyof JobRow | 'safetySnapshotId'> & {
  job: JobRow;
  earlierState: JobState | null;
  earlierSnapshotId: string | null;
};

function listing({ earlierSnapshotId, earlierState, job, ...names }: Listed): JobListing {
  return { ...job, ...names, safetySnapshotId: earlierState === 'succeeded' ? earlierSnapshotId : null };
}

export const OPEN_STATES = ['queued', 'offered', 'running'] as const satisfies JobState[];

/** Jobs by their ids, newest first. */
export function jobListings(db: Db, ids: readonly string[]): JobListing[] {
  return db
    .select(LISTED)
    .from(jobs)
    .innerJoin(databases, eq(databases.id, jobs.databaseId))
    .innerJoin(servers, eq(servers.id, jobs.serverId))
    .innerJoin(agents, eq(agents.id, jobs.agentId))
    .leftJoin(earlier, eq(earlier.id, jobs.afterJobId))
    .leftJoin(later, eq(later.afterJobId, jobs.id))
    .where(among(jobs.id, ids))
    .orderBy(desc(jobs.createdAt), desc(jobs.id))
    .all()
    .map(listing);
}

export function findJobListing(db: Db, id: string): JobListing | undefined {
  return jobListings(db, [id])[0];
}

export function findJob(db: Db, id: string): JobRow | undefined {
  return db.select().from(jobs).where(eq(jobs.id, id)).get();
}

/** All of them or none. */
export function insertJobs(db: Db, rows: (typeof jobs.$inferInsert)[]): void {
  db.insert(jobs).values(rows).run();
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

/** A restore into this database of a server that waits or runs. */
export function openRestoreInto(db: Db, serverId: string, database: string): JobRow | undefined {
  const restores = openJobsOfServer(db, serverId).filter(({ plan }) => plan !== null);
  return restores.find(({ plan }) => (JSON.parse(String(plan)) as RestorePlan).targetDatabase === database);
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

/** Jobs that have not ended, of all agents. */
export function openJobs(db: Db): JobRow[] {
  return db
    .select()
    .from(jobs)
    .where(inArray(jobs.state, [...OPEN_STATES]))
    .all();
}

/** Restores that no agent has been offered yet, each with the job it waits for. */
export function waitingRestores(db: Db): { job: JobRow; earlier: JobRow | null }[] {
  return db
    .select({ job: jobs, earlier })
    .from(jobs)
    .leftJoin(earlier, eq(earlier.id, jobs.afterJobId))
    .where(and(eq(jobs.state, 'queued'), eq(jobs.kind, 'restore')))
    .all();
}

/** The restore that waits or waited for a backup. */
export function restoreAfter(db: Db, jobId: string): JobRow | undefined {
  return db.select().from(jobs).where(eq(jobs.afterJobId, jobId)).get();
}

/** Of backups: id of the backup → id of the restore it was made before. */
export function restoresAfter(db: Db, jobIds: readonly string[]): Map<string, string> {
  const rows = db
    .select({ id: jobs.id, afterJobId: jobs.afterJobId })
    .from(jobs)
    .where(among(jobs.afterJobId, jobIds))
    .all();
  return new Map(rows.map(({ afterJobId, id }) => [String(afterJobId), id]));
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

/** Highest number that a snapshot of the database is known to have had, also one that is deleted; 0: none. */
export function highestMade(db: Db, databaseId: string): number {
  const made = and(eq(jobs.databaseId, databaseId), eq(jobs.kind, 'backup'), eq(jobs.state, 'succeeded'));
  const highest = max(jobs.sequence);
  return db.select({ highest }).from(jobs).where(made).get()?.highest ?? 0;
}
