import { and, desc, eq, gt, ne } from 'drizzle-orm';
import type { Db } from './open.ts';
import { session } from './schema/auth.ts';

export type SessionRow = typeof session.$inferSelect;

/** A user's sessions that have not expired, newest first. */
export function sessionsOf(db: Db, userId: string, now: Date): SessionRow[] {
  const where = and(eq(session.userId, userId), gt(session.expiresAt, now));
  return db.select().from(session).where(where).orderBy(desc(session.createdAt)).all();
}

/** @returns the session that was ended, if it was this user's */
export function endSession(db: Db, userId: string, id: string): SessionRow | undefined {
  const where = and(eq(session.id, id), eq(session.userId, userId));
  return db.delete(session).where(where).returning().get();
}

/** Ends whatever a token opens. */
export function endSessionOf(db: Db, token: string): void {
  db.delete(session).where(eq(session.token, token)).run();
}

/** @returns how many were ended */
export function endOtherSessions(db: Db, userId: string, keep: string): number {
  const where = and(eq(session.userId, userId), ne(session.id, keep));
  return db.delete(session).where(where).run().changes;
}
