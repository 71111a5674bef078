import { Hono } from 'hono';
import { z } from 'zod';
import { assertionSchema, MAX_ASSERTIONS } from '../../protocol/drill.ts';
import type { PrincipalEnv } from '../auth/principal.ts';
import { assertionsOf, putAssertions } from '../db/assertions.ts';
import { findDatabase } from '../db/databases.ts';
import type { AppDeps } from '../deps.ts';
import { auditAct, found } from '../http/acting.ts';
import { validate } from '../http/validate.ts';
import { oneJob } from '../views/jobs.ts';

const assertionsBody = z.object({
  assertions: z
    .array(assertionSchema)
    .max(MAX_ASSERTIONS)
    .refine((all) => new Set(all.map(({ name }) => name)).size === all.length, 'must have different names'),
});

/** Trying a database's newest snapshot out, and what is asked of it then. */
export function drillRoutes(deps: AppDeps) {
  const { db, events, jobs } = deps;
  return new Hono<PrincipalEnv>()
    .post('/databases/:id/drill', (c) => {
      const { id, name } = found(findDatabase(db, c.req.param('id')), 'database');
      const job = jobs.createDrill(id, c.get('principal').user.name);
      const { id: jobId, snapshotId } = job;
      auditAct(deps, c, {
        action: 'job.drill',
        target: { kind: 'database', id, name },
        details: { jobId, snapshotId },
      });
      events.changed('jobs', jobId);
      events.changed('databases', id);
      return c.json(found(oneJob(deps, jobId), 'job'), 202);
    })
    .get('/databases/:id/assertions', (c) => {
      const { id } = found(findDatabase(db, c.req.param('id')), 'database');
      return c.json({ assertions: assertionsOf(db, id) });
    })
    .put('/databases/:id/assertions', validate('json', assertionsBody), (c) => {
      const { id, name } = found(findDatabase(db, c.req.param('id')), 'database');
      const { assertions } = c.req.valid('json');
      putAssertions(db, id, assertions);
      auditAct(deps, c, {
        action: 'database.assertions',
        target: { kind: 'database', id, name },
        details: { assertions },
      });
      events.changed('databases', id);
      return c.json({ assertions: assertionsOf(db, id) });
    });
}
