import { and, desc, eq, gt, isNull } from 'drizzle-orm';
import type { Db } from './open.ts';
import { enrolmentTokens } from './schema/fleet.ts';

export type EnrolmentTokenRow = typeof enrolmentTokens.$inferSelect;

export function insertToken(db: Db, token: EnrolmentTokenRow): void {
  db.insert(enrolmentTokens).values(token).run();
}

export function findToken(db: Db, tokenHash: string): EnrolmentTokenRow | undefined {
  return db.select().from(enrolmentTokens).where(eq(enrolmentTokens.tokenHash, tokenHash)).get();
}

/** Tokens that can still be used, newest first. */
export function openTokens(db: Db, now: number): EnrolmentTokenRow[] {
  return db
    .select()
    .from(enrolmentTokens)
    .where(and(isNull(enrolmentTokens.usedAt), gt(enrolmentTokens.expiresAt, now)))
    .orderBy(desc(enrolmentTokens.createdAt))
    .all();
}

/** @returns whether this call was the one that used it */
export function redeemToken(db: Db, use: { id: string; agentId: string; now: number }): boolean {
  const where = and(
    eq(enrolmentTokens.id, use.id),
    isNull(enrolmentTokens.usedAt),
    gt(enrolmentTokens.expiresAt, use.now),
  );
  const set = { usedAt: use.now, agentId: use.agentId };
  return db.update(enrolmentTokens).set(set).where(where).run().changes > 0;
}

/** @returns the token that was withdrawn; undefined where it does not exist or was used */
export function withdrawToken(db: Db, id: string): EnrolmentTokenRow | undefined {
  const where = and(eq(enrolmentTokens.id, id), isNull(enrolmentTokens.usedAt));
  return db.delete(enrolmentTokens).where(where).returning().get();
}
