import { and, asc, eq } from 'drizzle-orm';
import type { Db } from './open.ts';
import { passkey } from './schema/auth.ts';

export type PasskeyRow = typeof passkey.$inferSelect;

/** A user's passkeys, oldest first. */
export function passkeysOf(db: Db, userId: string): PasskeyRow[] {
  return db.select().from(passkey).where(eq(passkey.userId, userId)).orderBy(asc(passkey.createdAt)).all();
}

/** @returns the one that was removed, if it was this user's */
export function removePasskey(db: Db, userId: string, id: string): PasskeyRow | undefined {
  const where = and(eq(passkey.id, id), eq(passkey.userId, userId));
  return db.delete(passkey).where(where).returning().get();
}
