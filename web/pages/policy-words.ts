import type { Database, Schedule } from '../api/types.ts';

export const DAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'] as const;

export function daysWords(days: readonly number[]): string {
  if (days.length === 7) return 'every day';
  return [...days]
    .sort((a, b) => a - b)
    .map((day) => DAYS[day - 1])
    .join(', ');
}

/** How often, and by which clock. */
export function scheduleWords({ timeZone, timing }: Schedule): string {
  return `${timingWords(timing)} (${timeZone})`;
}

function timingWords(timing: Schedule['timing']): string {
  switch (timing.kind) {
    case 'hourly':
      return `Each hour, ${timing.minute} past`;
    case 'daily':
      return `Daily at ${timing.at}`;
    case 'weekly':
      return `${daysWords(timing.days)} at ${timing.at}`;
    case 'monthly':
      return timing.day === 'last'
        ? `The last day of each month at ${timing.at}`
        : `Day ${timing.day} of each month at ${timing.at}`;
    default:
      return timing.expression;
  }
}

/** What decided a database's policy. */
export function sourceWords({ label, source }: NonNullable<Database['schedule']>): string {
  switch (source) {
    case 'database':
      return 'chosen for this database';
    case 'server':
      return 'chosen for its server';
    case 'agent':
      return 'chosen for its agent';
    case 'label':
      return `by the label ${label} of its agent`;
    default:
      return 'which is for everything';
  }
}
