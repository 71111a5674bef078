import { expect, test } from 'vitest';
import { lastDays } from '../../web/components/days.ts';

/** An hour of the reader's own clock. */
const hour = (month: number, day: number, at: number) => new Date(2026, month - 1, day, at).toISOString();
const one = { succeeded: 1, failed: 0 };

test('hours come together by the days of whoever reads, up to today', () => {
  const days = lastDays(
    [
      { hour: hour(2, 26, 23), succeeded: 5, failed: 5 },
      { hour: hour(2, 27, 0), ...one },
      { hour: hour(2, 27, 23), succeeded: 2, failed: 1 },
      { hour: hour(3, 1, 8), ...one },
    ],
    new Date(2026, 2, 1, 9),
    3,
  );
  expect(days.map(({ failed, noon, succeeded }) => [noon.getDate(), succeeded, failed])).toEqual([
    [27, 3, 1],
    [28, 0, 0],
    [1, 1, 0],
  ]);
});

test('days on which the clocks change are days as any other', () => {
  for (const month of [3, 10]) {
    const hours = Array.from({ length: 31 }, (_, index) => ({ hour: hour(month, index + 1, 12), ...one }));
    const days = lastDays(hours, new Date(2026, month - 1, 31, 23, 30), 31);
    expect(days.map(({ succeeded }) => succeeded)).toEqual(Array(31).fill(1));
  }
});
