import { and, count, desc, eq, gt, inArray, isNotNull, max, notInArray, sql } from 'drizzle-orm';
import { OPEN_STATES } from './jobs.ts';
import type { Db } from './open.ts';
import { among } from './pages.ts';
import { drills, drillVerdicts } from './schema/drills.ts';
import { databaseFacts, databases, jobs, servers } from './schema/fleet.ts';
import { policies, schedules } from './schema/policies.ts';

export type DrillRow = typeof drills.$inferSelect;
export type DrillOutcome = DrillRow['outcome'];

/** Writes down how a drill ended. */
export function recordDrill(db: Db, row: DrillRow): void {
  db.insert(drills).values(row).onConflictDoNothing().run();
  const { outcome, snapshotId: _, ...rest } = row;
  if (outcome === 'incomplete') return;
  const { databaseId, ...set } = { ...rest, outcome };
  db.insert(drillVerdicts)
    .values({ databaseId, ...set })
    .onConflictDoUpdate({ target: drillVerdicts.databaseId, set })
    .run();
}

/** A drill of the database that waits or runs. */
export function openDrillOf(db: Db, databaseId: string): string | undefined {
  return openDrills(db, [databaseId]).get(databaseId);
}

/** Ids of drills that wait or run, by the ids of their databases. */
export function openDrills(db: Db, databaseIds: readonly string[]): Map<string, string> {
  const where = and(
    among(jobs.databaseId, databaseIds),
    eq(jobs.kind, 'drill'),
    inArray(jobs.state, [...OPEN_STATES]),
  );
  const rows = db.select({ id: jobs.id, databaseId: jobs.databaseId }).from(jobs).where(where).all();
  return new Map(rows.map(({ databaseId, id }) => [databaseId, id]));
}

/** The newest drill of each, whatever came of it. */
export function newestDrills(db: Db, databaseIds: readonly string[]): Map<string, DrillRow> {
  return newestBy(db, 'databaseId', databaseIds);
}

/** The newest drill of each snapshot. */
export function drillsOfSnapshots(db: Db, snapshotIds: readonly string[]): Map<string, DrillRow> {
  return newestBy(db, 'snapshotId', snapshotIds);
}

function newestBy(db: Db, by: 'databaseId' | 'snapshotId', ids: readonly string[]): Map<string, DrillRow> {
  const newest = db
    .select({ id: drills[by], at: max(drills.finishedAt).as('at') })
    .from(drills)
    .where(among(drills[by], ids))
    .groupBy(drills[by])
    .as('newest');
  const rows = db
    .select({ drill: drills })
    .from(drills)
    .innerJoin(newest, and(eq(drills[by], newest.id), eq(drills.finishedAt, newest.at)))
    .orderBy(desc(drills.jobId))
    .all();
  return new Map(rows.map(({ drill }) => [drill[by], drill]));
}

/** The newest of each that passed or failed. */
export function drillVerdictsOf(db: Db, databaseIds: readonly string[]): Map<string, DrillRow> {
  const rows = db
    .select({ drill: drills })
    .from(drillVerdicts)
    .innerJoin(drills, eq(drills.jobId, drillVerdicts.jobId))
    .where(among(drillVerdicts.databaseId, databaseIds))
    .all();
  return new Map(rows.map(({ drill }) => [drill.databaseId, drill]));
}

/** How many protected databases have snapshots none of which was ever drilled to the end, and how many failed last. */
export function drillCounts(db: Db, agentIds: readonly string[] | null): { never: number; failed: number } {
  const reach =
    agentIds === null
      ? undefined
      : sql`${databases.serverId} in (select s."id" from ${servers} s where ${among(sql`s."agentId"`, agentIds)})`;
  const counted = db
    .select({ outcome: drillVerdicts.outcome, n: count() })
    .from(databases)
    .innerJoin(databaseFacts, eq(databaseFacts.databaseId, databases.id))
    .leftJoin(drillVerdicts, eq(drillVerdicts.databaseId, databases.id))
    .where(and(isNotNull(databases.protectedAt), gt(databaseFacts.snapshots, 0), reach))
    .groupBy(drillVerdicts.outcome)
    .all();
  const of = (wanted: string | null) => counted.find(({ outcome }) => outcome === wanted)?.n ?? 0;
  return { never: of(null), failed: of('failed') };
}

/** A database whose policy has drills, with what decides when the next one is. */
export interface DrillCandidate {
  databaseId: string;
  policyName: string;
  /** JSON of `DrillSetting`. */
  drill: string;
  /** JSON of `Schedule`: drills keep out of its blackouts as well. */
  schedule: string;
  finishedAt: number | null;
  outcome: DrillOutcome | null;
}

/** Those that have a snapshot and no drill that waits or runs. */
export function drillCandidates(db: Db): DrillCandidate[] {
  if (!db.select({ id: policies.id }).from(policies).where(isNotNull(policies.drill)).limit(1).get())
    return [];
  const open = db
    .select({ id: jobs.databaseId })
    .from(jobs)
    .where(and(eq(jobs.kind, 'drill'), inArray(jobs.state, [...OPEN_STATES])));
  const rows = db
    .select({
      databaseId: schedules.databaseId,
      policyName: policies.name,
      drill: policies.drill,
      schedule: schedules.schedule,
    })
    .from(schedules)
    .innerJoin(policies, eq(policies.id, schedules.policyId))
    .innerJoin(databaseFacts, eq(databaseFacts.databaseId, schedules.databaseId))
    .where(
      and(isNotNull(policies.drill), gt(databaseFacts.snapshots, 0), notInArray(schedules.databaseId, open)),
    )
    .all();
  const newest = newestDrills(
    db,
    rows.map(({ databaseId }) => databaseId),
  );
  return rows.map((row) => {
    const last = newest.get(row.databaseId);
    const { finishedAt = null, outcome = null } = last ?? {};
    return { ...row, drill: String(row.drill), finishedAt, outcome };
  });
}
