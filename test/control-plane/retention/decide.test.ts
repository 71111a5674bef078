import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Candidate, decide } from '../../../control-plane/retention/decide.ts';
import { PERIODS, type Retention, retentionSchema } from '../../../control-plane/retention/rules.ts';

const HOUR = 3600_000;
const DAY = 24 * HOUR;
/** After everything. */
const NOW = Date.parse('2100-01-01T00:00:00Z');
const rules = (set: Partial<Retention>): Retention => retentionSchema.parse({ ...set });
const at = (iso: string) => Date.parse(iso);

/** Snapshots taken at these times, in this order; their ids are their numbers. */
function taken(times: readonly number[], pinned: readonly number[] = []): Candidate[] {
  return times.map((createdAt, n) => ({
    id: String(n + 1),
    sequence: n + 1,
    createdAt,
    pinned: pinned.includes(n + 1),
    drilled: false,
    damaged: false,
  }));
}

function kept(candidates: Candidate[], set: Partial<Retention>, timeZone = 'UTC'): number[] {
  const reasons = decide(candidates, rules(set), { now: NOW, timeZone });
  return [...reasons].filter(([, why]) => why.length > 0).map(([id]) => Number(id));
}

const daily = (days: number, from = at('2026-01-01T02:00:00Z')) =>
  taken(Array.from({ length: days }, (_, n) => from + n * DAY));

describe('rules', () => {
  test('the newest so many', () => {
    expect(kept(daily(10), { last: 3 })).toEqual([10, 9, 8]);
  });

  test('within days of the newest, whatever the time is now', () => {
    expect(kept(daily(10), { withinDays: 2 })).toEqual([10, 9, 8]);
  });

  test('the newest of each hour, day, week, month, year', () => {
    const hourly = taken(Array.from({ length: 8 }, (_, n) => at('2026-03-01T00:10:00Z') + (n * HOUR) / 2));
    expect(kept(hourly, { hourly: 2 })).toEqual([8, 6]);
    expect(kept(daily(400), { weekly: 2 })).toEqual([400, 396]); // Thursday, and the Sunday before
    expect(kept(daily(400), { monthly: 3 })).toEqual([400, 396, 365]);
    expect(kept(daily(400), { yearly: 5 })).toEqual([400, 365]);
  });

  test('periods without a snapshot are not counted', () => {
    const sparse = taken([
      at('2024-05-01T00:00:00Z'),
      at('2026-01-01T00:00:00Z'),
      at('2026-01-02T00:00:00Z'),
    ]);
    expect(kept(sparse, { daily: 3 })).toEqual([3, 2, 1]);
  });

  test('weeks are those of ISO 8601, named with the year of their Thursday', () => {
    const [reasons] = [
      ...decide(taken([at('2027-01-03T12:00:00Z')]), rules({ weekly: 1 }), {
        now: NOW,
        timeZone: 'UTC',
      }).values(),
    ];
    expect(reasons).toContainEqual({ rule: 'weekly', period: '2026-W53' });
  });

  test('days are those of the time zone', () => {
    const two = taken([at('2026-07-01T21:30:00Z'), at('2026-07-01T22:30:00Z')]);
    expect(kept(two, { daily: 2 })).toEqual([2]);
    expect(kept(two, { daily: 2 }, 'Europe/Berlin')).toEqual([2, 1]);
  });

  test('the hour that comes twice when clocks go back is two', () => {
    const two = taken([at('2026-10-25T00:30:00Z'), at('2026-10-25T01:30:00Z')]);
    expect(kept(two, { hourly: 2 }, 'Europe/Berlin')).toEqual([2, 1]);
  });
});

describe('whatever the rules', () => {
  test('pinned ones and the newest stay', () => {
    const snapshots = taken(
      [0, 1, 2].map((n) => n * 400 * DAY),
      [1],
    );
    expect(kept(snapshots, { hourly: 1 })).toEqual([3, 1]);
  });

  test('a clock that was years ahead for one backup takes nothing from the others', () => {
    const times = ['2026-01-01T00:00:00Z', '2031-01-01T00:00:00Z', '2026-01-03T00:00:00Z'];
    expect(kept(taken(times.map(at)), { daily: 2 })).toEqual([3, 2, 1]);
    const now = at('2026-01-02T00:00:00Z');
    const reasons = decide(taken(times.slice(0, 2).map(at)), rules({ withinDays: 2 }), {
      now,
      timeZone: 'UTC',
    });
    expect(reasons.get('1')).toEqual([{ rule: 'within' }]);
  });

  test('nor one that was years behind', () => {
    const month = daily(30).map(({ createdAt }) => createdAt);
    const set = { last: 3, withinDays: 30, daily: 14 };
    for (const times of [
      [...month, at('2020-01-01T00:00:00Z')],
      [...month.with(28, at('2020-01-01T00:00:00Z'))],
    ])
      expect(kept(taken(times), set)).toEqual(expect.arrayContaining(kept(taken(month), { daily: 12 })));
  });

  test('a flood of snapshots in a day leaves those of the days before', () => {
    const flood = Array.from({ length: 500 }, (_, n) => at('2026-01-11T00:00:00Z') + n * 60_000);
    const snapshots = taken([...daily(10).map(({ createdAt }) => createdAt), ...flood]);
    const stay = kept(snapshots, { last: 5, daily: 11 });
    expect(stay).toEqual(expect.arrayContaining([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]));
  });

  test('the newest that passed a drill stays', () => {
    const snapshots = daily(4).map((one) => ({ ...one, drilled: one.sequence < 3 }));
    const reasons = decide(snapshots, rules({ last: 1 }), { now: NOW, timeZone: 'UTC' });
    expect([...reasons].filter(([, why]) => why.length > 0).map(([id]) => id)).toEqual(['4', '2']);
  });

  test('a damaged one stays, and takes no good one’s place', () => {
    const snapshots = daily(4).map((one) => ({ ...one, damaged: one.sequence > 2 }));
    const reasons = decide(snapshots, rules({ last: 1 }), { now: NOW, timeZone: 'UTC' });
    expect(Object.fromEntries(reasons)).toEqual({
      4: [{ rule: 'damaged' }],
      3: [{ rule: 'damaged' }],
      2: [{ rule: 'newest' }, { rule: 'last' }],
      1: [],
    });
  });

  test('rules that keep nothing are refused', () => {
    expect(retentionSchema.safeParse({ graceDays: 3 }).error?.issues[0]?.message).toContain(
      'must keep something',
    );
  });
});

const snapshotsArb = fc
  .array(fc.record({ createdAt: fc.integer({ min: 0, max: 2_000 * DAY }), pinned: fc.boolean() }), {
    minLength: 1,
    maxLength: 60,
  })
  .map((all) =>
    all.map((one, n) => ({ ...one, id: String(n), sequence: n, drilled: false, damaged: false })),
  );
const small = fc.integer({ min: 0, max: 6 });
const rulesArb = fc.record({
  ...{ last: small, withinDays: small, hourly: small, daily: small, weekly: small, monthly: small },
  ...{ yearly: small, graceDays: small },
});
const zoneArb = fc.constantFrom('UTC', 'Europe/Berlin', 'Asia/Kathmandu', 'America/St_Johns');

test('a rule keeps what it says by the times as they are and by their order, and no more', () => {
  fc.assert(
    fc.property(snapshotsArb, rulesArb, zoneArb, (snapshots, set, zone) => {
      const reasons = [...decide(snapshots, set, { now: NOW, timeZone: zone }).values()].flat();
      for (const rule of PERIODS) {
        const names = reasons.flatMap((one) => (one.rule === rule && 'period' in one ? [one.period] : []));
        expect(names.length).toBeLessThanOrEqual(2 * set[rule]);
      }
      expect(reasons.filter(({ rule }) => rule === 'last').length).toBe(Math.min(set.last, snapshots.length));
      expect(reasons.filter(({ rule }) => rule === 'newest')).toHaveLength(1);
    }),
  );
});

test('deleting what nothing keeps, and judging again, deletes nothing more', () => {
  fc.assert(
    fc.property(snapshotsArb, rulesArb, zoneArb, (snapshots, set, zone) => {
      const first = decide(snapshots, set, { now: NOW, timeZone: zone });
      const left = snapshots.filter(({ id }) => first.get(id)?.length);
      expect(
        [...decide(left, set, { now: NOW, timeZone: zone }).values()].every((why) => why.length > 0),
      ).toBe(true);
    }),
  );
});

test('more generous rules keep all that narrower ones do', () => {
  fc.assert(
    fc.property(snapshotsArb, rulesArb, rulesArb, zoneArb, (snapshots, a, b, zone) => {
      const wide = Object.fromEntries(
        Object.entries(a).map(([rule, n]) => [rule, Math.max(n, b[rule as keyof typeof b])]),
      ) as Retention;
      const generous = decide(snapshots, wide, { now: NOW, timeZone: zone });
      for (const [id, why] of decide(snapshots, a, { now: NOW, timeZone: zone }))
        if (why.length > 0) expect(generous.get(id)?.length).toBeGreaterThan(0);
    }),
  );
});
