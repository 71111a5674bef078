import type { Command } from 'commander';
import type { Policy } from '../remote/policy-shapes.ts';
import { number } from './policy-times.ts';

type Rules = NonNullable<Policy['retention']>;

/** What `set-policy` may say of the snapshots that stay. */
export interface RetentionOptions {
  keepLast?: number;
  keepWithin?: number;
  keepHourly?: number;
  keepDaily?: number;
  keepWeekly?: number;
  keepMonthly?: number;
  keepYearly?: number;
  grace?: number;
  keepAll?: true;
}

/** Adds them to `set-policy`. */
export function retentionOptions(command: Command): Command {
  return command
    .option('--keep-last <n>', 'keep the newest so many snapshots', number)
    .option('--keep-within <days>', 'keep all that are at most so many days older than the newest', number)
    .option('--keep-hourly <n>', 'keep one an hour, of so many hours', number)
    .option('--keep-daily <n>', 'keep one a day', number)
    .option('--keep-weekly <n>', 'keep one a week', number)
    .option('--keep-monthly <n>', 'keep one a month', number)
    .option('--keep-yearly <n>', 'keep one a year', number)
    .option('--grace <days>', 'delete what nothing keeps so many days later; 7 where never said', number)
    .option('--keep-all', 'keep every snapshot');
}

/** The rules of a policy with what was said; those that were not named stay. */
export function retentionOf(options: RetentionOptions, before: Rules | null): Partial<Rules> | null {
  if (options.keepAll) return null;
  const said = {
    last: options.keepLast,
    withinDays: options.keepWithin,
    hourly: options.keepHourly,
    daily: options.keepDaily,
    weekly: options.keepWeekly,
    monthly: options.keepMonthly,
    yearly: options.keepYearly,
    graceDays: options.grace,
  };
  const given = Object.entries(said).filter(([, value]) => value !== undefined);
  return given.length === 0 ? before : { ...before, ...Object.fromEntries(given) };
}

/** What stays, in a line. */
export function retentionText(rules: Rules | null): string {
  if (rules === null) return 'all';
  const { graceDays: _, last, withinDays, ...periods } = rules;
  const named = Object.entries(periods).filter(([, n]) => n > 0);
  return [
    ...(last > 0 ? [`last ${last}`] : []),
    ...(withinDays > 0 ? [`within ${withinDays} days`] : []),
    ...named.map(([rule, n]) => `${n} ${rule}`),
  ].join(', ');
}
