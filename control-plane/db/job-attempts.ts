import { and, asc, eq } from 'drizzle-orm';
import type { AttemptRow } from './jobs.ts';
import type { Db } from './open.ts';
import { jobAttempts } from './schema/fleet.ts';

/** Keeps how an attempt stands; a number offered again after “busy” starts over. */
export function recordAttempt(db: Db, attempt: AttemptRow): void {
  db.insert(jobAttempts)
    .values(attempt)
    .onConflictDoUpdate({ target: [jobAttempts.jobId, jobAttempts.attempt], set: attempt })
    .run();
}

export function updateAttempt(
  db: Db,
  key: { jobId: string; attempt: number },
  set: Partial<Pick<AttemptRow, 'state' | 'finishedAt' | 'failure'>>,
): void {
  const where = and(eq(jobAttempts.jobId, key.jobId), eq(jobAttempts.attempt, key.attempt));
  db.update(jobAttempts).set(set).where(where).run();
}

export function attemptsOf(db: Db, jobId: string): AttemptRow[] {
  return db
    .select()
    .from(jobAttempts)
    .where(eq(jobAttempts.jobId, jobId))
    .orderBy(asc(jobAttempts.attempt))
    .all();
}
