import { type FailureError, fail } from '../../protocol/failure.ts';
import type { Clock } from '../clock.ts';

/** Watches that a job gets on. Time spent waiting for the control plane does not count. */
export interface StallGuard {
  /** A byte moved or the phase changed. */
  touch(): void;
  /** Whether the job waits for the control plane. */
  waiting(yes: boolean): void;
  stop(): void;
}

/** Calls `stalled` once, after `stallMs` without a touch. */
export function startStallGuard(clock: Clock, stallMs: number, stalled: () => void): StallGuard {
  let lastTouch = clock.now();
  let paused = false;
  let over = false;
  let cancel = clock.after(stallMs, check);

  function check(): void {
    const left = lastTouch + stallMs - clock.now();
    if (left > 0) cancel = clock.after(left, check);
    else stalled();
  }
  return {
    touch() {
      lastTouch = clock.now();
    },
    waiting(yes) {
      // Uploads that are given up may tell so after the job has ended.
      if (over || paused === yes) return;
      paused = yes;
      cancel();
      if (yes) return;
      lastTouch = clock.now();
      cancel = clock.after(stallMs, check);
    },
    stop() {
      over = true;
      cancel();
    },
  };
}

/** Why a job was stopped that did not get on. */
export function stallFailure(stallMs: number, phase: string, rawBytes: number): FailureError {
  const seconds = Math.round(stallMs / 1000);
  return fail(
    'job_stalled',
    `No byte moved for ${seconds} s while ${phase}, after ${rawBytes} bytes.`,
    'Look for locks or a hanging disk on the database server.',
    { retryable: true },
  );
}
