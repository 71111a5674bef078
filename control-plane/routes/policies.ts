import { randomUUID } from 'node:crypto';
import { type Context, Hono } from 'hono';
import { z } from 'zod';
import { fail } from '../../protocol/failure.ts';
import { labelsSchema } from '../auth/labels.ts';
import type { PrincipalEnv } from '../auth/principal.ts';
import { findAgent } from '../db/agents.ts';
import { findDatabase } from '../db/databases.ts';
import {
  findPolicy,
  findPolicyByName,
  listPolicies,
  type PolicyRow,
  putChoice,
  putPolicy,
  removeChoice,
  removePolicy,
} from '../db/policies.ts';
import { findServer } from '../db/servers.ts';
import type { AppDeps } from '../deps.ts';
import { auditAct, found, requireConfirmation } from '../http/acting.ts';
import { validate } from '../http/validate.ts';
import { drillSettingOf, drillSettingSchema } from '../policies/drill.ts';
import type { Choice } from '../policies/effective.ts';
import { nextRuns } from '../policies/next-run.ts';
import { cronOf, scheduleSchema } from '../policies/schedule.ts';
import { previewRetention } from '../retention/preview.ts';
import { retentionSchema } from '../retention/rules.ts';
import { onePolicy, policyViews } from '../views/policies.ts';
import { iso } from '../views/times.ts';

const policyBody = z.object({
  name: z.string().trim().min(1).max(60),
  schedule: scheduleSchema,
  /** Null: every snapshot stays. */
  retention: retentionSchema.nullable().default(null),
  everywhere: z.boolean().default(false),
  labels: labelsSchema.default([]),
  drill: drillSettingSchema.nullable().default(null),
});
/** One that is about to be saved; with its id where it is there already. */
const draftBody = policyBody.omit({ name: true }).extend({ id: z.uuid().optional() });
const choiceBody = z.object({ policy: z.union([z.literal(['inherit', 'none']), z.uuid()]) });
/** How many runs a preview tells. */
const PREVIEW = 5;

/** What is done by itself with databases, when, and with which. */
export function policyRoutes(deps: AppDeps) {
  const { clock, db } = deps;
  const put = (c: Context<PrincipalEnv>, action: string, row: PolicyRow) => {
    requireFree(deps, row);
    putPolicy(db, row);
    const schedule = JSON.parse(row.schedule) as z.infer<typeof scheduleSchema>;
    const to =
      [...(row.everywhere ? ['everything'] : []), ...row.labels].join(', ') || 'what is chosen for it';
    const keeps = row.retention === null ? 'everything' : (JSON.parse(row.retention) as object);
    const drill = drillSettingOf(row.drill);
    const drills = drill === null ? 'none' : `every ${drill.everyDays} days`;
    const details = { when: cronOf(schedule), timeZone: schedule.timeZone, for: to, keeps, drills };
    auditAct(deps, c, { action, target: { kind: 'policy', id: row.id, name: row.name }, details });
    changed(deps);
    return found(onePolicy(deps, row.id), 'policy');
  };
  return new Hono<PrincipalEnv>()
    .get('/policies', (c) => c.json(policyViews(deps, c.get('reach'))))
    .post('/policies', validate('json', policyBody), (c) => {
      const row = rowOf(c.req.valid('json'), { id: randomUUID(), createdAt: clock.now() });
      return c.json(put(c, 'policy.add', row), 201);
    })
    .put('/policies/:id', validate('json', policyBody), (c) => {
      const policy = found(findPolicy(db, c.req.param('id')), 'policy');
      return c.json(put(c, 'policy.change', rowOf(c.req.valid('json'), policy)));
    })
    .delete('/policies/:id', validate('json', z.object({ confirm: z.string() })), (c) => {
      const { id, name } = found(findPolicy(db, c.req.param('id')), 'policy');
      requireConfirmation(c.req.valid('json').confirm, name);
      removePolicy(db, id);
      auditAct(deps, c, { action: 'policy.remove', target: { kind: 'policy', id, name } });
      changed(deps);
      return c.json({ id });
    })
    .post('/policies/preview', validate('json', z.object({ schedule: scheduleSchema })), (c) => {
      const { schedule } = c.req.valid('json');
      // Of a database that is first in the spread.
      const runs = nextRuns({ ...schedule, spreadMinutes: 0 }, '', clock.now(), PREVIEW);
      return c.json({ cron: cronOf(schedule), runs: runs.map(({ startsAt }) => iso(startsAt)) });
    })
    .post('/policies/preview-retention', validate('json', draftBody), async (c) => {
      const { id, ...wish } = c.req.valid('json');
      const { retention, ...row } = rowOf({ ...wish, name: '' }, { id: id ?? 'new', createdAt: 0 });
      if (retention === null) return c.json({ databases: 0, snapshots: 0, deletes: 0, deleted: [] });
      const preview = await previewRetention(
        db,
        { ...row, retention },
        { now: clock.now(), reach: c.get('reach') },
      );
      const deleted = preview.deleted.map((one) => ({ ...one, createdAt: iso(one.createdAt) }));
      return c.json({ ...preview, deleted });
    })
    .put('/databases/:id/policy', validate('json', choiceBody), (c) => {
      const { id, name } = found(findDatabase(db, c.req.param('id')), 'database');
      return c.json(choose(deps, c, { kind: 'database', id, name }, c.req.valid('json').policy));
    })
    .put('/servers/:id/policy', validate('json', choiceBody), (c) => {
      const { id, name } = found(findServer(db, c.req.param('id')), 'server');
      return c.json(choose(deps, c, { kind: 'server', id, name }, c.req.valid('json').policy));
    })
    .put('/agents/:id/policy', validate('json', choiceBody), (c) => {
      const { id, name } = found(findAgent(db, c.req.param('id')), 'agent');
      return c.json(choose(deps, c, { kind: 'agent', id, name }, c.req.valid('json').policy));
    });
}

function rowOf(
  { drill, retention, schedule, ...wish }: z.infer<typeof policyBody>,
  { createdAt, id }: Pick<PolicyRow, 'id' | 'createdAt'>,
): PolicyRow {
  return {
    ...{ ...wish, id, createdAt, schedule: JSON.stringify(schedule) },
    retention: retention && JSON.stringify(retention),
    drill: drill && JSON.stringify(drill),
  };
}

/** Chooses a policy for one thing by itself, or leaves that to what it belongs to. */
function choose(
  deps: AppDeps,
  c: Context<PrincipalEnv>,
  target: { kind: Choice['kind']; id: string; name: string },
  wish: string,
) {
  const { db } = deps;
  const { id: targetId, kind } = target;
  if (wish === 'inherit') removeChoice(db, { kind, targetId });
  else {
    const policyId = wish === 'none' ? null : found(findPolicy(db, wish), 'policy').id;
    putChoice(db, { kind, targetId, policyId });
  }
  const words = { inherit: 'as inherited', none: 'by hand only' };
  const policy = words[wish as keyof typeof words] ?? findPolicy(db, wish)?.name ?? wish;
  auditAct(deps, c, { action: 'policy.choose', target, details: { policy } });
  changed(deps);
  return { policy: wish };
}

function changed({ events, scheduler }: AppDeps): void {
  scheduler.replan();
  events.changed('policies');
}

/** A name and each label are of one policy. @throws FailureError `conflict` */
function requireFree({ db }: AppDeps, { id, labels, name }: PolicyRow): void {
  const named = findPolicyByName(db, name);
  if (named && named.id !== id)
    throw fail('conflict', `There is a policy “${name}” already.`, 'Choose another name.');
  for (const other of listPolicies(db)) {
    const taken = other.id === id ? undefined : other.labels.find((label) => labels.includes(label));
    if (taken === undefined) continue;
    throw fail(
      'conflict',
      `Agents with the label “${taken}” have the policy “${other.name}” already.`,
      'Take the label from that policy first.',
    );
  }
}
