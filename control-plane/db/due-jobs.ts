import { and, asc, eq, inArray, isNull, lt, lte, ne, notExists, or, type SQL, sql } from 'drizzle-orm';
import { alias } from 'drizzle-orm/sqlite-core';
import type { JobRow } from './jobs.ts';
import type { Db } from './open.ts';
import { databases, jobs } from './schema/fleet.ts';

/** The job that one waits for, and one that another keeps clear of. */
const earlier = alias(jobs, 'earlier');
const before = alias(jobs, 'before');

/** The oldest job an agent could be offered now. */
export function nextQueued(db: Db, agentId: string, now: number): JobRow | undefined {
  return db
    .select({ job: jobs })
    .from(jobs)
    .leftJoin(earlier, eq(earlier.id, jobs.afterJobId))
    .where(and(eq(jobs.agentId, agentId), isDue(db, now)))
    .orderBy(asc(jobs.createdAt), asc(jobs.id))
    .limit(1)
    .get()?.job;
}

/** Agents that have a job which could be offered now. */
export function agentsWithDueJobs(db: Db, now: number): string[] {
  return db
    .selectDistinct({ agentId: jobs.agentId })
    .from(jobs)
    .leftJoin(earlier, eq(earlier.id, jobs.afterJobId))
    .where(isDue(db, now))
    .all()
    .map(({ agentId }) => agentId);
}

/** That a job could be offered now: what it waits for, if anything, has succeeded, and its database is free. */
function isDue(db: Db, now: number): SQL | undefined {
  const inOrder = or(isNull(jobs.afterJobId), eq(earlier.state, 'succeeded'));
  const clear = and(notExists(backupBefore(db)), notExists(restoreInto(db)));
  const free = or(ne(jobs.kind, 'backup'), clear);
  const alone = or(ne(jobs.kind, 'drill'), notExists(drillAtWork(db)));
  return and(eq(jobs.state, 'queued'), lte(jobs.notBefore, now), inOrder, free, alone);
}

/** A backup of the same database that is at work or was asked for earlier: their numbers must not cross. */
function backupBefore(db: Db) {
  const atWork = inArray(before.state, ['offered', 'running']);
  const first = and(eq(before.state, 'queued'), lt(before.createdAt, jobs.createdAt));
  const same = and(eq(before.databaseId, jobs.databaseId), eq(before.kind, 'backup'));
  return db
    .select({ id: before.id })
    .from(before)
    .where(and(same, or(atWork, first)));
}

/** A restore at work in a backup's database: the backup would hold what is half restored. */
function restoreInto(db: Db) {
  const atWork = and(eq(before.kind, 'restore'), inArray(before.state, ['offered', 'running']));
  const name = db.select({ name: databases.name }).from(databases).where(eq(databases.id, jobs.databaseId));
  const target = sql`json_extract(${before.plan}, '$.targetDatabase')`;
  return db
    .select({ id: before.id })
    .from(before)
    .where(and(atWork, eq(before.serverId, jobs.serverId), eq(target, name)));
}

/** A drill on the same agent: each takes a server of its own, and backups need room beside it. */
function drillAtWork(db: Db) {
  const atWork = and(eq(before.kind, 'drill'), inArray(before.state, ['offered', 'running']));
  return db
    .select({ id: before.id })
    .from(before)
    .where(and(atWork, eq(before.agentId, jobs.agentId)));
}
