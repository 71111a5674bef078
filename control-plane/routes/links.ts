import { Hono } from 'hono';
import { z } from 'zod';
import { fail } from '../../protocol/failure.ts';
import { acceptInvitation, acceptRecovery, lookAtLink } from '../auth/links.ts';
import { checkOrigin } from '../auth/principal.ts';
import { findUser } from '../db/users.ts';
import type { AppDeps } from '../deps.ts';
import { accountFields } from '../http/account-fields.ts';
import type { RequestEnv } from '../http/env.ts';
import { signInHere } from '../http/sign-in.ts';
import { validate } from '../http/validate.ts';

const token = z.string().min(1).max(128);
const acceptBody = z.object({
  token,
  password: accountFields.password,
  /** Invitations only: recovery changes neither. */
  name: accountFields.name.optional(),
  email: accountFields.email.optional(),
});

/** Invitations and ways back into an account, for whoever has the link. Open to everybody. */
export function linkRoutes(deps: AppDeps) {
  const { audit, auth, db, events, origins } = deps;
  return (
    new Hono<RequestEnv>()
      // A POST, so that the token is in no address and no log.
      .post('/links/look', validate('json', z.object({ token })), (c) => {
        const { createdBy, expiresAt, kind, role, userId } = lookAtLink(deps, c.req.valid('json').token);
        const user = userId === null ? undefined : findUser(db, userId);
        const whose = user ? { name: user.name, email: user.email } : null;
        return c.json({ kind, role, createdBy, expiresAt: expiresAt.toISOString(), user: whose });
      })
      .post('/links/accept', validate('json', acceptBody), async (c) => {
        const origin = c.req.header('origin');
        if (origin !== undefined) checkOrigin(origin, origins);
        const wish = c.req.valid('json');
        const { password } = await auth.$context;
        const accepting = { ...deps, hashPassword: password.hash };
        const link = lookAtLink(deps, wish.token);
        const { kind } = link;
        const joined =
          kind === 'invitation'
            ? await join(accepting, wish)
            : await acceptRecovery(accepting, wish.token, wish.password);
        const { email, id, name } = joined;
        const by = { kind: 'user' as const, id, name };
        const action = kind === 'invitation' ? 'user.join' : 'user.recover';
        const details = { linkId: link.id, madeBy: link.createdBy, role: link.role };
        audit({ actor: by, action, target: by, from: c.get('from'), details });
        events.changed('settings');
        await signInHere(c, auth, { email, password: wish.password });
        return c.json({ user: { id, name, email } }, 201);
      })
  );
}

async function join(
  deps: Parameters<typeof acceptInvitation>[0],
  { email, name, password, token }: z.infer<typeof acceptBody>,
): Promise<{ id: string; name: string; email: string }> {
  if (email === undefined || name === undefined) {
    throw fail('invalid_input', 'name, email: are missing.', 'Give both, and a password.');
  }
  const { id } = await acceptInvitation(deps, token, { name, email, password });
  return { id, name, email: email.toLowerCase() };
}
