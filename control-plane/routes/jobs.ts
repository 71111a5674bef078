import { Hono } from 'hono';
import { z } from 'zod';
import { JOB_STATES, type JobState } from '../../protocol/job.ts';
import { requireReach, requireRights } from '../auth/admit.ts';
import type { PrincipalEnv } from '../auth/principal.ts';
import { findJob } from '../db/jobs.ts';
import type { AppDeps } from '../deps.ts';
import { auditAct, found } from '../http/acting.ts';
import { pageFields, replyPage } from '../http/paging.ts';
import { validate } from '../http/validate.ts';
import { type JobView, jobInFull, jobsPage, oneJob } from '../views/jobs.ts';

const listQuery = z.object({
  /** Comma-separated. */
  state: z
    .string()
    .transform((text) => text.split(',') as JobState[])
    .pipe(z.array(z.enum(JOB_STATES)).max(JOB_STATES.length))
    .optional(),
  databaseId: z.uuid().optional(),
  before: z.iso
    .datetime()
    .transform((text) => Date.parse(text))
    .optional(),
  ...pageFields,
});

export function jobRoutes(deps: AppDeps) {
  const { db, events, jobs } = deps;
  return new Hono<PrincipalEnv>()
    .get('/jobs', validate('query', listQuery), (c) => {
      const { limit, offset, state: states, ...filter } = c.req.valid('query');
      const page = { limit, offset, reach: c.get('reach') };
      return replyPage(c, jobsPage(deps, { ...filter, states }, page));
    })
    .get('/jobs/:id', (c) => c.json(found(jobInFull(deps, c.req.param('id')), 'job')))
    .post('/jobs/:id/cancel', (c) => {
      const { id } = jobs.cancel(c.req.param('id'));
      const job = found(oneJob(deps, id), 'job');
      auditAct(deps, c, { action: 'job.cancel', target: target(job) });
      return c.json(job);
    })
    .post('/jobs/:id/retry', (c) => {
      const earlier = c.req.param('id');
      const former = found(findJob(db, earlier), 'job');
      if (former.kind === 'restore') requireRights(c, 'restore');
      // What it was of and where it goes may be other agents' than the one that ran it.
      requireReach(c, db, { kind: 'database', id: former.databaseId });
      requireReach(c, db, { kind: 'server', id: former.serverId });
      const { id } = jobs.retry(earlier, c.get('principal').user.name);
      const job = found(oneJob(deps, id), 'job');
      auditAct(deps, c, { action: 'job.retry', target: target(job), details: { like: earlier } });
      events.changed('jobs', id);
      return c.json(job, 202);
    });
}

/** A job has no name of its own: people know it by what it does to which database. */
function target({ databaseName, id, kind }: JobView) {
  return { kind: 'job', id, name: `${kind} of ${databaseName}` };
}
