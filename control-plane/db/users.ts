import { randomUUID } from 'node:crypto';
import { and, asc, count, eq } from 'drizzle-orm';
import type { Standing } from '../auth/rights.ts';
import type { Db } from './open.ts';
import { account, apikey, passkey, session, twoFactor, user } from './schema/auth.ts';

export type UserRow = typeof user.$inferSelect;

export function countUsers(db: Db): number {
  return db.select({ n: count() }).from(user).get()?.n ?? 0;
}

export function findUser(db: Db, id: string): UserRow | undefined {
  return db.select().from(user).where(eq(user.id, id)).get();
}

/** By name. */
export function listUsers(db: Db): UserRow[] {
  return db.select().from(user).orderBy(asc(user.name), asc(user.id)).all();
}

export function findUserByEmail(db: Db, email: string): UserRow | undefined {
  return db.select().from(user).where(eq(user.email, email.toLowerCase())).get();
}

export function countOwners(db: Db): number {
  return db.select({ n: count() }).from(user).where(eq(user.role, 'owner')).get()?.n ?? 0;
}

/**
 * A user, with the password account better-auth signs in with.
 * @param wish `passwordHash`: null for who comes in by another way
 */
export function insertUser(
  db: Db,
  wish: Standing & { id: string; name: string; email: string; passwordHash: string | null; now: Date },
): void {
  const { email, extraRights, id, labels, name, now, passwordHash, role } = wish;
  const times = { createdAt: now, updatedAt: now };
  const standing = { role, extraRights: [...extraRights], labels: labels && [...labels] };
  db.insert(user)
    .values({ id, name, email: email.toLowerCase(), emailVerified: false, ...standing, ...times })
    .run();
  if (passwordHash !== null) insertPassword(db, { userId: id, passwordHash, now });
}

function insertPassword(db: Db, wish: { userId: string; passwordHash: string; now: Date }): void {
  const { now, passwordHash, userId } = wish;
  const times = { createdAt: now, updatedAt: now };
  const own = { id: randomUUID(), accountId: userId, providerId: PASSWORD, userId };
  db.insert(account)
    .values({ ...own, password: passwordHash, ...times })
    .run();
}

/** What better-auth calls an account that is signed in to with a password. */
export const PASSWORD = 'credential';

/** The password a user has now: a change keeps its id, a recovery makes another one. */
export function passwordOf(db: Db, userId: string): { id: string; hash: string | null } | undefined {
  const where = and(eq(account.userId, userId), eq(account.providerId, PASSWORD));
  return db.select({ id: account.id, hash: account.password }).from(account).where(where).get();
}

/** Gives a user a new password, which is then the only way in, and ends all their sessions. */
export function resetPassword(db: Db, wish: { userId: string; passwordHash: string; now: Date }): void {
  const { userId } = wish;
  // With the accounts at providers: one of them may be another's, who is to be put out.
  db.delete(account).where(eq(account.userId, userId)).run();
  insertPassword(db, wish);
  db.delete(twoFactor).where(eq(twoFactor.userId, userId)).run();
  db.delete(passkey).where(eq(passkey.userId, userId)).run();
  db.update(user).set({ twoFactorEnabled: false }).where(eq(user.id, userId)).run();
  db.delete(session).where(eq(session.userId, userId)).run();
}

export function changeStanding(db: Db, id: string, { extraRights, labels, role }: Standing): void {
  const set = { role, extraRights: [...extraRights], labels: labels && [...labels] };
  db.update(user).set(set).where(eq(user.id, id)).run();
}

/** Removes a user, with sessions and API keys. */
export function removeUser(db: Db, id: string): void {
  db.delete(apikey).where(eq(apikey.referenceId, id)).run();
  db.delete(user).where(eq(user.id, id)).run();
}
