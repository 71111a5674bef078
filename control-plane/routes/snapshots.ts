import { Hono } from 'hono';
import { z } from 'zod';
import { sealedCredentialsSchema } from '../../protocol/credentials.ts';
import { engineDefinition } from '../../protocol/engines/registry.ts';
import { fail } from '../../protocol/failure.ts';
import { type RestorePreflight, restorePlanSchema } from '../../protocol/restore.ts';
import { requireFresh, requireReach } from '../auth/admit.ts';
import type { PrincipalEnv } from '../auth/principal.ts';
import { findServer } from '../db/servers.ts';
import type { AppDeps } from '../deps.ts';
import { auditAct, found, requireConfirmation } from '../http/acting.ts';
import { pageFields, replyPage } from '../http/paging.ts';
import { validate } from '../http/validate.ts';
import { requirePossible, requireSense } from '../jobs/restore-check.ts';
import { oneJob } from '../views/jobs.ts';
import { oneSnapshot, type SnapshotView, snapshotsPage, targetOf } from '../views/snapshots.ts';

/** Credentials for one restore, sealed to the server's agent: passed on, kept nowhere but in memory. */
const sealed = sealedCredentialsSchema.optional();
const preflightBody = z.object({
  serverId: z.uuid(),
  targetDatabase: z.string().min(1).max(255),
  sealed,
});
const restoreBody = z.object({
  serverId: z.uuid(),
  plan: restorePlanSchema,
  confirm: z.string(),
  safetySnapshot: z.boolean().optional(),
  sealed,
});

const listQuery = z.object({ databaseId: z.uuid().optional(), ...pageFields });

/** Tables whose rows a snapshot does not hold, as its driver noted them. */
const leftOutSchema = z.array(z.string()).catch([]);

export function snapshotRoutes(deps: AppDeps) {
  const { db, events, jobs, vault } = deps;
  return new Hono<PrincipalEnv>()
    .get('/snapshots', validate('query', listQuery), (c) => {
      const { databaseId, limit, offset } = c.req.valid('query');
      return replyPage(c, snapshotsPage(deps, { databaseId }, { limit, offset, reach: c.get('reach') }));
    })
    .get('/snapshots/:id', async (c) => {
      const snapshot = found(oneSnapshot(deps, c.req.param('id')), 'snapshot');
      const { objectCounts, requirements, tables } = await vault.catalogOf(snapshot.id);
      const leftOut = leftOutSchema.parse(requirements.excludedTables);
      return c.json({ ...snapshot, catalog: { tables, objectCounts, leftOut } });
    })
    .get('/snapshots/:id/download', async (c) => {
      const snapshot = found(oneSnapshot(deps, c.req.param('id')), 'snapshot');
      const download = found(engineDefinition(snapshot.engine)?.descriptor.download, 'engine');
      const { body, bytes } = await vault.download(snapshot.id);
      // Nobody reads the body of an answer to HEAD, and an unread one keeps its snapshot in use.
      if (c.req.method === 'HEAD') await body.cancel();
      auditAct(deps, c, { action: 'snapshot.download', target: targetOf(snapshot) });
      return c.body(body, 200, {
        // With its length told, a stream that breaks off looks broken behind every proxy, too.
        'content-length': String(bytes),
        'content-type': download.mediaType,
        'content-disposition': disposition(fileName(snapshot, download.extension)),
      });
    })
    .post('/snapshots/:id/restore/preflight', validate('json', preflightBody), async (c) => {
      const snapshot = found(oneSnapshot(deps, c.req.param('id')), 'snapshot');
      const wish = c.req.valid('json');
      requireReach(c, db, { kind: 'server', id: wish.serverId });
      const answer = await preflight(deps, snapshot, wish);
      const { serverId, targetDatabase } = wish;
      // Somebody tried an account the agent does not keep.
      if (wish.sealed !== undefined) {
        const details = { serverId, targetDatabase, oneTimeAccount: true };
        auditAct(deps, c, { action: 'restore.check', target: targetOf(snapshot), details });
      }
      return c.json(answer);
    })
    .post('/snapshots/:id/restore', validate('json', restoreBody), async (c) => {
      const snapshot = found(oneSnapshot(deps, c.req.param('id')), 'snapshot');
      const { confirm, ...wish } = c.req.valid('json');
      const { plan, serverId } = wish;
      const { mode, owners, switches, targetDatabase } = plan;
      requireReach(c, db, { kind: 'server', id: serverId });
      requireWhole(snapshot);
      requireConfirmation(confirm, targetDatabase);
      // A new database is over nobody's data.
      if (mode !== 'new') requireFresh(c);
      requireSense(wish, found(engineDefinition(snapshot.engine)?.descriptor, 'engine'));
      requirePossible(plan, await preflight(deps, snapshot, { ...wish, targetDatabase }));
      const job = jobs.createRestore({ ...wish, snapshotId: snapshot.id }, c.get('principal').user.name);
      const options = { mode, owners, ...(switches?.length ? { switches } : {}) };
      const extras = {
        ...(job.afterJobId === null ? {} : { safetyJobId: job.afterJobId }),
        ...(job.oneTimeAccount ? { oneTimeAccount: true } : {}),
      };
      auditAct(deps, c, {
        action: 'job.restore',
        target: targetOf(snapshot),
        details: { jobId: job.id, serverId, targetDatabase, ...options, ...extras },
      });
      events.changed('jobs', job.id);
      return c.json(found(oneJob(deps, job.id), 'job'), 202);
    });
}

/** @throws FailureError `chunks_missing` where it is known that something it needs is damaged */
function requireWhole({ state }: SnapshotView): void {
  if (state === 'good') return;
  throw fail(
    'chunks_missing',
    'A check of the vault found that something this snapshot needs is damaged or lost.',
    'Restore another snapshot. If you have put the files back, check the vault again first.',
  );
}

interface PreflightWish {
  serverId: string;
  targetDatabase: string;
  sealed?: string | undefined;
}

/** What a restore would do, asked of the target's agent. */
async function preflight(
  { db, registry, vault }: AppDeps,
  snapshot: SnapshotView,
  { sealed, serverId, targetDatabase }: PreflightWish,
): Promise<RestorePreflight> {
  const server = found(findServer(db, serverId), 'server');
  if (server.engine !== snapshot.engine) {
    throw fail(
      'restore_not_possible',
      'The snapshot is of another engine than the server.',
      'Choose a server of the same engine.',
    );
  }
  const source = await vault.requirementsOf(snapshot.id);
  const account = sealed === undefined ? {} : { sealed };
  return registry.ask(server.agentId, 'restore.preflight', {
    ...{ serverId, plan: { targetDatabase }, source },
    ...account,
  });
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
