import type { Period } from './rules.ts';

const DAY_MS = 86_400_000;
const formats = new Map<string, Intl.DateTimeFormat>();

/**
 * The period that a time is in.
 * @returns `name` for people; `key`, which tells the two hours of the same name apart when clocks go back
 */
export function periodOf(period: Period, timeZone: string, at: number): { key: string; name: string } {
  const { day, hour, offset } = localOf(timeZone, at);
  switch (period) {
    case 'hourly':
      return { key: `${day} ${hour} ${offset}`, name: `${day} ${hour}:00` };
    case 'daily':
      return same(day);
    case 'weekly':
      return same(weekOf(day));
    case 'monthly':
      return same(day.slice(0, 7));
    default:
      return same(day.slice(0, 4));
  }
}

const same = (name: string) => ({ key: name, name });

/** Day, `YYYY-MM-DD`, and hour, `HH`, in a time zone, with its distance from UTC. */
function localOf(timeZone: string, at: number): { day: string; hour: string; offset: string } {
  let format = formats.get(timeZone);
  if (!format) {
    const digits = { year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit' } as const;
    const clock = { hourCycle: 'h23', timeZoneName: 'longOffset' } as const;
    format = new Intl.DateTimeFormat('en', { ...digits, ...clock, timeZone });
    formats.set(timeZone, format);
  }
  const parts = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, value]));
  const day = `${parts.year}-${parts.month}-${parts.day}`;
  return { day, hour: String(parts.hour), offset: String(parts.timeZoneName) };
}

/** The week of a day as ISO 8601 counts: it belongs to the year its Thursday is in, `2026-W37`. */
function weekOf(day: string): string {
  const date = new Date(`${day}T00:00:00Z`);
  const thursday = date.getTime() + (3 - ((date.getUTCDay() + 6) % 7)) * DAY_MS;
  const year = new Date(thursday).getUTCFullYear();
  const week = 1 + Math.floor((thursday - Date.UTC(year, 0, 1)) / (7 * DAY_MS));
  return `${year}-W${String(week).padStart(2, '0')}`;
}
