import { asc, count, eq } from 'drizzle-orm';
import type { Db } from './open.ts';
import { account, user } from './schema/auth.ts';

export type UserRow = typeof user.$inferSelect;

export function countUsers(db: Db): number {
  return db.select({ n: count() }).from(user).get()?.n ?? 0;
}

export function findUser(db: Db, id: string): UserRow | undefined {
  return db.select().from(user).where(eq(user.id, id)).get();
}

/** The owner: the user that came first. */
export function firstUser(db: Db): UserRow | undefined {
  return db.select().from(user).orderBy(asc(user.createdAt)).get();
}

/** The first user, with the password account better-auth signs in with. */
export function insertOwner(
  db: Db,
  owner: { id: string; name: string; email: string; passwordHash: string; now: Date },
): void {
  const { email, id, name, now, passwordHash } = owner;
  const times = { createdAt: now, updatedAt: now };
  db.insert(user)
    .values({ id, name, email, emailVerified: false, ...times })
    .run();
  db.insert(account)
    .values({ id, accountId: id, providerId: 'credential', userId: id, password: passwordHash, ...times })
    .run();
}
