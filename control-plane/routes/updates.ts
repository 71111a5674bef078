import { Hono } from 'hono';
import { z } from 'zod';
import type { PrincipalEnv } from '../auth/principal.ts';
import { findAgent } from '../db/agents.ts';
import type { AppDeps } from '../deps.ts';
import { found } from '../http/acting.ts';
import { validate } from '../http/validate.ts';
import { rolloutView, updatesView, updateView } from '../views/updates.ts';

const wishBody = z.object({
  canary: z.uuid().optional(),
  batchSize: z.number().int().min(1).max(1000).default(10),
});

export function updateRoutes(deps: AppDeps) {
  const { db, rollouts, updates } = deps;
  return new Hono<PrincipalEnv>()
    .get('/updates', async (c) => c.json(await updatesView(deps)))
    .post('/agents/:id/update', async (c) => {
      const agent = found(findAgent(db, c.req.param('id')), 'agent');
      const asker = { actor: c.get('principal').actor, from: c.get('from') };
      return c.json(updateView(await updates.begin(agent.id, asker)), 202);
    })
    .post('/rollouts', validate('json', wishBody), async (c) => {
      const asker = { actor: c.get('principal').actor, from: c.get('from') };
      return c.json(rolloutView(deps, await rollouts.begin(c.req.valid('json'), asker)), 201);
    })
    .post('/rollouts/:id/stop', (c) => {
      const asker = { actor: c.get('principal').actor, from: c.get('from') };
      return c.json(rolloutView(deps, rollouts.stop(c.req.param('id'), asker)));
    });
}
