import { defaultKeyHasher } from '@better-auth/api-key';
import { findApiKeyByHash } from '../db/api-keys.ts';
import type { Db } from '../db/open.ts';
import type { Auth } from './auth.ts';
import { isRight, type Right } from './rights.ts';

/** Whom keys made on the host act for: whoever has that host may do everything anyway. */
export const HOST_USER = 'host';

export interface NewApiKey {
  id: string;
  /** The key itself; only its hash is kept. */
  key: string;
  name: string;
  createdAt: string;
  expiresAt: string | null;
}

/** Makes an API key. @param wish `scopes`: all it may do of what its user may; everything where absent */
export async function createApiKey(
  auth: Auth,
  wish: {
    name: string;
    userId: string;
    expiresInDays?: number | undefined;
    scopes?: readonly Right[] | undefined;
  },
): Promise<NewApiKey> {
  const { expiresInDays, name, scopes, userId } = wish;
  const made = await auth.api.createApiKey({
    body: {
      name,
      userId,
      ...(scopes === undefined ? {} : { permissions: { [SCOPES]: [...scopes] } }),
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

/** Under which name the plugin keeps what a key may do. */
const SCOPES = 'homeport';

/** What a key is limited to; undefined: to what its user may do. */
export function scopesOf({
  permissions,
}: {
  permissions?: string | Record<string, string[]> | null | undefined;
}): ReadonlySet<Right> | undefined {
  if (!permissions) return undefined;
  const parsed =
    typeof permissions === 'string' ? (JSON.parse(permissions) as Record<string, string[]>) : permissions;
  // Limited to something else than we know of is limited all the same.
  return new Set((parsed[SCOPES] ?? []).filter(isRight));
}

/** How exactly the last use of a key is known, in milliseconds. */
const USE_NOTED_EVERY_MS = 60_000;

interface KnownKey {
  id: string;
  name: string | null;
  /** Id of its user. */
  referenceId: string;
  permissions?: string | Record<string, string[]> | null | undefined;
}

/** The good key that `key` is; undefined where it is unknown, revoked or expired. */
export async function verifyApiKey(
  { auth, db }: { auth: Auth; db: Db },
  key: string,
): Promise<KnownKey | undefined> {
  // The plugin notes every use with a durable write: too much for a client that asks often.
  const known = findApiKeyByHash(db, await defaultKeyHasher(key));
  const now = Date.now();
  const good = known?.enabled && (known.expiresAt === null || known.expiresAt.getTime() > now);
  if (good && known.lastRequest && now - known.lastRequest.getTime() < USE_NOTED_EVERY_MS) return known;
  const { key: found, valid } = await auth.api.verifyApiKey({ body: { key } });
  return valid && found ? found : undefined;
}
