import { describe, expect, test } from 'vitest';
import { passing, running } from './desk.ts';

describe('cancelling', () => {
  test('a running job is asked to stop and is cancelled when it has', () => {
    const { agent, id, job, jobs } = running();
    jobs.cancel(id);
    expect(agent.sent.at(-1)).toEqual({ type: 'job.cancel', jobId: id, attempt: 1 });
    expect(job(id)?.state).toBe('running');
    agent.say({
      type: 'job.finished',
      jobId: id,
      attempt: 1,
      outcome: { state: 'failed', failure: passing },
    });
    expect(job(id)?.state).toBe('cancelled');
  });

  test('a cancel that went into a dead connection is repeated on the next one', () => {
    const { agent, agentId, connect, id, jobs } = running();
    jobs.cancel(id);
    agent.drop();
    const again = connect(agentId);
    again.beat([{ jobId: id, attempt: 1 }]);
    expect(again.sent).toEqual([{ type: 'job.cancel', jobId: id, attempt: 1 }]);
  });

  test('without the agent it is cancelled at once, and the attempt is fenced when it comes back', () => {
    const { agent, agentId, connect, id, job, jobs } = running();
    agent.drop();
    expect(jobs.cancel(id).state).toBe('cancelled');
    const again = connect(agentId);
    again.beat([{ jobId: id, attempt: 1 }]);
    expect(again.types()).toEqual(['job.fenced']);
    expect(job(id)?.state).toBe('cancelled');
  });

  test('retrying makes a new job of one that did not succeed', () => {
    const { agent, id, jobs } = running();
    agent.say({ type: 'job.finished', jobId: id, attempt: 1, outcome: { state: 'cancelled' } });
    const again = jobs.retry(id, 'someone');
    expect(again.id).not.toBe(id);
    expect(() => jobs.retry(again.id, 'someone')).toThrow(/offered/);
  });
});
