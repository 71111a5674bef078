import { asc, count, eq, getTableColumns, lte, min, sql } from 'drizzle-orm';
import type { Db } from './open.ts';
import { among } from './pages.ts';
import { databases, servers } from './schema/fleet.ts';
import { policies, schedules } from './schema/policies.ts';

export type ScheduleRow = typeof schedules.$inferSelect;
/** With the name of its policy, and its drills: JSON of `DrillSetting`. */
export type ScheduleListing = ScheduleRow & { policyName: string; drill: string | null };

export function listSchedules(db: Db): ScheduleRow[] {
  return db.select().from(schedules).all();
}

function listings(db: Db) {
  return db
    .select({ ...getTableColumns(schedules), policyName: policies.name, drill: policies.drill })
    .from(schedules)
    .innerJoin(policies, eq(policies.id, schedules.policyId));
}

export function schedulesOf(db: Db, databaseIds: readonly string[]): ScheduleListing[] {
  return listings(db).where(among(schedules.databaseId, databaseIds)).all();
}

/** Those whose next run has come, the longest waiting first. */
export function dueSchedules(db: Db, now: number, limit: number): ScheduleListing[] {
  return listings(db)
    .where(lte(schedules.startsAt, now))
    .orderBy(asc(schedules.startsAt), asc(schedules.databaseId))
    .limit(limit)
    .all();
}

/** Writes these, and forgets those of all databases but the ones kept. */
export function replaceSchedules(db: Db, rows: readonly ScheduleRow[], kept: readonly string[]): void {
  const stay = sql`(select value from json_each(${JSON.stringify([...kept, ...rows.map((row) => row.databaseId)])}))`;
  db.transaction(() => {
    db.delete(schedules).where(sql`${schedules.databaseId} not in ${stay}`).run();
    putSchedules(db, rows);
  });
}

export function putSchedules(db: Db, rows: readonly ScheduleRow[]): void {
  db.transaction(() => {
    for (const { databaseId, ...set } of rows) {
      const values = { databaseId, ...set };
      db.insert(schedules).values(values).onConflictDoUpdate({ target: schedules.databaseId, set }).run();
    }
  });
}

/** How many databases, of some agents or all, a policy is for, and when it is next at work; by the policies' ids. */
export function standingOfPolicies(
  db: Db,
  agentIds: readonly string[] | null,
): Map<string, { databases: number; nextAt: number | null }> {
  const rows = db
    .select({ id: schedules.policyId, databases: count(), nextAt: min(schedules.startsAt) })
    .from(schedules)
    .innerJoin(databases, eq(databases.id, schedules.databaseId))
    .innerJoin(servers, eq(servers.id, databases.serverId))
    .where(agentIds === null ? undefined : among(servers.agentId, agentIds))
    .groupBy(schedules.policyId)
    .all();
  return new Map(rows.map(({ id, ...standing }) => [id, standing]));
}
