import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fullJitter } from '../../../agent/connection/backoff.ts';
import { startHeartbeat } from '../../../agent/connection/heartbeat.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

test('the backoff stays within its bounds and uses all of them', () => {
  fc.assert(
    fc.property(fc.nat(1000), fc.double({ min: 0, max: 1, noNaN: true }), (failures, share) => {
      const ms = fullJitter(failures, () => share);
      expect(ms).toBeGreaterThanOrEqual(0);
      expect(ms).toBeLessThanOrEqual(Math.min(60_000, 1000 * 2 ** failures));
    }),
  );
  expect(fullJitter(0, () => 1)).toBe(1_000);
  expect(fullJitter(3, () => 1)).toBe(8_000);
  expect(fullJitter(1000, () => 1)).toBe(60_000);
  expect(fullJitter(5, () => 0)).toBe(0);
});

test('ten thousand agents cut off together come back spread out', () => {
  const perSecond = new Array<number>(32).fill(0);
  for (let agent = 0; agent < 10_000; agent += 1) {
    const second = Math.floor(fullJitter(5) / 1000);
    perSecond[second] = (perSecond[second] ?? 0) + 1;
  }
  expect(Math.max(...perSecond)).toBeLessThan(500);
});

test('a heartbeat each 15 s, and death after 40 s of silence', () => {
  const clock = createFakeClock();
  const events: string[] = [];
  const heartbeat = startHeartbeat(clock, {
    beat: () => events.push(`beat ${clock.now()}`),
    dead: () => events.push(`dead ${clock.now()}`),
  });
  clock.advance(39_999);
  heartbeat.heard();
  clock.advance(39_999);
  expect(events).toEqual([15_000, 30_000, 45_000, 60_000, 75_000].map((at) => `beat ${at}`));
  clock.advance(60_000);
  expect(events.slice(5)).toEqual(['dead 79999']);
});
