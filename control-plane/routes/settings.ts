import { Hono } from 'hono';
import { z } from 'zod';
import { requirePerson, requireRights } from '../auth/admit.ts';
import { createApiKey, scopesOf } from '../auth/api-keys.ts';
import type { Principal, PrincipalEnv } from '../auth/principal.ts';
import { RIGHTS } from '../auth/rights.ts';
import { type ApiKeyRow, deleteApiKey, findApiKey, listApiKeys } from '../db/api-keys.ts';
import type { Db } from '../db/open.ts';
import { findUser } from '../db/users.ts';
import type { AppDeps } from '../deps.ts';
import { auditAct, found } from '../http/acting.ts';
import { validate } from '../http/validate.ts';

const keyBody = z.object({
  name: z.string().trim().min(1).max(100),
  expiresInDays: z.number().int().min(1).max(3650).optional(),
  /** All it may do of what its user may; everything where absent. */
  scopes: z.array(z.enum(RIGHTS)).min(1).max(RIGHTS.length).optional(),
});

export function settingsRoutes(deps: AppDeps) {
  const { auth, db, events } = deps;
  return new Hono<PrincipalEnv>()
    .get('/api-keys', (c) =>
      c.json(
        listApiKeys(db)
          .filter((key) => mayEnd(c.get('principal'), key))
          .map((key) => keyView(db, key)),
      ),
    )
    .post('/api-keys', validate('json', keyBody), async (c) => {
      requirePerson(c);
      const { expiresInDays, name, scopes } = c.req.valid('json');
      const { rights, user } = c.get('principal');
      // Also where the caller's own key is limited: no key makes one that may do more.
      const given = (scopes ?? RIGHTS).filter((right) => rights.has(right));
      const beyond = scopes?.find((right) => !rights.has(right));
      if (beyond !== undefined) requireRights(c, beyond);
      const made = await createApiKey(auth, { name, expiresInDays, scopes: given, userId: user.id });
      const target = { kind: 'api-key', id: made.id, name };
      auditAct(deps, c, { action: 'api-key.create', target, details: { scopes: given.join(', ') } });
      events.changed('settings');
      return c.json({ ...made, scopes: given }, 201);
    })
    .delete('/api-keys/:id', (c) => {
      requirePerson(c);
      const key = found(findApiKey(db, c.req.param('id')), 'API key');
      // Other people's keys are not there for those who may not end them.
      const { id, name } = found(mayEnd(c.get('principal'), key) ? key : undefined, 'API key');
      deleteApiKey(db, id);
      auditAct(deps, c, { action: 'api-key.revoke', target: { kind: 'api-key', id, name: name ?? id } });
      events.changed('settings');
      return c.json({ id });
    });
}

/** One's own keys; those who administer end everybody's: a leaked key waits for no owner. */
function mayEnd({ rights, user }: Principal, { referenceId }: ApiKeyRow): boolean {
  return referenceId === user.id || rights.has('administer');
}

function keyView(db: Db, key: ApiKeyRow) {
  const { createdAt, expiresAt, id, lastRequest, name, referenceId, start } = key;
  const scopes = scopesOf(key);
  return {
    id,
    name: name ?? id,
    start: start ?? '',
    /** Null: all that its user may. */
    scopes: scopes ? [...scopes] : null,
    /** Whom it acts for; null: whoever has the control plane's host. */
    user: findUser(db, referenceId)?.name ?? null,
    createdAt: createdAt.toISOString(),
    expiresAt: expiresAt?.toISOString() ?? null,
    lastUsedAt: lastRequest?.toISOString() ?? null,
  };
}
