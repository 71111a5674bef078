import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { insertAgent } from '../../../control-plane/db/agents.ts';
import { createCommits } from '../../../control-plane/jobs/commits.ts';
import { endAllOrphans } from '../../../control-plane/jobs/orphans.ts';
import { createDesk, running } from './desk.ts';

const replaced = { code: 'agent_revoked', message: expect.stringContaining('The agent “a” was replaced') };
const failureOf = (row: { failure: string | null } | undefined) => JSON.parse(row?.failure ?? 'null');
const plan = { mode: 'new', targetDatabase: 'copy', owners: 'keep', endSessions: false } as const;

test('a running backup is lost, a queued one failed, and both say why', () => {
  const desk = running();
  const queued = desk.jobs.createBackup(desk.databaseIds[1], 'someone');
  desk.agent.drop();
  desk.jobs.giveUp({ id: desk.agentId, name: 'a' });
  expect(desk.job(desk.id)).toMatchObject({ state: 'lost', leaseUntil: null });
  expect(desk.attempts(desk.id)).toEqual([{ attempt: 1, state: 'lost' }]);
  expect(desk.job(queued.id)).toMatchObject({ state: 'failed' });
  for (const id of [desk.id, queued.id]) expect(failureOf(desk.job(id))).toMatchObject(replaced);
});

test('a restore that has begun says to look at its target; one that waits, that nothing was changed', () => {
  const desk = createDesk();
  desk.dispatcher.start();
  const agent = desk.connect(desk.agentId);
  const snapshotId = randomUUID();
  desk.addSnapshot(snapshotId, { engine: 'any', databaseId: desk.databaseIds[0], vaultId: randomUUID() });
  const begin = (targetDatabase: string) =>
    desk.jobs.createRestore({ serverId: desk.serverId, snapshotId, plan: { ...plan, targetDatabase } }, 'x');
  const [first, second] = [begin('one'), begin('two')];
  agent.say({ type: 'job.accepted', jobId: first.id, attempt: 1 });
  agent.drop();
  desk.jobs.giveUp({ id: desk.agentId, name: 'a' });
  expect(desk.job(first.id)?.state).toBe('lost');
  expect(failureOf(desk.job(first.id)).hint).toContain('Look at the target');
  expect(desk.job(second.id)?.state).toBe('failed');
  expect(failureOf(desk.job(second.id)).message).toContain('Nothing was changed.');
});

test('a restore that waits for its safety snapshot ends with it', () => {
  const desk = createDesk();
  desk.dispatcher.start();
  const agent = desk.connect(desk.agentId);
  const snapshotId = randomUUID();
  desk.addSnapshot(snapshotId, { engine: 'any', databaseId: desk.databaseIds[0], vaultId: randomUUID() });
  const wish = { serverId: desk.serverId, snapshotId, safetySnapshot: true };
  const into = { ...plan, mode: 'in-place', targetDatabase: desk.databaseIds[1] } as const;
  const restore = desk.jobs.createRestore({ ...wish, plan: into }, 'x');
  agent.drop();
  desk.jobs.giveUp({ id: desk.agentId, name: 'a' });
  expect(desk.job(restore.id)?.state).toBe('failed');
  expect(desk.job(String(restore.afterJobId))?.state).toBe('failed');
});

test.for([
  { committed: true, state: 'succeeded' },
  { committed: false, state: 'lost' },
])('a commit at work is decided first: committed $committed → $state', async ({ committed, state }) => {
  const desk = running();
  const decided = Promise.withResolvers<void>();
  const commit = desk.commits.during(desk.id, () => decided.promise);
  desk.agent.drop();
  desk.jobs.giveUp({ id: desk.agentId, name: 'a' });
  expect(desk.job(desk.id)?.state).toBe('running');
  if (committed) desk.commit(desk.id);
  decided.resolve();
  await commit;
  expect(desk.job(desk.id)?.state).toBe(state);
});

test('one that was asked to stop counts as cancelled, and what has ended stays as it is', () => {
  const desk = running();
  desk.jobs.cancel(desk.id);
  desk.jobs.giveUp({ id: desk.agentId, name: 'a' });
  expect(desk.job(desk.id)?.state).toBe('cancelled');
  desk.jobs.giveUp({ id: desk.agentId, name: 'a' });
  expect(desk.job(desk.id)).toMatchObject({ state: 'cancelled', failure: null });
});

test('a control plane that stopped between a succession and its jobs ends them at its next start', () => {
  const desk = running();
  const deps = {
    db: desk.db,
    ledger: desk.ledger,
    commits: createCommits({ error: () => undefined } as never),
  };
  endAllOrphans(deps);
  expect(desk.job(desk.id)?.state).toBe('running');
  const id = randomUUID();
  const keys = { identityKey: id, sealingKey: 'age1' };
  insertAgent(desk.db, { id, name: 'b', ...keys, predecessorId: desk.agentId, createdAt: 1 });
  endAllOrphans(deps);
  expect(desk.job(desk.id)?.state).toBe('lost');
});
