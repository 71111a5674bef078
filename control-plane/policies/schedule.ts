import { Cron } from 'croner';
import { z } from 'zod';

/** A time of day, `HH:MM`, of the policy's time zone. */
const timeOfDay = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time such as 02:30');
/** Days of the week as ISO 8601 counts them: 1 is Monday, 7 is Sunday. */
const weekdays = z.array(z.number().int().min(1).max(7)).min(1).max(7);

const timing = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('hourly'), minute: z.number().int().min(0).max(59) }),
  z.object({ kind: z.literal('daily'), at: timeOfDay }),
  z.object({ kind: z.literal('weekly'), days: weekdays, at: timeOfDay }),
  /** The 29th to the 31st are not in every month: `last` is. */
  z.object({
    kind: z.literal('monthly'),
    day: z.union([z.number().int().min(1).max(28), z.literal('last')]),
    at: timeOfDay,
  }),
  z.object({
    kind: z.literal('cron'),
    expression: z.string().trim().min(1).max(100).superRefine(cronProblem),
  }),
]);

/** A part of the week in which nothing begins by itself. One that ends before it begins goes on past midnight. */
const blackout = z
  .object({
    /** Those it begins on. */
    days: weekdays,
    from: timeOfDay,
    to: timeOfDay,
  })
  .refine(({ from, to }) => from !== to, { path: ['to'], message: 'must differ from the beginning' });

/** When backups begin by themselves. */
export const scheduleSchema = z.object({
  timing,
  /** An IANA name, e.g. `Europe/Berlin`. */
  timeZone: z.string().max(64).refine(isTimeZone, 'must be a time zone such as Europe/Berlin or UTC'),
  /** Minutes over which databases with the same schedule are spread; each keeps its place in them. */
  spreadMinutes: z.number().int().min(0).max(1440).default(0),
  /** Whether what was due while the control plane was down begins once it is back, once; else it waits for the next time. */
  catchUp: z.boolean().default(true),
  blackouts: z.array(blackout).max(20).default([]),
});
export type Schedule = z.infer<typeof scheduleSchema>;
export type Blackout = Schedule['blackouts'][number];

function isTimeZone(name: string): boolean {
  try {
    return Boolean(new Intl.DateTimeFormat('en', { timeZone: name }));
  } catch {
    return false;
  }
}

function cronProblem(expression: string, ctx: z.RefinementCtx): void {
  try {
    if (new Cron(expression, CRON).nextRun()) return;
    ctx.addIssue({ code: 'custom', message: 'never comes' });
  } catch (error) {
    const why = (error as Error).message.replace(/^CronPattern: /, '');
    ctx.addIssue({ code: 'custom', message: `is no cron expression of five fields: ${why}` });
  }
}

/** Five fields, as crontab(5) has them: seconds would be no use. */
export const CRON = { mode: '5-part', paused: true } as const;

/** The same as a cron expression of five fields. */
export function cronOf({ timing }: Pick<Schedule, 'timing'>): string {
  if (timing.kind === 'cron') return timing.expression;
  if (timing.kind === 'hourly') return `${timing.minute} * * * *`;
  const [hour, minute] = timing.at.split(':').map(Number);
  if (timing.kind === 'daily') return `${minute} ${hour} * * *`;
  if (timing.kind === 'weekly') return `${minute} ${hour} * * ${timing.days.map((day) => day % 7).join(',')}`;
  return `${minute} ${hour} ${timing.day === 'last' ? 'L' : timing.day} * *`;
}
