import { describe, expect, test } from 'vitest';
import { noteBeginnings } from '../../../control-plane/jobs/beginning.ts';
import type { AgentVault } from '../../../control-plane/vault/service.ts';
import { LEASE_MS, passing, running } from './desk.ts';

const stalled = { state: 'failed', failure: { ...passing, retryable: false } } as const;

/** A running backup whose commit waits for its last fsync; `land` and `fail` end the wait. */
function committing() {
  const desk = running();
  const write = Promise.withResolvers<{ snapshotId: string }>();
  const stored = { commit: () => write.promise } as unknown as AgentVault;
  const vault = noteBeginnings(stored, desk);
  const commit = vault.commit(desk.agentId, { jobId: desk.id, attempt: 1 }, new Uint8Array());
  return {
    ...desk,
    stall: (agent = desk.agent) =>
      agent.say({ type: 'job.finished', jobId: desk.id, attempt: 1, outcome: stalled }),
    async land() {
      write.resolve({ snapshotId: desk.commit(desk.id) });
      await commit;
    },
    async fail() {
      write.reject(new Error('disk'));
      await expect(commit).rejects.toThrow('disk');
    },
  };
}

describe('while a commit is at work', () => {
  test('an attempt reported as stalled has succeeded if its snapshot comes to exist', async () => {
    const { agent, attempts, id, job, land, stall } = committing();
    stall();
    expect(job(id)?.state).toBe('running');
    expect(agent.types()).not.toContain('job.acknowledged');
    await land();
    expect(job(id)?.state).toBe('succeeded');
    expect(attempts(id)).toEqual([{ attempt: 1, state: 'succeeded' }]);
    expect(agent.sent.at(-1)).toEqual({ type: 'job.acknowledged', jobId: id, attempt: 1 });
  });

  test('… and has failed if it does not', async () => {
    const { agent, fail, id, job, stall } = committing();
    stall();
    await fail();
    expect(job(id)?.state).toBe('failed');
    expect(agent.sent.at(-1)).toEqual({ type: 'job.acknowledged', jobId: id, attempt: 1 });
  });

  test('an outcome repeated over a new connection is acknowledged there', async () => {
    const { agent, agentId, connect, id, job, land, stall } = committing();
    stall();
    agent.drop();
    const again = connect(agentId);
    stall(again);
    await land();
    expect(job(id)?.state).toBe('succeeded');
    expect(again.sent.at(-1)).toEqual({ type: 'job.acknowledged', jobId: id, attempt: 1 });
  });

  test('a cancel without the agent waits: the job succeeds with its snapshot', async () => {
    const { agent, id, job, jobs, land } = committing();
    agent.drop();
    expect(jobs.cancel(id)).toMatchObject({ state: 'running', cancelRequestedAt: expect.any(Number) });
    await land();
    expect(job(id)?.state).toBe('succeeded');
  });

  test('… and is cancelled at once without one', async () => {
    const { agent, fail, id, job, jobs } = committing();
    agent.drop();
    jobs.cancel(id);
    await fail();
    expect(job(id)?.state).toBe('cancelled');
  });

  test('a lease that runs out ends nothing before it is decided', async () => {
    const { agent, attempts, clock, dispatcher, id, job, land } = committing();
    agent.drop();
    clock.advance(LEASE_MS + 5_000);
    expect(job(id)).toMatchObject({ state: 'running', attempt: 1 });
    await land();
    clock.advance(2_000);
    expect(job(id)?.state).toBe('succeeded');
    expect(attempts(id)).toEqual([{ attempt: 1, state: 'succeeded' }]);
    dispatcher.stop();
  });
});
