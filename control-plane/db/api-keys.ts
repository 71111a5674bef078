import { desc, eq } from 'drizzle-orm';
import type { Db } from './open.ts';
import { apikey } from './schema/auth.ts';

export type ApiKeyRow = typeof apikey.$inferSelect;

export function listApiKeys(db: Db): ApiKeyRow[] {
  return db.select().from(apikey).orderBy(desc(apikey.createdAt)).all();
}

export function findApiKey(db: Db, id: string): ApiKeyRow | undefined {
  return db.select().from(apikey).where(eq(apikey.id, id)).get();
}

/** @param hash as the plugin keeps keys */
export function findApiKeyByHash(db: Db, hash: string): ApiKeyRow | undefined {
  return db.select().from(apikey).where(eq(apikey.key, hash)).get();
}

/** @returns the key that was removed */
export function deleteApiKey(db: Db, id: string): ApiKeyRow | undefined {
  return db.delete(apikey).where(eq(apikey.id, id)).returning().get();
}
