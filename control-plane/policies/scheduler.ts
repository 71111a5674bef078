import type { Clock } from '../clock.ts';
import type { Db } from '../db/open.ts';
import { dueSchedules, putSchedules, type ScheduleListing, type ScheduleRow } from '../db/schedules.ts';
import type { Events, Topic } from '../events.ts';
import type { JobService } from '../jobs/service.ts';
import type { Logger } from '../log.ts';
import { createDrillRounds } from './drill-rounds.ts';
import { createTimes, planAll } from './plan.ts';
import { scheduleSchema } from './schedule.ts';

export interface SchedulerDeps {
  db: Db;
  clock: Clock;
  events: Events;
  log: Logger;
  jobs: Pick<JobService, 'createBackups' | 'createDrill'>;
}

/** Begins backups and drills when policies say so. */
export interface Scheduler {
  start(): void;
  stop(): void;
  /** To be told of whatever changes what policies say, or whom they are for. */
  replan(): void;
}

/** Between two looks at what is due, in milliseconds. */
const LOOK_MS = 1_000;
/** Least time between two plans because something in the fleet changed, in milliseconds. */
const CALM_MS = 5_000;
/** Runs that begin in one look. */
const AT_ONCE = 500;
/** A run that begins later than this by its policy's time was missed: only catching up brings it back. In milliseconds. */
export const LATE_MS = 15 * 60_000;
const MISSED = 'The control plane was not there when it was due, and its policy does not catch up.';

/** What changes with them may change which policy a database has. */
const TOPICS: ReadonlySet<Topic> = new Set(['agents', 'servers', 'databases']);

export function createScheduler(deps: SchedulerDeps): Scheduler {
  const { clock, db, events, log } = deps;
  let cancelTick: (() => void) | undefined;
  let unsubscribe: (() => void) | undefined;
  let stale = true;
  const beginDrills = createDrillRounds(deps);
  let plannedAt = Number.NEGATIVE_INFINITY;

  function replan(): void {
    stale = false;
    plannedAt = clock.now();
    if (planAll(db, clock.now())) events.changed('policies');
  }

  function tick(): void {
    cancelTick = clock.after(LOOK_MS, tick);
    try {
      if (stale && Math.abs(clock.now() - plannedAt) >= CALM_MS) replan();
      begin(deps, dueSchedules(db, clock.now(), AT_ONCE));
      beginDrills();
    } catch (error) {
      log.error({ err: error }, 'the scheduler could not look at what is due');
    }
  }

  return {
    replan,
    start() {
      unsubscribe = events.subscribe((event) => {
        if (event.event === 'change' && TOPICS.has(event.data.topic)) stale = true;
      });
      replan();
      cancelTick = clock.after(LOOK_MS, tick);
    },
    stop() {
      cancelTick?.();
      unsubscribe?.();
    },
  };
}

/** Begins runs that are due, or passes them over and says why, and writes down when they are next. */
function begin({ clock, db, events, jobs, log }: SchedulerDeps, due: ScheduleListing[]): void {
  if (due.length === 0) return;
  const now = clock.now();
  const skipped = new Map(
    due.filter((row) => isLate(row, now)).map(({ databaseId }) => [databaseId, MISSED]),
  );
  const wishes = due
    .filter(({ databaseId }) => !skipped.has(databaseId))
    .map(({ databaseId, policyName }) => ({ databaseId, requestedBy: `Policy ${policyName}` }));
  for (const [databaseId, failure] of jobs.createBackups(wishes).refused) {
    skipped.set(databaseId, failure.message);
    log.warn({ databaseId, failure }, 'a backup did not begin by its schedule');
  }
  const timesOf = createTimes(now);
  const rows = due.map(({ drill: _drill, policyName: _policyName, ...row }) => {
    const why = skipped.get(row.databaseId);
    const times = timesOf(row.schedule, row.databaseId);
    return { ...row, ...times, ...(why === undefined ? {} : { skipped: why, skippedAt: now }) };
  });
  putSchedules(db, rows);
  log.info({ due: due.length, skipped: skipped.size }, 'backups begin by their schedules');
  events.changed('jobs');
  events.changed('policies');
}

function isLate({ schedule, startsAt }: ScheduleRow, now: number): boolean {
  const { catchUp } = scheduleSchema.parse(JSON.parse(schedule));
  return !catchUp && startsAt !== null && now - startsAt > LATE_MS;
}
