import { Hono } from 'hono';
import { z } from 'zod';
import { checkOrigin } from '../auth/principal.ts';
import { createOwner, setupNeeded } from '../auth/setup.ts';
import type { AppDeps } from '../deps.ts';
import { accountFields } from '../http/account-fields.ts';
import type { RequestEnv } from '../http/env.ts';
import { signInHere } from '../http/sign-in.ts';
import { validate } from '../http/validate.ts';

const setupBody = z.object({ token: z.string().min(1).max(128), ...accountFields });

/** The owner's account, made once with the link from the log. Open to everybody. */
export function setupRoutes(deps: AppDeps) {
  const { audit, auth, db, origins } = deps;
  return new Hono<RequestEnv>()
    .get('/setup', (c) => c.json({ needed: setupNeeded(db) }))
    .post('/setup', validate('json', setupBody), async (c) => {
      const origin = c.req.header('origin');
      if (origin !== undefined) checkOrigin(origin, origins);
      const { token, ...owner } = c.req.valid('json');
      const { password } = await auth.$context;
      const { id } = await createOwner({ ...deps, hashPassword: password.hash }, token, owner);
      const { email, name } = owner;
      audit({
        actor: { kind: 'user', id, name },
        action: 'owner.create',
        target: { kind: 'user', id, name },
        from: c.get('from'),
      });
      await signInHere(c, auth, { email, password: owner.password });
      return c.json({ user: { id, name, email: email.toLowerCase() } }, 201);
    });
}
