import { and, eq } from 'drizzle-orm';
import type { Db } from './open.ts';
import { settings } from './schema/fleet.ts';

export function readSetting(db: Db, key: string): string | undefined {
  return db.select().from(settings).where(eq(settings.key, key)).get()?.value;
}

export function writeSetting(db: Db, key: string, value: string): void {
  db.insert(settings)
    .values({ key, value })
    .onConflictDoUpdate({ target: settings.key, set: { value } })
    .run();
}

/** Removes a setting that still has this value. @returns whether this call was the one that removed it */
export function takeSetting(db: Db, key: string, value: string): boolean {
  const where = and(eq(settings.key, key), eq(settings.value, value));
  return db.delete(settings).where(where).run().changes > 0;
}

export function dropSetting(db: Db, key: string): void {
  db.delete(settings).where(eq(settings.key, key)).run();
}
