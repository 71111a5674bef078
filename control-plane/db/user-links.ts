import { and, asc, eq, gt, lte } from 'drizzle-orm';
import type { Db } from './open.ts';
import { userLinks } from './schema/auth.ts';

export type UserLinkRow = typeof userLinks.$inferSelect;

export function insertLink(db: Db, link: UserLinkRow): void {
  db.insert(userLinks).values(link).run();
}

/** @param hash SHA-256 of the token, hex */
export function findLink(db: Db, hash: string): UserLinkRow | undefined {
  return db.select().from(userLinks).where(eq(userLinks.tokenHash, hash)).get();
}

/** Invitations that still work, oldest first. */
export function openInvitations(db: Db, now: Date): UserLinkRow[] {
  const where = and(eq(userLinks.kind, 'invitation'), gt(userLinks.expiresAt, now));
  return db.select().from(userLinks).where(where).orderBy(asc(userLinks.createdAt)).all();
}

export function findInvitation(db: Db, id: string): UserLinkRow | undefined {
  const where = and(eq(userLinks.id, id), eq(userLinks.kind, 'invitation'));
  return db.select().from(userLinks).where(where).get();
}

/** @returns whether it was there: of two that take one at the same time one gets it */
export function takeLink(db: Db, id: string): boolean {
  return db.delete(userLinks).where(eq(userLinks.id, id)).run().changes > 0;
}

/** Links to a user's account that were made before. */
export function dropLinksOf(db: Db, userId: string): void {
  db.delete(userLinks).where(eq(userLinks.userId, userId)).run();
}

export function dropExpiredLinks(db: Db, now: Date): void {
  db.delete(userLinks).where(lte(userLinks.expiresAt, now)).run();
}
