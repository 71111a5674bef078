import { and, asc, eq, getTableColumns, isNotNull, lt, lte, or, sql } from 'drizzle-orm';
import type { Db } from './open.ts';
import { among } from './pages.ts';
import { drills } from './schema/drills.ts';
import { policies, schedules } from './schema/policies.ts';
import { snapshotMarks } from './schema/retention.ts';
import { snapshots } from './schema/vault.ts';

export type MarkRow = typeof snapshotMarks.$inferSelect;

/** A snapshot as far as its policy judges it. */
export interface MarkedSnapshot {
  id: string;
  databaseId: string;
  sequence: number;
  createdAt: number;
  damagedAt: number | null;
  /** A job that drilled it well; null where there is none. */
  drilled: string | null;
  mark: MarkRow | null;
}

const PASSED = sql<string | null>`(select ${drills.jobId} from ${drills}
  where ${drills.snapshotId} = ${snapshots.id} and ${drills.outcome} = 'passed' limit 1)`;

/** All snapshots of a database. */
export function markedSnapshots(db: Db, databaseId: string): MarkedSnapshot[] {
  const { createdAt, damagedAt, databaseId: of, id, sequence } = snapshots;
  return db
    .select({
      id,
      databaseId: of,
      sequence,
      createdAt,
      damagedAt,
      drilled: PASSED,
      mark: getTableColumns(snapshotMarks),
    })
    .from(snapshots)
    .leftJoin(snapshotMarks, eq(snapshotMarks.snapshotId, snapshots.id))
    .where(eq(snapshots.databaseId, databaseId))
    .all();
}

/** By the snapshots' ids. */
export function marksOf(db: Db, snapshotIds: readonly string[]): Map<string, MarkRow> {
  const rows = db.select().from(snapshotMarks).where(among(snapshotMarks.snapshotId, snapshotIds)).all();
  return new Map(rows.map((row) => [row.snapshotId, row]));
}

/** Notes what changes about a snapshot. */
export function putMark(
  db: Db,
  { databaseId, id }: { id: string; databaseId: string },
  set: Partial<Omit<MarkRow, 'snapshotId' | 'databaseId'>>,
): void {
  db.insert(snapshotMarks)
    .values({ snapshotId: id, databaseId, ...set })
    .onConflictDoUpdate({ target: snapshotMarks.snapshotId, set })
    .run();
}

export function removeMark(db: Db, snapshotId: string): void {
  db.delete(snapshotMarks).where(eq(snapshotMarks.snapshotId, snapshotId)).run();
}

/** Nothing is deleted before a time. */
export function postponeExpiry(db: Db, until: number): void {
  db.update(snapshotMarks).set({ expiresAt: until }).where(lt(snapshotMarks.expiresAt, until)).run();
}

/** Snapshots that are to be deleted by now, the longest waiting first. */
export function expiredSnapshots(
  db: Db,
  now: number,
  limit: number,
): { snapshotId: string; databaseId: string }[] {
  return db
    .select({ snapshotId: snapshotMarks.snapshotId, databaseId: snapshotMarks.databaseId })
    .from(snapshotMarks)
    .innerJoin(snapshots, eq(snapshots.id, snapshotMarks.snapshotId))
    .where(lte(snapshotMarks.expiresAt, now))
    .orderBy(asc(snapshotMarks.expiresAt))
    .limit(limit)
    .all();
}

/** What a policy says about the snapshots of a database. */
export interface Judging {
  databaseId: string;
  /** JSON of `Retention`. */
  retention: string;
  /** JSON of `Schedule`: its time zone is that of the rules. */
  schedule: string;
  policyName: string;
}

function judging(db: Db) {
  const { name: policyName, retention, schedule } = policies;
  return db
    .select({ databaseId: schedules.databaseId, retention: sql<string>`${retention}`, schedule, policyName })
    .from(schedules)
    .innerJoin(policies, eq(policies.id, schedules.policyId))
    .$dynamic();
}

/** Of every database whose policy says something. */
export function allJudging(db: Db): Judging[] {
  return judging(db).where(isNotNull(policies.retention)).all();
}

/** Of one database; undefined where its snapshots stay. */
export function judgingOf(db: Db, databaseId: string): Judging | undefined {
  return judging(db)
    .where(and(eq(schedules.databaseId, databaseId), isNotNull(policies.retention)))
    .get();
}

/** Databases some policy has said something about whose snapshots are marked for it. */
export function judgedBefore(db: Db): string[] {
  const decided = or(isNotNull(snapshotMarks.reasons), isNotNull(snapshotMarks.expiresAt));
  const { databaseId } = snapshotMarks;
  const rows = db.selectDistinct({ databaseId }).from(snapshotMarks).where(decided).all();
  return rows.map((row) => row.databaseId);
}
