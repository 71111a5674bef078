import { Hono } from 'hono';
import { requirePerson } from '../auth/admit.ts';
import type { PrincipalEnv } from '../auth/principal.ts';
import { endOtherSessions, endSession, sessionsOf } from '../db/sessions.ts';
import type { AppDeps } from '../deps.ts';
import { auditAct, found } from '../http/acting.ts';

/** Where the caller is signed in. Better-auth's own list hands out the tokens as well. */
export function sessionRoutes(deps: AppDeps) {
  const { clock, db } = deps;
  return new Hono<PrincipalEnv>()
    .get('/me/sessions', (c) => {
      requirePerson(c);
      const { sessionId, user } = c.get('principal');
      return c.json(
        sessionsOf(db, user.id, new Date(clock.now())).map(({ createdAt, id, ipAddress, userAgent }) => ({
          id,
          current: id === sessionId,
          signedInAt: createdAt.toISOString(),
          from: ipAddress,
          userAgent,
        })),
      );
    })
    .delete('/me/sessions/:id', (c) => {
      requirePerson(c);
      const { user } = c.get('principal');
      const { id } = found(endSession(db, user.id, c.req.param('id')), 'session');
      auditAct(deps, c, {
        action: 'user.end-sessions',
        target: { kind: 'user', id: user.id, name: user.name },
      });
      return c.json({ id });
    })
    .delete('/me/sessions', (c) => {
      requirePerson(c);
      const { sessionId, user } = c.get('principal');
      const ended = endOtherSessions(db, user.id, sessionId ?? '');
      const target = { kind: 'user', id: user.id, name: user.name };
      auditAct(deps, c, { action: 'user.end-sessions', target, details: { ended } });
      return c.json({ ended });
    });
}
