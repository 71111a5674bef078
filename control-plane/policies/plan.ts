import type { Db } from '../db/open.ts';
import { listChoices, listPolicies, placedDatabases } from '../db/policies.ts';
import { listSchedules, replaceSchedules, type ScheduleRow } from '../db/schedules.ts';
import { createResolver } from './effective.ts';
import { dueAfter, startOf } from './next-run.ts';
import { type Schedule, scheduleSchema } from './schedule.ts';

/**
 * Writes down for every database which policy it has and when that is next at work. What is written already and still true
 * stays, with the time it is due, so that a run which came while nobody looked is not lost.
 * @returns whether anything is other than before
 */
export function planAll(db: Db, now: number): boolean {
  const policies = listPolicies(db);
  const schedules = new Map(policies.map(({ id, schedule }) => [id, schedule]));
  const resolve = createResolver(policies, listChoices(db));
  const known = new Map(listSchedules(db).map((row) => [row.databaseId, row]));
  const timesOf = createTimes(now);
  const kept: string[] = [];
  const changed: ScheduleRow[] = [];
  for (const database of placedDatabases(db)) {
    const effective = resolve(database);
    const schedule = schedules.get(effective?.policyId ?? '');
    if (!effective?.policyId || schedule === undefined) continue;
    const { label = null, policyId, source } = effective;
    const before = known.get(database.id);
    const decided = { policyId, source, label, schedule };
    if (before && isSame(before, decided)) {
      kept.push(database.id);
      continue;
    }
    const run = before?.schedule === schedule ? before : timesOf(schedule, database.id);
    const { dueAt, startsAt } = run;
    const skip = { skippedAt: before?.skippedAt ?? null, skipped: before?.skipped ?? null };
    changed.push({ databaseId: database.id, ...decided, dueAt, startsAt, ...skip });
  }
  const differs = changed.length > 0 || kept.length !== known.size;
  if (differs) replaceSchedules(db, changed, kept);
  return differs;
}

type Decided = Pick<ScheduleRow, 'policyId' | 'source' | 'label' | 'schedule'>;

function isSame(before: Decided, { label, policyId, schedule, source }: Decided): boolean {
  return (
    before.policyId === policyId &&
    before.source === source &&
    before.label === label &&
    before.schedule === schedule
  );
}

/** Times of the next runs after a time by stored schedules; each schedule is read once, for however many databases. */
export function createTimes(after: number) {
  const read = new Map<string, { schedule: Schedule; dueAt: number | undefined }>();
  return (text: string, databaseId: string): Pick<ScheduleRow, 'dueAt' | 'startsAt'> => {
    let known = read.get(text);
    if (!known) {
      const schedule = scheduleSchema.parse(JSON.parse(text));
      known = { schedule, dueAt: dueAfter(schedule, after) };
      read.set(text, known);
    }
    const { dueAt, schedule } = known;
    if (dueAt === undefined) return { dueAt: null, startsAt: null };
    return { dueAt, startsAt: startOf(schedule, databaseId, dueAt) };
  };
}
