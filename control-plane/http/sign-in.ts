import type { Context } from 'hono';
import { type Auth, CLIENT_HEADER } from '../auth/auth.ts';
import type { RequestEnv } from './env.ts';

/**
 * Signs in whoever has just chosen that password, in the browser that asked. The answer says nothing more than it
 * would to somebody else: an account with a second factor gets no session by this.
 */
export async function signInHere(
  c: Context<RequestEnv>,
  auth: Auth,
  who: { email: string; password: string },
): Promise<void> {
  const headers = new Headers(c.req.raw.headers);
  headers.set(CLIENT_HEADER, c.get('from'));
  const signedIn = await auth.api.signInEmail({ body: who, headers, asResponse: true });
  for (const cookie of signedIn.headers.getSetCookie()) c.header('set-cookie', cookie, { append: true });
}
