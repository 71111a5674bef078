import { Hono } from 'hono';
import { z } from 'zod';
import { sealedCredentialsSchema } from '../../protocol/credentials.ts';
import { fail } from '../../protocol/failure.ts';
import { putServer, removeServer } from '../agents/servers.ts';
import { requireReach, requireRights } from '../auth/admit.ts';
import type { PrincipalEnv } from '../auth/principal.ts';
import { databasesOfServer } from '../db/databases.ts';
import { findServer, updateServer } from '../db/servers.ts';
import type { AppDeps } from '../deps.ts';
import { auditAct, found, requireConfirmation } from '../http/acting.ts';
import { pageFields, replyPage, searchField } from '../http/paging.ts';
import { validate } from '../http/validate.ts';
import { oneServer, serversPage } from '../views/servers.ts';

const serverBody = z.object({
  agentId: z.uuid(),
  name: z.string().trim().min(1).max(255),
  engine: z.string().max(32),
  sealed: sealedCredentialsSchema,
});
const probeBody = z.object({
  agentId: z.uuid(),
  serverId: z.uuid(),
  /** What a server that is not saved yet will be called; for the audit log. */
  name: z.string().trim().min(1).max(255).optional(),
  sealed: sealedCredentialsSchema.optional(),
});

const listQuery = z.object({
  q: searchField,
  agentId: z.uuid().optional(),
  engine: z.string().max(32).optional(),
  /** Whether something can be backed up from it and restored to it, as far as that is known here. */
  usable: z.enum(['true']).optional(),
  ...pageFields,
});

export function serverRoutes(deps: AppDeps) {
  const { autoProtect, clock, db, events, registry } = deps;
  return new Hono<PrincipalEnv>()
    .get('/servers', validate('query', listQuery), (c) => {
      const { limit, offset, usable, ...filter } = c.req.valid('query');
      const wanted = { ...filter, usable: usable !== undefined };
      return replyPage(c, serversPage(deps, wanted, { limit, offset, reach: c.get('reach') }));
    })
    .get('/servers/:id', (c) => c.json(found(oneServer(deps, c.req.param('id')), 'server')))
    .post('/servers/probe', validate('json', probeBody), async (c) => {
      const { agentId, name, sealed, serverId } = c.req.valid('json');
      // Who types credentials chooses where the agent logs in.
      if (sealed !== undefined) requireRights(c, 'configure');
      requireReach(c, db, { kind: 'agent', id: agentId });
      const question = sealed === undefined ? { serverId } : { serverId, sealed };
      const facts = await registry.ask(agentId, 'server.probe', question);
      const known = findServer(db, serverId);
      if (known?.agentId === agentId) {
        updateServer(db, serverId, { version: facts.version });
        void autoProtect.look(serverId);
      }
      auditAct(deps, c, {
        action: 'server.probe',
        target: { kind: 'server', id: serverId, name: known?.name ?? name },
      });
      return c.json(facts);
    })
    .post('/servers', validate('json', serverBody.extend({ id: z.uuid() })), async (c) => {
      const wish = c.req.valid('json');
      requireReach(c, db, { kind: 'agent', id: wish.agentId });
      await putServer(deps, wish);
      auditAct(deps, c, { action: 'server.add', target: { kind: 'server', id: wish.id, name: wish.name } });
      return c.json(found(oneServer(deps, wish.id), 'server'), 201);
    })
    .put('/servers/:id', validate('json', serverBody), async (c) => {
      const { id } = found(findServer(db, c.req.param('id')), 'server');
      const wish = { ...c.req.valid('json'), id };
      requireReach(c, db, { kind: 'agent', id: wish.agentId });
      await putServer(deps, wish);
      auditAct(deps, c, { action: 'server.change', target: { kind: 'server', id, name: wish.name } });
      void autoProtect.look(id);
      return c.json(found(oneServer(deps, id), 'server'));
    })
    .put('/servers/:id/auto-protect', validate('json', z.object({ enabled: z.boolean() })), async (c) => {
      const { autoProtectSince, id, name, removedAt } = found(findServer(db, c.req.param('id')), 'server');
      if (removedAt !== null) throw serverRemoved();
      const { enabled } = c.req.valid('json');
      // Since when it is so stays as it was, where it was so already.
      updateServer(db, id, { autoProtectSince: enabled ? (autoProtectSince ?? clock.now()) : null });
      const target = { kind: 'server', id, name };
      auditAct(deps, c, { action: 'server.auto-protect', target, details: { enabled } });
      await autoProtect.look(id);
      events.changed('servers', id);
      return c.json(found(oneServer(deps, id), 'server'));
    })
    .delete('/servers/:id', validate('json', z.object({ confirm: z.string() })), async (c) => {
      const server = found(findServer(db, c.req.param('id')), 'server');
      requireConfirmation(c.req.valid('json').confirm, server.name);
      await removeServer(deps, server);
      const target = { kind: 'server', id: server.id, name: server.name };
      auditAct(deps, c, { action: 'server.remove', target });
      return c.json({ id: server.id });
    })
    .get('/servers/:id/available-databases', async (c) => {
      const server = found(findServer(db, c.req.param('id')), 'server');
      const { databases } = await registry.ask(server.agentId, 'databases.list', { serverId: server.id });
      const ours = new Map(
        databasesOfServer(db, server.id)
          .filter(({ protectedAt }) => protectedAt !== null)
          .map(({ id, name }) => [name, id]),
      );
      return c.json({
        databases: databases.map((one) => ({ ...one, databaseId: ours.get(one.name) ?? null })),
      });
    });
}

function serverRemoved() {
  return fail('conflict', 'The agent no longer holds credentials for this server.', 'Add the server again.');
}
