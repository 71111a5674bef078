import { Hono } from 'hono';
import type { AppDeps } from '../deps.ts';
import type { RequestEnv } from '../http/env.ts';

/** What the page for signing in has to know. Open to everybody. */
export function signInRoutes({ flowCookies, oidc }: Pick<AppDeps, 'flowCookies' | 'oidc'>) {
  return new Hono<RequestEnv>().get('/sign-in', (c) => {
    const name = oidc.settings.read()?.name;
    return c.json({
      provider: name === undefined ? null : { name },
      /** Why a sign-in with the provider came to nothing just now; told once. */
      failure: flowCookies.told(c),
    });
  });
}
