import type { QueryClient } from '@tanstack/react-query';
import { redirect } from '@tanstack/react-router';
import { ApiError } from '../api/client.ts';
import { queries } from '../api/queries.ts';

/** Lets only a signed-in person in; others go to set-up while there is no owner, else to the login. */
export async function requireSession(client: QueryClient, href: string): Promise<void> {
  try {
    await client.ensureQueryData(queries.me());
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 401) throw error;
    const { needed } = await client.fetchQuery(queries.setup());
    if (needed) throw redirect({ to: '/setup' });
    throw redirect({ to: '/login', search: href === '/' ? {} : { next: href } });
  }
}

const HERE = 'http://here.invalid';

/** The page to go to after signing in; only a path of our own. */
export function safeNext(next: unknown): string | undefined {
  // As a browser reads it: “//host” is another host's address, with a backslash in it, too.
  const url = typeof next === 'string' && /^\/\P{Cc}*$/u.test(next) ? URL.parse(next, HERE) : null;
  return url?.origin === HERE && !url.pathname.startsWith('//') ? (next as string) : undefined;
}
