import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nextRun, nextRuns } from '../../../control-plane/policies/next-run.ts';
import { type Schedule, scheduleSchema } from '../../../control-plane/policies/schedule.ts';

const schedule = (timing: object, more: object = {}): Schedule =>
  scheduleSchema.parse({ timing, timeZone: 'Europe/Berlin', ...more });
const daily = (at: string, more: object = {}) => schedule({ kind: 'daily', at }, more);
const at = (iso: string) => Date.parse(iso);
const times = (wanted: Schedule, after: string, count: number) =>
  nextRuns(wanted, 'a', at(after), count).map(({ startsAt }) => new Date(startsAt).toISOString());

describe('a schedule', () => {
  test.each<[string, object, string[]]>([
    ['hourly', { kind: 'hourly', minute: 15 }, ['2026-11-27T10:15:00.000Z', '2026-11-27T11:15:00.000Z']],
    ['daily', { kind: 'daily', at: '02:30' }, ['2026-11-28T01:30:00.000Z', '2026-11-29T01:30:00.000Z']],
    [
      'on some days of the week',
      { kind: 'weekly', days: [7, 1], at: '00:00' },
      ['2026-11-28T23:00:00.000Z', '2026-11-29T23:00:00.000Z'],
    ],
    [
      'at the end of a month',
      { kind: 'monthly', day: 'last', at: '23:59' },
      ['2026-11-30T22:59:00.000Z', '2026-12-31T22:59:00.000Z'],
    ],
    [
      'as cron',
      { kind: 'cron', expression: '*/20 9-17 * * 1-5' },
      ['2026-11-27T10:20:00.000Z', '2026-11-27T10:40:00.000Z'],
    ],
  ])('comes %s', (_, timing, expected) => {
    expect(times(schedule(timing), '2026-11-27T10:00:00Z', 2)).toEqual(expected);
  });

  test.each<[string, object, RegExp]>([
    ['a cron expression with seconds', { kind: 'cron', expression: '0 0 2 * * *' }, /five fields/],
    ['a cron expression of nonsense', { kind: 'cron', expression: '61 * * * *' }, /cron expression/],
    ['a day that never comes', { kind: 'cron', expression: '0 0 30 2 *' }, /never comes/],
    ['no time of day', { kind: 'daily', at: '24:00' }, /such as 02:30/],
  ])('is not %s', (_, timing, message) => {
    expect(() => schedule(timing)).toThrow(message);
  });

  test('has a time zone that there is', () => {
    expect(() => daily('02:00', { timeZone: 'Mars/Olympus' })).toThrow(/such as Europe\/Berlin/);
  });
});

describe('where clocks are set', () => {
  test('forward over its time, it comes once on that day, as soon as they are', () => {
    expect(times(daily('02:30'), '2026-03-28T12:00:00Z', 2)).toEqual([
      '2026-03-29T01:00:00.000Z',
      '2026-03-30T00:30:00.000Z',
    ]);
  });

  test('back over its time, it comes once on that day', () => {
    expect(times(daily('02:30'), '2026-10-24T12:00:00Z', 2)).toEqual([
      '2026-10-25T00:30:00.000Z',
      '2026-10-26T01:30:00.000Z',
    ]);
  });

  test('every hour has its run, the one that there is twice has two', () => {
    const hours = times(schedule({ kind: 'hourly', minute: 0 }), '2026-10-24T22:30:00Z', 4);
    expect(hours.map((time) => time.slice(11, 13))).toEqual(['23', '00', '01', '02']);
  });

  test('a time of day comes on each day of a year once, in any time zone', () => {
    const zones = fc.constantFrom(
      'Europe/Berlin',
      'America/New_York',
      'Australia/Lord_Howe',
      'Asia/Kolkata',
      'UTC',
    );
    const minutes = fc.integer({ min: 0, max: 24 * 60 - 1 });
    fc.assert(
      fc.property(zones, minutes, (timeZone, minute) => {
        const time = `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;
        const runs = nextRuns(daily(time, { timeZone }), 'a', at('2026-01-01T12:00:00Z'), 365);
        const days = runs.map(({ dueAt }) => new Date(dueAt).toLocaleDateString('sv', { timeZone }));
        expect(new Set(days).size).toBe(365);
      }),
      { numRuns: 20 },
    );
  });
});

describe('a spread', () => {
  const wide = daily('02:00', { spreadMinutes: 60, timeZone: 'UTC' });

  test('gives each database its own place, always the same', () => {
    const places = Array.from({ length: 1000 }, (_, n) => {
      const run = nextRun(wide, `database ${n}`, at('2026-11-27T12:00:00Z'));
      const next = nextRun(wide, `database ${n}`, run?.dueAt ?? 0);
      expect((next?.startsAt ?? 0) - (run?.startsAt ?? 0)).toBe(24 * 3600_000);
      return (run?.startsAt ?? 0) - at('2026-11-28T02:00:00Z');
    });
    const quarters = [0, 1, 2, 3].map(
      (quarter) => places.filter((place) => Math.floor(place / (15 * 60_000)) === quarter).length,
    );
    expect(quarters.reduce((all, one) => all + one, 0)).toBe(1000);
    for (const quarter of quarters) expect(quarter).toBeGreaterThan(180);
  });
});

describe('a blackout', () => {
  test('moves a run to its end', () => {
    const night = daily('23:30', { blackouts: [{ days: [5], from: '22:00', to: '04:00' }] });
    // The 27th is a Friday: its night goes on into Saturday.
    expect(times(night, '2026-11-27T10:00:00Z', 2)).toEqual([
      '2026-11-28T03:00:00.000Z',
      '2026-11-28T22:30:00.000Z',
    ]);
    const early = daily('03:00', { blackouts: [{ days: [5], from: '22:00', to: '04:00' }] });
    expect(times(early, '2026-11-27T10:00:00Z', 2)).toEqual([
      '2026-11-28T03:00:00.000Z',
      '2026-11-29T02:00:00.000Z',
    ]);
  });

  test('that follows another moves it on', () => {
    const blackouts = [
      { days: [1, 2, 3, 4, 5], from: '08:00', to: '12:00' },
      { days: [1, 2, 3, 4, 5], from: '12:00', to: '18:00' },
    ];
    expect(times(daily('09:00', { blackouts }), '2026-11-27T01:00:00Z', 1)).toEqual([
      '2026-11-27T17:00:00.000Z',
    ]);
  });

  test('ends at its last minute, and blackouts without a gap stop nothing', () => {
    const blackouts = [{ days: [5], from: '08:00', to: '09:00' }];
    expect(times(daily('09:00', { blackouts }), '2026-11-27T01:00:00Z', 1)).toEqual([
      '2026-11-27T08:00:00.000Z',
    ]);
    const always = [1, 2, 3, 4, 5, 6, 7].flatMap((day) => [
      { days: [day], from: '00:00', to: '12:00' },
      { days: [day], from: '12:00', to: '00:00' },
    ]);
    expect(nextRun(daily('09:00', { blackouts: always }), 'a', at('2026-11-27T01:00:00Z'))).toBeDefined();
  });
});
