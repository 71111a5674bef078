import { Hono } from 'hono';
import { z } from 'zod';
import { createApiKey } from '../auth/api-keys.ts';
import type { PrincipalEnv } from '../auth/principal.ts';
import { deleteApiKey, listApiKeys } from '../db/api-keys.ts';
import { listAudit } from '../db/audit.ts';
import type { AppDeps } from '../deps.ts';
import { auditAct, found } from '../http/acting.ts';
import { validate } from '../http/validate.ts';
import { iso } from '../views/times.ts';

const keyBody = z.object({
  name: z.string().trim().min(1).max(100),
  expiresInDays: z.number().int().min(1).max(3650).optional(),
});
const auditQuery = z.object({
  limit: z.coerce.number().int().min(1).max(500).default(100),
  before: z.coerce.number().int().positive().optional(),
});

export function settingsRoutes(deps: AppDeps) {
  const { auth, db, events } = deps;
  return new Hono<PrincipalEnv>()
    .get('/api-keys', (c) =>
      c.json(
        listApiKeys(db).map(({ createdAt, expiresAt, id, lastRequest, name, start }) => ({
          id,
          name: name ?? id,
          start: start ?? '',
          createdAt: createdAt.toISOString(),
          expiresAt: expiresAt?.toISOString() ?? null,
          lastUsedAt: lastRequest?.toISOString() ?? null,
        })),
      ),
    )
    .post('/api-keys', validate('json', keyBody), async (c) => {
      const { expiresInDays, name } = c.req.valid('json');
      const made = await createApiKey(auth, { name, expiresInDays, userId: c.get('principal').user.id });
      auditAct(deps, c, { action: 'api-key.create', target: { kind: 'api-key', id: made.id, name } });
      events.changed('settings');
      return c.json(made, 201);
    })
    .delete('/api-keys/:id', (c) => {
      const { id, name } = found(deleteApiKey(db, c.req.param('id')), 'API key');
      auditAct(deps, c, { action: 'api-key.revoke', target: { kind: 'api-key', id, name: name ?? id } });
      events.changed('settings');
      return c.json({ id });
    })
    .get('/audit', validate('query', auditQuery), (c) =>
      c.json(
        listAudit(db, c.req.valid('query')).map((row) => ({
          id: row.id,
          at: iso(row.at),
          actor: { kind: row.actorKind, id: row.actorId, name: row.actorName },
          action: row.action,
          target:
            row.targetKind === null ? null : { kind: row.targetKind, id: row.targetId, name: row.targetName },
          from: row.source,
          details: row.details === null ? null : (JSON.parse(row.details) as Record<string, string | number>),
        })),
      ),
    );
}
