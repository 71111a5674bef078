import { defaultKeyHasher } from '@better-auth/api-key';
import { findApiKeyByHash } from '../db/api-keys.ts';
import type { Db } from '../db/open.ts';
import type { Auth } from './auth.ts';

/** Whom keys made on the host act for while there is no owner. */
export const HOST_USER = 'host';

export interface NewApiKey {
  id: string;
  /** The key itself; only its hash is kept. */
  key: string;
  name: string;
  createdAt: string;
  expiresAt: string | null;
}

/** Makes an API key. */
export async function createApiKey(
  auth: Auth,
  wish: { name: string; userId: string; expiresInDays?: number | undefined },
): Promise<NewApiKey> {
  const { expiresInDays, name, userId } = wish;
  const made = await auth.api.createApiKey({
    body: {
      name,
      userId,
      ...(expiresInDays === undefined ? {} : { expiresIn: Math.round(expiresInDays * 24 * 3600) }),
    },
  });
  return {
    id: made.id,
    key: made.key,
    name,
    createdAt: new Date(made.createdAt).toISOString(),
    expiresAt: made.expiresAt ? new Date(made.expiresAt).toISOString() : null,
  };
}

/** How exactly the last use of a key is known, in milliseconds. */
const USE_NOTED_EVERY_MS = 60_000;

/** The good key that `key` is; undefined where it is unknown, revoked or expired. */
export async function verifyApiKey(
  { auth, db }: { auth: Auth; db: Db },
  key: string,
): Promise<{ id: string; name: string | null; referenceId: string } | undefined> {
  // The plugin notes every use with a durable write: too much for a client that asks often.
  const known = findApiKeyByHash(db, await defaultKeyHasher(key));
  const now = Date.now();
  const good = known?.enabled && (known.expiresAt === null || known.expiresAt.getTime() > now);
  if (good && known.lastRequest && now - known.lastRequest.getTime() < USE_NOTED_EVERY_MS) return known;
  const { key: found, valid } = await auth.api.verifyApiKey({ body: { key } });
  return valid && found ? found : undefined;
}
