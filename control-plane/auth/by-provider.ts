import type { BetterAuthPlugin } from 'better-auth';
import { APIError, createAuthEndpoint } from 'better-auth/api';
import { setSessionCookie } from 'better-auth/cookies';
import { z } from 'zod';

/**
 * What signing in with an OpenID provider needs of better-auth: sessions of its kind, and its count of tries. The
 * rest is in `oidc/`; better-auth's own way to providers would take an e-mail address for proof.
 */
export function byProvider() {
  return {
    id: 'by-provider',
    endpoints: {
      /** Does nothing but count against the limit of whoever asks. */
      countAttempt: createAuthEndpoint('/oidc/attempt', { method: 'POST' }, async (ctx) => ctx.json({})),
      /**
       * Without a path: only we can call it. The session dates from when its user proved who they are, which may be
       * long ago: whoever is signed in at the provider is not asked there.
       */
      signInAs: createAuthEndpoint(
        { method: 'POST', body: z.object({ userId: z.string(), provedAt: z.number() }) },
        async (ctx) => {
          const user = await ctx.context.internalAdapter.findUserById(ctx.body.userId);
          if (!user) throw new APIError('UNAUTHORIZED');
          const session = await ctx.context.internalAdapter.createSession(
            user.id,
            false,
            { createdAt: new Date(ctx.body.provedAt) },
            true,
          );
          await setSessionCookie(ctx, { session, user });
          return ctx.json({ token: session.token });
        },
      ),
    },
    rateLimit: [{ pathMatcher: (path) => path.startsWith('/oidc/'), window: 60, max: 20 }],
  } satisfies BetterAuthPlugin;
}
