import { z } from 'zod';
import { drillSettingSchema } from '../policies/drill.ts';
import { SOURCES } from '../policies/effective.ts';
import { scheduleSchema } from '../policies/schedule.ts';
import { PERIODS, retentionSchema } from '../retention/rules.ts';
import { count, named, time, timeOrNull, uuid } from './shapes-common.ts';

/** As it is saved, with all that need not be given. */
export const schedule = named('Schedule', scheduleSchema.extend({}));

/** As it is saved: what need not be given is 0, the days of grace 7. */
export const retention = named('Retention', retentionSchema.safeExtend({}));

/** What keeps a snapshot. */
export const reason = named(
  'KeptFor',
  z.object({
    rule: z.enum(['pinned', 'newest', 'last', 'within', 'damaged', 'drilled', ...PERIODS]),
    /** Which period, in the policy's time zone. */
    period: z.string().optional(),
  }),
);

export const retentionPreview = z.object({
  databases: count,
  snapshots: count,
  deletes: count,
  deleted: z.array(z.object({ id: uuid, databaseName: z.string(), sequence: count, createdAt: time })),
});
export const drillSetting = named('DrillSetting', drillSettingSchema);

export const policy = named(
  'Policy',
  z.object({
    id: uuid,
    name: z.string(),
    everywhere: z.boolean(),
    labels: z.array(z.string()),
    schedule,
    retention: retention.nullable(),
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
