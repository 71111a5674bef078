const FIRST_MS = 1_000;
const LARGEST_MS = 60_000;

/** Count of failures that stands for “as slow as it gets”. */
export const SLOWEST = 6;

/**
 * Full jitter: a uniform share of `min(60 s, 1 s · 2^failures)`, in milliseconds, so that agents cut off
 * together come back spread out.
 */
export function fullJitter(failures: number, random: () => number = Math.random): number {
  return random() * Math.min(LARGEST_MS, FIRST_MS * 2 ** Math.min(failures, SLOWEST));
}
