import { z } from 'zod';
import type { DrillCandidate } from '../db/drills.ts';
import { startOf } from './next-run.ts';
import { type Schedule, scheduleSchema } from './schedule.ts';

const DAY = 24 * 3600_000;

/** How often the newest snapshot is tried out by itself. */
export const drillSettingSchema = z.object({ everyDays: z.number().int().min(1).max(366) });
export type DrillSetting = z.infer<typeof drillSettingSchema>;

/** A stored setting; null where there are no drills. */
export function drillSettingOf(text: string | null): DrillSetting | null {
  return text === null ? null : drillSettingSchema.parse(JSON.parse(text));
}

type Last = Pick<DrillCandidate, 'finishedAt' | 'outcome'>;

/**
 * When a database's next drill is due, in ms since the epoch: so many days after the last one, and a day after one that
 * could not be carried out. Of one that was never drilled: at once. Pure.
 */
export function nextDrillAt({ everyDays }: DrillSetting, { finishedAt, outcome }: Last): number {
  if (finishedAt === null) return 0;
  return finishedAt + (outcome === 'incomplete' ? 1 : everyDays) * DAY;
}

/** Whether a drill begins now: it is due, and no blackout of its policy keeps it. Pure. */
export function drillBegins(candidate: DrillCandidate, now: number): boolean {
  const setting = drillSettingSchema.parse(JSON.parse(candidate.drill));
  if (nextDrillAt(setting, candidate) > now) return false;
  const schedule: Schedule = scheduleSchema.parse(JSON.parse(candidate.schedule));
  return startOf({ ...schedule, spreadMinutes: 0 }, candidate.databaseId, now) === now;
}
