import { Hono } from 'hono';
import { z } from 'zod';
import { engineDefinition } from '../../protocol/engines/registry.ts';
import { fail } from '../../protocol/failure.ts';
import { type RestorePlan, type RestorePreflight, restorePlanSchema } from '../../protocol/restore.ts';
import type { PrincipalEnv } from '../auth/principal.ts';
import { findServer } from '../db/servers.ts';
import type { AppDeps } from '../deps.ts';
import { auditAct, found, requireConfirmation } from '../http/acting.ts';
import { validate } from '../http/validate.ts';
import { requirePossible } from '../jobs/restore-check.ts';
import { oneJob } from '../views/jobs.ts';
import { oneSnapshot, type SnapshotView, snapshotsOf } from '../views/snapshots.ts';

const preflightBody = z.object({ serverId: z.uuid(), targetDatabase: z.string().min(1).max(255) });
const restoreBody = z.object({ serverId: z.uuid(), plan: restorePlanSchema, confirm: z.string() });

export function snapshotRoutes(deps: AppDeps) {
  const { events, jobs, vault } = deps;
  return new Hono<PrincipalEnv>()
    .get('/snapshots', validate('query', z.object({ databaseId: z.uuid().optional() })), (c) =>
      c.json(snapshotsOf(deps, c.req.valid('query'))),
    )
    .get('/snapshots/:id', async (c) => {
      const snapshot = found(oneSnapshot(deps, c.req.param('id')), 'snapshot');
      const { objectCounts, tables } = await vault.catalogOf(snapshot.id);
      return c.json({ ...snapshot, catalog: { tables, objectCounts } });
    })
    .get('/snapshots/:id/download', async (c) => {
      const snapshot = found(oneSnapshot(deps, c.req.param('id')), 'snapshot');
      const download = found(engineDefinition(snapshot.engine)?.descriptor.download, 'engine');
      const stream = await vault.download(snapshot.id);
      auditAct(deps, c, { action: 'snapshot.download', target: targetOf(snapshot) });
      return c.body(stream, 200, {
        'content-type': download.mediaType,
        'content-disposition': disposition(fileName(snapshot, download.extension)),
      });
    })
    .post('/snapshots/:id/restore/preflight', validate('json', preflightBody), async (c) => {
      const snapshot = found(oneSnapshot(deps, c.req.param('id')), 'snapshot');
      return c.json(await preflight(deps, snapshot, c.req.valid('json')));
    })
    .post('/snapshots/:id/restore', validate('json', restoreBody), async (c) => {
      const snapshot = found(oneSnapshot(deps, c.req.param('id')), 'snapshot');
      const { confirm, plan, serverId } = c.req.valid('json');
      const { targetDatabase } = plan;
      requireConfirmation(confirm, targetDatabase);
      requirePossible(plan, await preflight(deps, snapshot, { serverId, targetDatabase }));
      const wish = { snapshotId: snapshot.id, serverId, plan };
      const job = jobs.createRestore(wish, c.get('principal').user.name);
      const { mode, owners } = plan;
      auditAct(deps, c, {
        action: 'job.restore',
        target: targetOf(snapshot),
        details: { jobId: job.id, serverId, targetDatabase, mode, owners },
      });
      events.changed('jobs', job.id);
      return c.json(found(oneJob(deps, job.id), 'job'), 202);
    });
}

/** What a restore would do, asked of the target's agent. */
async function preflight(
  { db, registry, vault }: AppDeps,
  snapshot: SnapshotView,
  target: { serverId: string } & Pick<RestorePlan, 'targetDatabase'>,
): Promise<RestorePreflight> {
  const server = found(findServer(db, target.serverId), 'server');
  if (server.engine !== snapshot.engine) {
    throw fail(
      'restore_not_possible',
      'The snapshot is of another engine than the server.',
      'Choose a server of the same engine.',
    );
  }
  const source = await vault.requirementsOf(snapshot.id);
  const plan = { targetDatabase: target.targetDatabase };
  return registry.ask(server.agentId, 'restore.preflight', { serverId: server.id, plan, source });
}

function targetOf(snapshot: SnapshotView) {
  return { kind: 'snapshot', id: snapshot.id, name: `${snapshot.databaseName} #${snapshot.sequence}` };
}

function fileName({ createdAt, databaseName, serverName }: SnapshotView, extension: string): string {
  const when = createdAt.slice(0, 19).replaceAll(':', '-');
  return `${serverName}-${databaseName}-${when}${extension}`;
}

/** RFC 6266: a plain name for everybody, the exact one for those who can read it. */
function disposition(name: string): string {
  const plain = name.replaceAll(/[^A-Za-z0-9._-]/g, '_');
  const exact = encodeURIComponent(name.replaceAll(/[/\\\p{Cc}]/gu, '_')).replaceAll(
    /['()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${plain}"; filename*=UTF-8''${exact}`;
}
