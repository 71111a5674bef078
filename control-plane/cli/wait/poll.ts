import { setTimeout as pause } from 'node:timers/promises';

/** Milliseconds between two looks. */
const PAUSE_MS = 1_000;

/** Looks at something until it is as wanted, and gives that; what a look throws ends it. */
export async function pollUntil<T>(look: () => Promise<T>, isWanted: (seen: T) => boolean): Promise<T> {
  for (;;) {
    const seen = await look();
    if (isWanted(seen)) return seen;
    await pause(PAUSE_MS);
  }
}
