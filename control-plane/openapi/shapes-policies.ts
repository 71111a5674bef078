import { z } from 'zod';
import { drillSettingSchema } from '../policies/drill.ts';
import { SOURCES } from '../policies/effective.ts';
import { scheduleSchema } from '../policies/schedule.ts';
import { count, named, time, timeOrNull, uuid } from './shapes-common.ts';

/** As it is saved, with all that need not be given. */
export const schedule = named('Schedule', scheduleSchema.extend({}));

export const drillSetting = named('DrillSetting', drillSettingSchema);

export const policy = named(
  'Policy',
  z.object({
    id: uuid,
    name: z.string(),
    everywhere: z.boolean(),
    labels: z.array(z.string()),
    schedule,
    drill: drillSetting.nullable(),
    databaseCount: count,
    nextAt: timeOrNull,
    createdAt: time,
  }),
);

/** `inherit`, `none` for by hand only, or the id of a policy. */
export const policyChoice = z.union([z.literal(['inherit', 'none']), uuid]);
export const chosen = z.object({ policy: policyChoice });

export const preview = z.object({ cron: z.string(), runs: z.array(time) });

/** Of a database. */
export const databaseSchedule = named(
  'DatabaseSchedule',
  z.object({
    policyId: uuid,
    policyName: z.string(),
    source: z.enum(SOURCES),
    label: z.string().nullable(),
    nextAt: timeOrNull,
    skipped: z.object({ at: time, why: z.string() }).nullable(),
  }),
);
