import { randomUUID } from 'node:crypto';
import { Hono } from 'hono';
import { z } from 'zod';
import { fail } from '../../protocol/failure.ts';
import { type TableSelection, tableSelectionSchema } from '../../protocol/selection.ts';
import { requireReach } from '../auth/admit.ts';
import type { PrincipalEnv } from '../auth/principal.ts';
import {
  changeSelection,
  findDatabase,
  findDatabaseByName,
  protectDatabase,
  selectionOf,
  stopProtecting,
} from '../db/databases.ts';
import { openBackupOf } from '../db/jobs.ts';
import { findServer } from '../db/servers.ts';
import type { AppDeps } from '../deps.ts';
import { auditAct, found, requireConfirmation } from '../http/acting.ts';
import { pageFields, replyPage, searchField } from '../http/paging.ts';
import { validate } from '../http/validate.ts';
import { databaseCounts, databasesPage, oneDatabase, STATUSES } from '../views/databases.ts';
import { recentBackups } from '../views/history.ts';
import { oneJob } from '../views/jobs.ts';

const protectBody = z.object({
  serverId: z.uuid(),
  names: z.array(z.string().min(1).max(255)).min(1).max(500),
});
/** Null: everything. */
const selectionField = tableSelectionSchema.nullable();
const searchQuery = z.object({ q: searchField, serverId: z.uuid().optional() });
const listQuery = searchQuery.extend({
  status: z.enum(STATUSES).optional(),
  order: z.enum(['name', 'urgency']).default('name'),
  ...pageFields,
});

export function databaseRoutes(deps: AppDeps) {
  const { clock, db, events, jobs, registry } = deps;
  return new Hono<PrincipalEnv>()
    .get('/databases', validate('query', listQuery), (c) => {
      const { limit, offset, order, ...search } = c.req.valid('query');
      return replyPage(c, databasesPage(deps, search, { limit, offset, order, reach: c.get('reach') }));
    })
    .get('/databases/counts', validate('query', searchQuery), (c) =>
      c.json(databaseCounts(deps, c.req.valid('query'), c.get('reach'))),
    )
    .get('/databases/:id', (c) => c.json(found(oneDatabase(deps, c.req.param('id')), 'database')))
    .get('/databases/:id/history', (c) => {
      const { id } = found(findDatabase(db, c.req.param('id')), 'database');
      return c.json(recentBackups(deps, { databaseId: id, agentIds: null }));
    })
    .post('/databases', validate('json', protectBody), (c) => {
      const { names, serverId } = c.req.valid('json');
      requireReach(c, db, { kind: 'server', id: serverId });
      const server = found(findServer(db, serverId), 'server');
      const now = clock.now();
      db.transaction(() => {
        for (const name of new Set(names)) {
          protectDatabase(db, { id: randomUUID(), serverId, name, createdAt: now, protectedAt: now });
        }
      });
      auditAct(deps, c, {
        action: 'database.protect',
        target: { kind: 'server', id: server.id, name: server.name },
        details: { names },
      });
      events.changed('databases');
      const rows = [...new Set(names)].map((name) => findDatabaseByName(db, serverId, name));
      return c.json(
        rows.map((row) => found(row && oneDatabase(deps, row.id), 'database')),
        201,
      );
    })
    .delete('/databases/:id', validate('json', z.object({ confirm: z.string() })), (c) => {
      const database = found(findDatabase(db, c.req.param('id')), 'database');
      requireConfirmation(c.req.valid('json').confirm, database.name);
      if (openBackupOf(db, database.id)) {
        throw fail('conflict', 'A backup of this database is queued or running.', 'Cancel it first.');
      }
      stopProtecting(db, database.id, clock.now());
      const target = { kind: 'database', id: database.id, name: database.name };
      auditAct(deps, c, { action: 'database.stop-protecting', target });
      events.changed('databases', database.id);
      return c.json({ id: database.id });
    })
    .patch('/databases/:id', validate('json', z.object({ selection: selectionField })), (c) => {
      const { id, name } = found(findDatabase(db, c.req.param('id')), 'database');
      const selection = tidied(c.req.valid('json').selection);
      changeSelection(db, id, selection);
      auditAct(deps, c, {
        action: 'database.selection',
        target: { kind: 'database', id, name },
        details: { ...(selection ?? { everything: true }) },
      });
      events.changed('databases', id);
      return c.json(found(oneDatabase(deps, id), 'database'));
    })
    .post(
      '/databases/:id/preflight',
      validate('json', z.object({ selection: selectionField.optional() })),
      async (c) => {
        const database = found(findDatabase(db, c.req.param('id')), 'database');
        const { agentId, name, serverId } = database;
        const trial = c.req.valid('json').selection;
        const selection = trial === undefined ? selectionOf(database) : tidied(trial);
        const wish = { serverId, database: name, ...(selection ? { selection } : {}) };
        return c.json(await registry.ask(agentId, 'backup.preflight', wish));
      },
    )
    .post('/databases/:id/backup', (c) => {
      const database = found(findDatabase(db, c.req.param('id')), 'database');
      const job = jobs.createBackup(database.id, c.get('principal').user.name);
      auditAct(deps, c, {
        action: 'job.backup',
        target: { kind: 'database', id: database.id, name: database.name },
        details: { jobId: job.id },
      });
      events.changed('jobs', job.id);
      return c.json(found(oneJob(deps, job.id), 'job'), 202);
    });
}

/** Each pattern once and without blanks around it; null where nothing is left to select by. */
function tidied(selection: TableSelection | null): TableSelection | null {
  const each = (patterns: string[]) => [...new Set(patterns.map((one) => one.trim()).filter(Boolean))];
  const { exclude, include } = selection ?? { exclude: [], include: [] };
  const tidy = { include: each(include), exclude: each(exclude) };
  return tidy.include.length + tidy.exclude.length > 0 ? tidy : null;
}
