import { Hono } from 'hono';
import { z } from 'zod';
import type { Verdict } from '../../protocol/doctor.ts';
import { fail } from '../../protocol/failure.ts';
import { requireAbility } from '../agents/abilities.ts';
import { revoke } from '../agents/membership.ts';
import { requireFresh, requireRights } from '../auth/admit.ts';
import { labelsSchema } from '../auth/labels.ts';
import type { PrincipalEnv } from '../auth/principal.ts';
import { changeAgent, findAgent } from '../db/agents.ts';
import type { AppDeps } from '../deps.ts';
import { auditAct, found, requireConfirmation } from '../http/acting.ts';
import { pageFields, replyPage, searchField } from '../http/paging.ts';
import { validate } from '../http/validate.ts';
import { agentsPage, oneAgent } from '../views/agents.ts';

const changeBody = z.object({
  name: z.string().trim().min(1).max(255).optional(),
  labels: labelsSchema.optional(),
});

const listQuery = z.object({
  q: searchField,
  state: z.enum(['online', 'offline', 'revoked']).optional(),
  order: z.enum(['name', 'newest']).default('name'),
  ...pageFields,
});

export function agentRoutes(deps: AppDeps) {
  const { db, events, registry } = deps;
  return new Hono<PrincipalEnv>()
    .get('/agents', validate('query', listQuery), (c) => {
      const { limit, offset, order, ...filter } = c.req.valid('query');
      return replyPage(c, agentsPage(deps, filter, { limit, offset, order, reach: c.get('reach') }));
    })
    .get('/agents/:id', (c) => c.json(found(oneAgent(deps, c.req.param('id')), 'agent')))
    .patch('/agents/:id', validate('json', changeBody), (c) => {
      const agent = found(findAgent(db, c.req.param('id')), 'agent');
      const { labels, name } = c.req.valid('json');
      // They say who may see it.
      if (labels !== undefined) {
        requireRights(c, 'administer');
        requireFresh(c);
      }
      const after = { name: name ?? agent.name, labels: labels ?? agent.labels };
      changeAgent(db, agent.id, after);
      const target = { kind: 'agent', id: agent.id, name: after.name };
      if (after.name !== agent.name) {
        auditAct(deps, c, { action: 'agent.rename', target, details: { formerly: agent.name } });
      }
      if (labels !== undefined) {
        const details = { labels: labels.join(', '), formerly: agent.labels.join(', ') };
        auditAct(deps, c, { action: 'agent.labels', target, details });
      }
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
