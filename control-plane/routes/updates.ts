import { Hono } from 'hono';
import type { PrincipalEnv } from '../auth/principal.ts';
import { findAgent } from '../db/agents.ts';
import type { AppDeps } from '../deps.ts';
import { found } from '../http/acting.ts';
import { updatesView, updateView } from '../views/updates.ts';

export function updateRoutes(deps: AppDeps) {
  const { db, updates } = deps;
  return new Hono<PrincipalEnv>()
    .get('/updates', async (c) => c.json(await updatesView(deps)))
    .post('/agents/:id/update', async (c) => {
      const agent = found(findAgent(db, c.req.param('id')), 'agent');
      const asker = { actor: c.get('principal').actor, from: c.get('from') };
      return c.json(updateView(await updates.begin(agent.id, asker)), 202);
    });
}
