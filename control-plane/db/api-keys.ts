import { desc, eq } from 'drizzle-orm';
import type { Db } from './open.ts';
import { apikey } from './schema/auth.ts';

export type ApiKeyRow = typeof apikey.$inferSelect;

export function listApiKeys(db: Db): ApiKeyRow[] {
  return db.select().from(apikey).orderBy(desc(apikey.createdAt)).all();
}

/** @returns the key that was removed */
export function deleteApiKey(db: Db, id: string): ApiKeyRow | undefined {
  return db.delete(apikey).where(eq(apikey.id, id)).returning().get();
}
