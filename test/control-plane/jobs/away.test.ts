import { describe, expect, test } from 'vitest';
import { busy, LEASE_MS, passing, running, untilOffered } from './desk.ts';

describe('a clock that jumps', () => {
  test('forwards, as after a sleep, costs no lease', () => {
    const { agent, clock, id, job } = running();
    clock.advance(1_000);
    clock.jump(24 * 3_600_000);
    clock.advance(2_000);
    agent.beat([{ jobId: id, attempt: 1 }]);
    expect(job(id)).toMatchObject({ state: 'running', attempt: 1 });
    expect(agent.types()).not.toContain('job.fenced');
  });

  test('backwards strands no job, and a silent agent is noticed as soon as ever', () => {
    const line = running();
    line.clock.jump(24 * 3_600_000);
    line.clock.advance(1_000);
    const failure = passing;
    line.agent.say({
      type: 'job.finished',
      jobId: line.id,
      attempt: 1,
      outcome: { state: 'failed', failure },
    });
    line.clock.jump(-23 * 3_600_000);
    untilOffered(line.clock, line.agent, 2);
    line.agent.say({ type: 'job.accepted', jobId: line.id, attempt: 2 });
    line.clock.jump(-3_600_000 / 2);
    line.agent.drop();
    line.clock.advance(LEASE_MS + 3_000);
    expect(line.attempts(line.id).map(({ state }) => state)).toEqual(['failed', 'lost']);
  });
});

describe('a restore whose agent is away', () => {
  /** A restore that could not be offered, beside a backup that could not either. */
  function waiting() {
    const { agent, ...desk } = running();
    const { agentId, databaseIds, id, serverId } = desk;
    const facts = { databaseId: databaseIds[0], vaultId: crypto.randomUUID(), engine: 'any' };
    const snapshotId = desk.commit(id, facts);
    agent.drop();
    const plan = { mode: 'swap', targetDatabase: 't', owners: 'keep', endSessions: true } as const;
    const restore = desk.jobs.createRestore({ snapshotId, serverId, plan }, 'someone');
    const backup = desk.jobs.createBackup(databaseIds[1], 'someone');
    return { ...desk, agentId, restore, backup };
  }

  test('is given up, while a backup waits on', () => {
    const { backup, clock, job, restore } = waiting();
    clock.advance(LEASE_MS - 2_000);
    expect(job(restore.id)?.state).toBe('queued');
    clock.advance(4_000);
    expect(job(restore.id)).toMatchObject({ state: 'failed' });
    expect(String(job(restore.id)?.failure)).toContain('agent_offline');
    expect(job(backup.id)?.state).toBe('queued');
  });

  test('waits on where the agent is busy or comes back in time', () => {
    const { agentId, clock, connect, job, restore } = waiting();
    clock.advance(LEASE_MS - 2_000);
    const agent = connect(agentId);
    agent.say({ type: 'job.refused', jobId: restore.id, attempt: 1, failure: busy });
    for (let n = 0; n < 20; n += 1) {
      clock.advance(10_000);
      if (agent.types().at(-1) !== 'job.offer') continue;
      agent.say({ type: 'job.refused', jobId: restore.id, attempt: 1, failure: busy });
    }
    expect(['queued', 'offered']).toContain(job(restore.id)?.state);
  });
});
