import { periodOf } from './periods.ts';
import { PERIODS, type Reason, type Retention } from './rules.ts';

const DAY_MS = 86_400_000;

/** A committed snapshot of one database. */
export interface Candidate {
  id: string;
  /** Grows with each snapshot of the database. */
  sequence: number;
  /** When it was committed: milliseconds since the epoch. */
  createdAt: number;
  pinned: boolean;
  /** Whether a drill of it has passed. */
  drilled: boolean;
  /** Whether something that it needs is known not to be whole. */
  damaged: boolean;
}

/**
 * Which snapshots of one database stay, and why. Pure, and without the present time: a clock that is wrong deletes nothing,
 * and where no backups are made any more nothing is deleted either. The newest always stays, and the newest that a drill has proved.
 * @returns for each snapshot what keeps it; nothing keeps those with an empty list
 */
export function decide(
  candidates: readonly Candidate[],
  rules: Retention,
  timeZone: string,
): Map<string, Reason[]> {
  const newestFirst = inOrder(candidates.filter(({ damaged }) => !damaged));
  const reasons = new Map<string, Reason[]>(
    // Nobody can say what a damaged one is still worth, and it must not take the place of a good one.
    candidates.toSorted(byNewest).map(({ damaged, id }) => [id, damaged ? [{ rule: 'damaged' }] : []]),
  );
  const [newest] = newestFirst;
  if (!newest) return reasons;
  reasons.get(newest.id)?.push({ rule: 'newest' });
  const proven = newestFirst.find(({ drilled }) => drilled);
  if (proven) reasons.get(proven.id)?.push({ rule: 'drilled' });
  const since = newest.createdAt - rules.withinDays * DAY_MS;
  newestFirst.forEach(({ createdAt, id, pinned }, at) => {
    const own = reasons.get(id);
    if (pinned) own?.push({ rule: 'pinned' });
    if (at < rules.last) own?.push({ rule: 'last' });
    if (rules.withinDays > 0 && createdAt >= since) own?.push({ rule: 'within' });
  });
  for (const rule of PERIODS) {
    const kept = new Set<string>();
    for (const { createdAt, id } of newestFirst) {
      if (kept.size >= rules[rule]) break;
      const { key, name } = periodOf(rule, timeZone, createdAt);
      if (kept.has(key)) continue;
      kept.add(key);
      reasons.get(id)?.push({ rule, period: name });
    }
  }
  return reasons;
}

/**
 * Newest first. Times follow the order in which snapshots were made: one that seems to be from after its successor, since a
 * clock was wrong or an index was made anew by agents' clocks, counts as made when that was.
 */
function inOrder(candidates: readonly Candidate[]): Candidate[] {
  const sorted = candidates.toSorted(byNewest);
  let latest = Number.POSITIVE_INFINITY;
  return sorted.map((one) => {
    latest = Math.min(latest, one.createdAt);
    return { ...one, createdAt: latest };
  });
}

function byNewest(a: Candidate, b: Candidate): number {
  return b.sequence - a.sequence;
}
