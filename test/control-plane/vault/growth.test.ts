import { expect, test } from 'vitest';
import { type Addition, spaceOf } from '../../../control-plane/vault/growth.ts';

const DAY = 86_400_000;
const now = Date.UTC(2026, 10, 27);
const GIB = 2 ** 30;

/** One backup a day for `days` days up to now: the first stores everything, the others `change` bytes. */
function daily(days: number, change: number, databaseId = 'a'): Addition[] {
  return Array.from({ length: days + 1 }, (_, index) => {
    const storedBytes = index === 0 ? 100 * GIB : change;
    return { databaseId, createdAt: now - (days - index) * DAY, storedBytes };
  });
}

test('a vault that grows by 1 GiB a day on a disk with 50 GiB is full in 50 days', () => {
  const space = spaceOf({ free: 50 * GIB, total: 500 * GIB }, daily(30, GIB), { now, stored: 130 * GIB });
  expect(space).toMatchObject({ free: 50 * GIB, total: 500 * GIB, stored: 130 * GIB, bytesPerDay: GIB });
  expect(space.fullAt).toBe(now + 50 * DAY);
});

test('only the last 30 days count as growth, and the first backup of a database never does', () => {
  const before = daily(90, 5 * GIB).map((one) => ({ ...one, createdAt: one.createdAt - 31 * DAY }));
  const late = { databaseId: 'b', createdAt: now - DAY, storedBytes: 70 * GIB };
  const additions = [...before, { databaseId: 'a', createdAt: now - 2 * DAY, storedBytes: 30 * GIB }, late];
  expect(spaceOf({ free: GIB }, additions, { now, stored: 0 }).bytesPerDay).toBe(GIB);
});

test('there is no forecast after a few days, without growth, or from a store that cannot tell', () => {
  const facts = { now, stored: 0 };
  expect(spaceOf({ free: GIB }, [], facts)).toMatchObject({ bytesPerDay: null, fullAt: null, perMonth: [] });
  expect(spaceOf({ free: GIB }, daily(6, GIB), facts)).toMatchObject({ bytesPerDay: null, fullAt: null });
  expect(spaceOf({ free: GIB }, daily(30, 0), facts)).toMatchObject({ bytesPerDay: 0, fullAt: null });
  expect(spaceOf({}, daily(30, GIB), facts)).toMatchObject({ free: null, bytesPerDay: GIB, fullAt: null });
  // More than ten years away.
  expect(spaceOf({ free: 4000 * GIB }, daily(30, GIB), facts).fullAt).toBeNull();
});

test('the months are told newest first', () => {
  const { perMonth } = spaceOf({}, daily(30, GIB), { now, stored: 0 });
  expect(perMonth).toEqual([
    { month: '2026-11', bytes: 27 * GIB },
    { month: '2026-10', bytes: 103 * GIB },
  ]);
});
