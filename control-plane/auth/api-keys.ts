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
