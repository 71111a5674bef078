import { Hono } from 'hono';
import { requirePerson } from '../auth/admit.ts';
import type { PrincipalEnv } from '../auth/principal.ts';
import { passkeysOf, removePasskey } from '../db/passkeys.ts';
import type { AppDeps } from '../deps.ts';
import { auditAct, found } from '../http/acting.ts';
import { requireOtherWay } from '../http/ways-in.ts';

/** The caller's passkeys; they are made and used under `/api/auth/passkey`. */
export function passkeyRoutes(deps: AppDeps) {
  const { db } = deps;
  return new Hono<PrincipalEnv>()
    .get('/me/passkeys', (c) => {
      requirePerson(c);
      return c.json(
        passkeysOf(db, c.get('principal').user.id).map(({ backedUp, createdAt, id, name }) => ({
          id,
          name: name ?? 'Passkey',
          /** Whether the device that made it shares it with others of its owner. */
          synced: backedUp,
          createdAt: createdAt?.toISOString() ?? null,
        })),
      );
    })
    .delete('/me/passkeys/:id', (c) => {
      requirePerson(c);
      const { user } = c.get('principal');
      const own = passkeysOf(db, user.id).some(({ id }) => id === c.req.param('id'));
      if (own) requireOtherWay(deps, user.id);
      const { id, name } = found(removePasskey(db, user.id, c.req.param('id')), 'passkey');
      const target = { kind: 'passkey', id, name: name ?? undefined };
      auditAct(deps, c, { action: 'user.remove-passkey', target });
      return c.json({ id });
    });
}
