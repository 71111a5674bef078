import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { noteBeginnings } from '../../../control-plane/jobs/beginning.ts';
import type { AgentVault, BulkAttempt } from '../../../control-plane/vault/service.ts';
import { createDesk } from './desk.ts';

/** A desk with a restore that was offered, and an agent's way to its source. */
function offered() {
  const desk = createDesk();
  const [databaseId] = desk.databaseIds;
  const backup = desk.jobs.createBackup(databaseId, 'someone');
  const agent = desk.connect(desk.agentId);
  const snapshotId = desk.commit(backup.id, { databaseId, vaultId: randomUUID(), engine: 'any' });
  agent.say({ type: 'job.finished', jobId: backup.id, attempt: 1, outcome: { state: 'cancelled' } });
  const plan = { mode: 'swap', targetDatabase: 't', owners: 'keep', endSessions: true } as const;
  const { id } = desk.jobs.createRestore({ snapshotId, serverId: desk.serverId, plan }, 'someone');
  const stored = { source: async () => ({}), commit: async () => ({ snapshotId }) };
  const vault = noteBeginnings(stored as unknown as AgentVault, desk);
  const source = (about: BulkAttempt, agentId = desk.agentId) => vault.source(agentId, about);
  return { ...desk, agent, id, source, vault };
}

test('a restore whose source was fetched is not offered again, though its acceptance got lost', async () => {
  const { agent, agentId, connect, id, job, source } = offered();
  await source({ jobId: id, attempt: 1 });
  expect(job(id)?.state).toBe('running');
  agent.drop();
  const again = connect(agentId);
  again.beat([{ jobId: id, attempt: 1 }]);
  expect(again.sent).toEqual([]);
  expect(job(id)).toMatchObject({ state: 'running', attempt: 1 });
});

test('a restore whose offer was taken back meanwhile gets no source', async () => {
  const { agent, id, job, source } = offered();
  agent.drop();
  await expect(source({ jobId: id, attempt: 1 })).rejects.toThrow('lease_lost');
  expect(job(id)?.state).toBe('queued');
});

test('another agent begins nothing', async () => {
  const { id, job, source, vault } = offered();
  const foreign = randomUUID();
  await expect(source({ jobId: id, attempt: 1 }, foreign)).rejects.toThrow('lease_lost');
  await vault.commit(foreign, { jobId: id, attempt: 1 }, new Uint8Array());
  expect(job(id)?.state).toBe('offered');
});
