import type { Db } from '../db/open.ts';
import { type Judging, type MarkedSnapshot, markedSnapshots, putMark } from '../db/snapshot-marks.ts';
import { scheduleSchema } from '../policies/schedule.ts';
import { decide } from './decide.ts';
import { type Reason, retentionSchema } from './rules.ts';

const DAY_MS = 86_400_000;

/**
 * Writes down what keeps each snapshot of a database, and when one that nothing keeps is deleted. Without rules all stay.
 * @returns whether anything is other than before
 */
export function judgeDatabase(
  db: Db,
  { databaseId, judging, now }: { databaseId: string; judging: Judging | undefined; now: number },
): boolean {
  const snapshots = markedSnapshots(db, databaseId);
  const verdict = verdictOf(snapshots, judging, now);
  let changed = false;
  db.transaction(() => {
    for (const one of snapshots) {
      const { expiresAt: before = null, reasons: told = null } = one.mark ?? {};
      const reasons = verdict.reasons.get(one.id) ?? [];
      const isKept = judging === undefined || reasons.length > 0;
      // A clock that was ahead has not put it off for long.
      const grace = now + verdict.graceDays * DAY_MS;
      const expiresAt = isKept ? null : Math.min(before ?? grace, grace);
      const text = reasons.length > 0 ? JSON.stringify(reasons) : null;
      if (expiresAt === before && text === told) continue;
      putMark(db, one, { expiresAt, reasons: text });
      changed = true;
    }
  });
  return changed;
}

/** What rules make of the snapshots of a database. */
export function verdictOf(
  snapshots: readonly MarkedSnapshot[],
  judging: Pick<Judging, 'retention' | 'schedule'> | undefined,
  now: number,
): { reasons: Map<string, Reason[]>; graceDays: number } {
  if (judging === undefined) return { reasons: new Map(), graceDays: 0 };
  const rules = retentionSchema.parse(JSON.parse(judging.retention));
  const { timeZone } = scheduleSchema.parse(JSON.parse(judging.schedule));
  const candidates = snapshots.map(({ damagedAt, drilled, mark, ...one }) => ({
    ...one,
    pinned: Boolean(mark?.pinnedAt),
    drilled: drilled !== null,
    damaged: damagedAt !== null,
  }));
  return { reasons: decide(candidates, rules, { now, timeZone }), graceDays: rules.graceDays };
}
