import { randomUUID } from 'node:crypto';
import { and, asc, count, eq, inArray, ne } from 'drizzle-orm';
import type { Db } from './open.ts';
import { account, passkey } from './schema/auth.ts';
import { PASSWORD } from './users.ts';

/** Somebody’s account at an OpenID provider, as a way in to theirs here. */
export interface IdentityRow {
  id: string;
  userId: string;
  issuer: string;
  subject: string;
  createdAt: Date;
}

const columns = {
  id: account.id,
  userId: account.userId,
  issuer: account.providerId,
  subject: account.accountId,
  createdAt: account.createdAt,
};

/** Whose it is: an issuer and a subject name one person. */
export function findIdentity(db: Db, issuer: string, subject: string): IdentityRow | undefined {
  const where = and(eq(account.providerId, issuer), eq(account.accountId, subject));
  return db.select(columns).from(account).where(where).get();
}

/** A user's, oldest first. */
export function identitiesOf(db: Db, userId: string): IdentityRow[] {
  const where = and(eq(account.userId, userId), ne(account.providerId, PASSWORD));
  return db.select(columns).from(account).where(where).orderBy(asc(account.createdAt)).all();
}

/** Call it in a transaction that has looked for the same one before. */
export function insertIdentity(
  db: Db,
  { issuer, now, subject, userId }: { userId: string; issuer: string; subject: string; now: Date },
): void {
  const times = { createdAt: now, updatedAt: now };
  db.insert(account)
    .values({ id: randomUUID(), userId, providerId: issuer, accountId: subject, ...times })
    .run();
}

/** @returns the one that was removed, if it was this user's */
export function removeIdentity(db: Db, userId: string, id: string): IdentityRow | undefined {
  const where = and(eq(account.id, id), eq(account.userId, userId), ne(account.providerId, PASSWORD));
  return db.delete(account).where(where).returning(columns).get();
}

/** How many ways a user has to sign in; accounts at providers lead in only at the `issuer` that is set up. */
export function waysIn(
  db: Db,
  userId: string,
  issuer: string | undefined,
): { password: boolean; passkeys: number; identities: number } {
  const kinds = db
    .select({ kind: account.providerId })
    .from(account)
    .where(eq(account.userId, userId))
    .all()
    .map(({ kind }) => kind);
  const passkeys = db.select({ n: count() }).from(passkey).where(eq(passkey.userId, userId)).get()?.n ?? 0;
  const identities = kinds.filter((kind) => kind === issuer).length;
  return { password: kinds.includes(PASSWORD), passkeys, identities };
}

/** How many users are connected to an issuer, and how many of them have no other way in. */
export function usersOf(db: Db, issuer: string): { connected: number; withNothingElse: number } {
  const ids = db
    .selectDistinct({ id: account.userId })
    .from(account)
    .where(eq(account.providerId, issuer))
    .all()
    .map(({ id }) => id);
  const others = new Set(
    [
      ...db
        .select({ id: account.userId })
        .from(account)
        .where(and(inArray(account.userId, ids), eq(account.providerId, PASSWORD)))
        .all(),
      ...db.select({ id: passkey.userId }).from(passkey).where(inArray(passkey.userId, ids)).all(),
    ].map(({ id }) => id),
  );
  return { connected: ids.length, withNothingElse: ids.filter((id) => !others.has(id)).length };
}
