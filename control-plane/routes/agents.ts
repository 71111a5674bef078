import { Hono } from 'hono';
import { z } from 'zod';
import type { Verdict } from '../../protocol/doctor.ts';
import { fail } from '../../protocol/failure.ts';
import { requireAbility } from '../agents/abilities.ts';
import { revoke } from '../agents/membership.ts';
import type { PrincipalEnv } from '../auth/principal.ts';
import { findAgent, renameAgent } from '../db/agents.ts';
import type { AppDeps } from '../deps.ts';
import { auditAct, found, requireConfirmation } from '../http/acting.ts';
import { validate } from '../http/validate.ts';
import { allAgents, oneAgent } from '../views/agents.ts';

export function agentRoutes(deps: AppDeps) {
  const { db, events, registry } = deps;
  return new Hono<PrincipalEnv>()
    .get('/agents', (c) => c.json(allAgents(deps)))
    .get('/agents/:id', (c) => c.json(found(oneAgent(deps, c.req.param('id')), 'agent')))
    .patch('/agents/:id', validate('json', z.object({ name: z.string().trim().min(1).max(255) })), (c) => {
      const agent = found(findAgent(db, c.req.param('id')), 'agent');
      const { name } = c.req.valid('json');
      renameAgent(db, agent.id, name);
      auditAct(deps, c, {
        action: 'agent.rename',
        target: { kind: 'agent', id: agent.id, name },
        details: { formerly: agent.name },
      });
      events.changed('agents', agent.id);
      return c.json(found(oneAgent(deps, agent.id), 'agent'));
    })
    .post('/agents/:id/discover', async (c) => {
      const agent = found(findAgent(db, c.req.param('id')), 'agent');
      return c.json(await registry.ask(agent.id, 'servers.discover', {}));
    })
    .post('/agents/:id/doctor', async (c) => {
      const agent = found(findAgent(db, c.req.param('id')), 'agent');
      if (registry.isOnline(agent.id)) requireAbility(agent, 'doctor');
      const report = await registry.ask(agent.id, 'doctor', {});
      const count = (verdict: Verdict) => report.checks.filter((check) => check.verdict === verdict).length;
      auditAct(deps, c, {
        action: 'agent.doctor',
        target: { kind: 'agent', id: agent.id, name: agent.name },
        details: { failed: count('failed'), warnings: count('warning') },
      });
      return c.json(report);
    })
    .post('/agents/:id/revoke', validate('json', z.object({ confirm: z.string() })), async (c) => {
      const agent = found(findAgent(db, c.req.param('id')), 'agent');
      requireConfirmation(c.req.valid('json').confirm, agent.name);
      const target = { kind: 'agent', id: agent.id, name: agent.name };
      const revoked = revoke(deps, agent.id);
      if (revoked) auditAct(deps, c, { action: 'agent.revoke', target });
      // Also where it was revoked before: this may be what did not succeed then.
      await deps.vault.withdrawAgent(agent.id);
      if (!revoked) throw fail('conflict', 'The agent was revoked already.', 'Nothing is left to do.');
      return c.json(found(oneAgent(deps, agent.id), 'agent'));
    });
}
