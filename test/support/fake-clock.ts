import type { Clock } from '../../agent/clock.ts';

/** A clock that only moves when told. */
export interface FakeClock extends Clock {
  /** Moves on, running what becomes due in order, each at its own time. */
  advance(ms: number): void;
  /** Shows another time, as when it is set or the machine slept: what waits, waits as long as before. */
  jump(ms: number): void;
}

export function createFakeClock(): FakeClock {
  let now = 0;
  const due = new Map<symbol, { at: number; task: () => void }>();
  return {
    now: () => now,
    after(ms, task) {
      const key = Symbol('timer');
      due.set(key, { at: now + ms, task });
      return () => void due.delete(key);
    },
    advance(ms) {
      const end = now + ms;
      for (;;) {
        const next = [...due].filter(([, { at }]) => at <= end).sort((a, b) => a[1].at - b[1].at)[0];
        if (!next) break;
        due.delete(next[0]);
        now = next[1].at;
        next[1].task();
      }
      now = end;
    },
    jump(ms) {
      now += ms;
      for (const timer of due.values()) timer.at += ms;
    },
  };
}
