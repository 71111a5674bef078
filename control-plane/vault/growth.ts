import type { StoreRoom } from './stores/store.ts';

/** Room in a vault’s store, and what the vault takes of it. Bytes; times in milliseconds since the epoch. */
export interface VaultSpace {
  /** `null` where the store cannot tell. */
  free: number | null;
  total: number | null;
  /** Of all packs. */
  stored: number;
  /** What the snapshots of each month added, newest month first, a year at most. */
  perMonth: { month: string; bytes: number }[];
  /** Of late; `null` with less than a week to judge by. */
  bytesPerDay: number | null;
  /** When it is full if that goes on; `null` where nobody can tell, or it is more than ten years away. */
  fullAt: number | null;
}

/** What a snapshot added to a vault. */
export interface Addition {
  databaseId: string;
  createdAt: number;
  storedBytes: number;
}

const DAY_MS = 86_400_000;
/** Days that the present growth is judged by. */
const LOOK_BACK = 30;
const LEAST_DAYS = 7;
const MONTHS = 12;
const FAR_DAYS = 3652;

/**
 * How a vault grows and when its store will be full. The first snapshot of each database, which stores everything, counts
 * in its month but not as growth.
 * @param additions oldest first
 */
export function spaceOf(
  { free, total }: StoreRoom,
  additions: readonly Addition[],
  { now, stored }: { now: number; stored: number },
): VaultSpace {
  const bytesPerDay = growth(additions, now);
  const days = bytesPerDay && free !== undefined ? free / bytesPerDay : Number.POSITIVE_INFINITY;
  return {
    ...{ free: free ?? null, total: total ?? null, stored, bytesPerDay },
    perMonth: monthly(additions),
    fullAt: days <= FAR_DAYS ? Math.round(now + days * DAY_MS) : null,
  };
}

function growth(additions: readonly Addition[], now: number): number | null {
  const first = additions[0];
  const days = first ? Math.min(LOOK_BACK, (now - first.createdAt) / DAY_MS) : 0;
  if (days < LEAST_DAYS) return null;
  const seen = new Set<string>();
  let bytes = 0;
  for (const { createdAt, databaseId, storedBytes } of additions) {
    if (seen.has(databaseId) && now - createdAt <= LOOK_BACK * DAY_MS) bytes += storedBytes;
    seen.add(databaseId);
  }
  return Math.round(bytes / days);
}

function monthly(additions: readonly Addition[]): VaultSpace['perMonth'] {
  const months = new Map<string, number>();
  for (const { createdAt, storedBytes } of additions) {
    const month = new Date(createdAt).toISOString().slice(0, 7);
    months.set(month, (months.get(month) ?? 0) + storedBytes);
  }
  return [...months]
    .map(([month, bytes]) => ({ month, bytes }))
    .reverse()
    .slice(0, MONTHS);
}
