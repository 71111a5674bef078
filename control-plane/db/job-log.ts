import { and, asc, desc, eq, lte } from 'drizzle-orm';
import type { Db } from './open.ts';
import { jobLog } from './schema/fleet.ts';

/** Lines kept of one job; the oldest go first. */
const MAX_LINES = 2_000;

export interface LogLine {
  /** Milliseconds since the epoch. */
  at: number;
  text: string;
}

export function appendLog(db: Db, jobId: string, lines: readonly LogLine[]): void {
  if (lines.length === 0) return;
  db.transaction(() => {
    db.insert(jobLog)
      .values(lines.map((line) => ({ jobId, ...line })))
      .run();
    const surplus = db
      .select({ id: jobLog.id })
      .from(jobLog)
      .where(eq(jobLog.jobId, jobId))
      .orderBy(desc(jobLog.id))
      .limit(1)
      .offset(MAX_LINES)
      .get();
    if (surplus)
      db.delete(jobLog)
        .where(and(eq(jobLog.jobId, jobId), lte(jobLog.id, surplus.id)))
        .run();
  });
}

export function logOf(db: Db, jobId: string): LogLine[] {
  return db
    .select({ at: jobLog.at, text: jobLog.text })
    .from(jobLog)
    .where(eq(jobLog.jobId, jobId))
    .orderBy(asc(jobLog.id))
    .all();
}
