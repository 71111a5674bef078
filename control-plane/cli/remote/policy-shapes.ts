import { z } from 'zod';

const text = z.string();
const count = z.number();
const maybe = text.nullable();

/** How many snapshots each rule keeps; 0: the rule is off. */
const retentionShape = z.object({
  ...{ last: count, withinDays: count, graceDays: count },
  ...{ hourly: count, daily: count, weekly: count, monthly: count, yearly: count },
});

export const policyShape = z.looseObject({
  id: text,
  name: text,
  everywhere: z.boolean(),
  labels: z.array(text),
  schedule: z.looseObject({
    timing: z.looseObject({ kind: text }),
    timeZone: text,
    spreadMinutes: count,
    catchUp: z.boolean(),
    blackouts: z.array(z.unknown()),
  }),
  retention: retentionShape.nullable(),
  drill: z.looseObject({ everyDays: count }).nullable().optional(),
  databaseCount: count,
  nextAt: maybe,
});
export type Policy = z.infer<typeof policyShape>;
