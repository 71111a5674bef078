import { Hono } from 'hono';
import { z } from 'zod';
import { joinCommand } from '../agents/join-command.ts';
import type { PrincipalEnv } from '../auth/principal.ts';
import { openTokens, withdrawToken } from '../db/enrolment-tokens.ts';
import type { AppDeps } from '../deps.ts';
import { auditAct, found } from '../http/acting.ts';
import { validate } from '../http/validate.ts';
import { iso } from '../views/times.ts';

const tokenBody = z.object({
  name: z.string().trim().min(1).max(255).optional(),
  expiresInMinutes: z.number().int().min(1).max(10_080).default(60),
});

export function enrolmentTokenRoutes(deps: AppDeps) {
  const { clock, db, enrolment, events, release, url } = deps;
  return new Hono<PrincipalEnv>()
    .get('/enrolment-tokens', (c) =>
      c.json(
        openTokens(db, clock.now()).map(({ createdAt, createdBy, expiresAt, id, name }) => ({
          id,
          name,
          createdBy,
          createdAt: iso(createdAt),
          expiresAt: iso(expiresAt),
        })),
      ),
    )
    .post('/enrolment-tokens', validate('json', tokenBody), async (c) => {
      const { expiresInMinutes, name = null } = c.req.valid('json');
      const by = c.get('principal').user.name;
      const { row, token } = enrolment.createToken({ name, lifetimeMs: expiresInMinutes * 60_000, by });
      auditAct(deps, c, {
        action: 'enrolment-token.create',
        target: { kind: 'enrolment-token', id: row.id, name: name ?? undefined },
        details: { expiresAt: iso(row.expiresAt) },
      });
      events.changed('agents');
      const join = await joinCommand(release, url, token);
      return c.json({ id: row.id, token, url, ...join, expiresAt: iso(row.expiresAt) }, 201);
    })
    .delete('/enrolment-tokens/:id', (c) => {
      const { id, name } = found(withdrawToken(db, c.req.param('id')), 'enrolment token');
      const target = { kind: 'enrolment-token', id, name: name ?? undefined };
      auditAct(deps, c, { action: 'enrolment-token.withdraw', target });
      events.changed('agents');
      return c.json({ id });
    });
}
