import { createHash } from 'node:crypto';
import { Cron } from 'croner';
import { type Blackout, CRON, cronOf, type Schedule } from './schedule.ts';

const MINUTE = 60_000;
const DAY = 24 * 3600_000;

/** One run of a schedule, for one database; times in ms since the epoch. */
export interface Run {
  /** When the schedule says. */
  dueAt: number;
  /** When it begins: that, moved by the database's place in the spread, and out of blackouts. */
  startsAt: number;
}

/**
 * The first run that is due after a time. Pure. Where clocks go forward over its time of day it is due as soon as they have;
 * where they go back it is due once.
 * @returns undefined where a cron expression never comes again
 */
export function nextRun(schedule: Schedule, databaseId: string, after: number): Run | undefined {
  const dueAt = dueAfter(schedule, after);
  return dueAt === undefined ? undefined : { dueAt, startsAt: startOf(schedule, databaseId, dueAt) };
}

/** When a schedule next says so, whichever database it is for. */
export function dueAfter(schedule: Schedule, after: number): number | undefined {
  const due = new Cron(cronOf(schedule), { ...CRON, timezone: schedule.timeZone }).nextRun(new Date(after));
  return due?.getTime();
}

/** When a run that is due begins for one database. */
export function startOf(schedule: Schedule, databaseId: string, dueAt: number): number {
  const place = Math.floor(placeOf(databaseId) * schedule.spreadMinutes * MINUTE);
  return outOfBlackouts(schedule, dueAt + place);
}

/** The next runs, in order, at most so many. */
export function nextRuns(schedule: Schedule, databaseId: string, after: number, count: number): Run[] {
  const runs: Run[] = [];
  for (let from = after; runs.length < count; ) {
    const run = nextRun(schedule, databaseId, from);
    if (!run) return runs;
    runs.push(run);
    from = run.dueAt;
  }
  return runs;
}

/** Where a database is in any spread, from 0 to below 1: always the same, and unlike those beside it. */
function placeOf(databaseId: string): number {
  return createHash('sha256').update(databaseId).digest().readUInt32BE() / 2 ** 32;
}

/** The time itself, or the end of the blackout it is in; and of that one's, if they follow each other. */
function outOfBlackouts({ blackouts, timeZone }: Schedule, at: number): number {
  let time = at;
  // Blackouts that leave no time at all are left after a week.
  while (time < at + 7 * DAY) {
    const ends = blackouts.flatMap((one) => endOf(one, timeZone, time) ?? []);
    if (ends.length === 0) return time;
    time = Math.max(...ends);
  }
  return time;
}

/** When a blackout ends that a time is in; undefined where it is in none. */
function endOf({ days, from, to }: Blackout, timeZone: string, at: number): number | undefined {
  const [hour, minute] = to.split(':').map(Number);
  const ends = new Cron(`${minute} ${hour} * * *`, { ...CRON, timezone: timeZone });
  const { day, time } = localOf(timeZone, at);
  const overnight = to < from;
  const began = overnight && time < to ? (day === 1 ? 7 : day - 1) : day;
  const within = overnight ? time >= from || time < to : time >= from && time < to;
  return within && days.includes(began) ? ends.nextRun(new Date(at))?.getTime() : undefined;
}

const formats = new Map<string, Intl.DateTimeFormat>();
const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

/** Day of the week, 1 is Monday, and time of day, `HH:MM`, in a time zone. */
function localOf(timeZone: string, at: number): { day: number; time: string } {
  let format = formats.get(timeZone);
  if (!format) {
    const wanted = { weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const;
    format = new Intl.DateTimeFormat('en', { ...wanted, timeZone });
    formats.set(timeZone, format);
  }
  const parts = new Map(format.formatToParts(at).map(({ type, value }) => [type, value]));
  return {
    day: DAYS.indexOf(parts.get('weekday') ?? '') + 1,
    time: `${parts.get('hour')}:${parts.get('minute')}`,
  };
}
