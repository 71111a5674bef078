import { setTimeout as wait } from 'node:timers/promises';

/**
 * Polls `condition` until it gives something other than `undefined` or `false`, and gives that. What it throws
 * ends the wait at once. The limit is a last resort, not an expectation: 60 s unless told.
 */
export async function eventually<T>(
  what: string,
  condition: () => T | undefined | false | Promise<T | undefined | false>,
  limitMs = 60_000,
): Promise<T> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const value = await condition();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > deadline) throw new Error(`Waited ${limitMs / 1000} s in vain until ${what}.`);
    await wait(40);
  }
}
