import { periodOf } from './periods.ts';
import { PERIODS, type Period, type Reason, type Retention } from './rules.ts';

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
 * Which snapshots of one database stay, and why. Pure. Times may be wrong, since a clock was, or an index was made anew by
 * agents' clocks: the rules are applied to them as they are, and as the order in which the snapshots were made allows them, and
 * what either keeps stays. Where no backups are made any more nothing is deleted, however much time passes. The newest always
 * stays, and the newest that a drill has proved.
 * @param now milliseconds since the epoch: no snapshot counts as newer than that for the days that all are kept
 * @returns for each snapshot what keeps it; nothing keeps those with an empty list
 */
export function decide(
  candidates: readonly Candidate[],
  rules: Retention,
  { now, timeZone }: { now: number; timeZone: string },
): Map<string, Reason[]> {
  const newestFirst = candidates.toSorted(byNewest);
  // Nobody can say what a damaged one is still worth, and it must not take the place of a good one.
  const good = newestFirst.filter(({ damaged }) => !damaged);
  const reasons = new Map<string, Reason[]>(
    newestFirst.map(({ damaged, id }) => [id, damaged ? [{ rule: 'damaged' }] : []]),
  );
  const keep = (id: string | undefined, reason: Reason) => id !== undefined && reasons.get(id)?.push(reason);
  keep(good[0]?.id, { rule: 'newest' });
  keep(good.find(({ drilled }) => drilled)?.id, { rule: 'drilled' });
  good.forEach(({ id, pinned }, at) => {
    if (pinned) keep(id, { rule: 'pinned' });
    if (at < rules.last) keep(id, { rule: 'last' });
  });
  const asMade = inOrder(good);
  const within = new Set([...withinDays(good, rules, now), ...withinDays(asMade, rules, now)]);
  for (const id of within) keep(id, { rule: 'within' });
  for (const rule of PERIODS) {
    const kept = new Map(
      [good, asMade].flatMap((list) => newestOfEach(list, { rule, count: rules[rule], timeZone })),
    );
    for (const [id, period] of kept) keep(id, { rule, period });
  }
  return reasons;
}

function withinDays(
  newestFirst: readonly Candidate[],
  { withinDays: days }: Retention,
  now: number,
): string[] {
  const [newest] = newestFirst;
  if (!newest || days === 0) return [];
  const since = Math.min(newest.createdAt, now) - days * DAY_MS;
  return newestFirst.filter(({ createdAt }) => createdAt >= since).map(({ id }) => id);
}

/** The newest snapshot of each of the last so many periods that have one, with the period. */
function newestOfEach(
  newestFirst: readonly Candidate[],
  { count, rule, timeZone }: { rule: Period; count: number; timeZone: string },
): [id: string, period: string][] {
  const seen = new Set<string>();
  const kept: [string, string][] = [];
  for (const { createdAt, id } of newestFirst) {
    if (kept.length >= count) break;
    const { key, name } = periodOf(rule, timeZone, createdAt);
    if (seen.has(key)) continue;
    seen.add(key);
    kept.push([id, name]);
  }
  return kept;
}

/** Times as the order allows them: one that seems to be from after its successor counts as made when that was. */
function inOrder(newestFirst: readonly Candidate[]): Candidate[] {
  let latest = Number.POSITIVE_INFINITY;
  return newestFirst.map((one) => {
    latest = Math.min(latest, one.createdAt);
    return { ...one, createdAt: latest };
  });
}

function byNewest(a: Candidate, b: Candidate): number {
  return b.sequence - a.sequence;
}
