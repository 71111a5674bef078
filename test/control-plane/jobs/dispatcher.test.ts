import { describe, expect, test } from 'vitest';
import { logOf } from '../../../control-plane/db/job-log.ts';
import type { Failure } from '../../../protocol/failure.ts';
import { busy, createDesk, LEASE_MS, passing, running, untilOffered } from './desk.ts';

const result = {
  kind: 'backup',
  snapshotId: crypto.randomUUID(),
  rawBytes: 1,
  storedBytes: 1,
  reusedBytes: 0,
};

describe('offers', () => {
  test('a job waits for its agent and is offered when it says what it runs', () => {
    const desk = createDesk();
    const { id } = desk.jobs.createBackup(desk.databaseIds[0], 'someone');
    expect(desk.job(id)?.state).toBe('queued');
    const agent = desk.connect(desk.agentId);
    expect(agent.sent).toMatchObject([{ type: 'job.offer', offer: { jobId: id, attempt: 1, sequence: 1 } }]);
    expect(desk.job(id)?.state).toBe('offered');
  });

  test('one offer at a time; the next follows when it is taken', () => {
    const desk = createDesk();
    const first = desk.jobs.createBackup(desk.databaseIds[0], 'someone');
    desk.jobs.createBackup(desk.databaseIds[1], 'someone');
    const agent = desk.connect(desk.agentId);
    expect(agent.types()).toEqual(['job.offer']);
    agent.say({ type: 'job.accepted', jobId: first.id, attempt: 1 });
    expect(agent.types()).toEqual(['job.offer', 'job.offer']);
  });

  test('a busy agent is offered the job again, under its number, once another one ended', () => {
    const { agent, databaseIds, id, job, jobs } = running();
    const second = jobs.createBackup(databaseIds[1], 'someone');
    agent.say({ type: 'job.refused', jobId: second.id, attempt: 1, failure: busy });
    expect(job(second.id)).toMatchObject({ state: 'queued', attempt: 0 });
    agent.say({ type: 'job.finished', jobId: id, attempt: 1, outcome: { state: 'cancelled' } });
    expect(agent.sent.at(-1)).toMatchObject({ type: 'job.offer', offer: { jobId: second.id, attempt: 1 } });
  });

  test('a refusal by local policy ends the job and is in the audit log', () => {
    const desk = createDesk();
    const { id } = desk.jobs.createBackup(desk.databaseIds[0], 'someone');
    const agent = desk.connect(desk.agentId);
    const failure: Failure = { ...passing, code: 'policy_denied', retryable: false };
    agent.say({ type: 'job.refused', jobId: id, attempt: 1, failure });
    expect(desk.job(id)).toMatchObject({ state: 'failed' });
    const { audit } = { audit: desk.db.$client.prepare('SELECT action FROM audit_log').all() };
    expect(audit).toEqual([{ action: 'job.refused' }]);
  });

  test('an offer that was under way when the socket dropped is made anew under the next number', () => {
    const desk = createDesk();
    const { id } = desk.jobs.createBackup(desk.databaseIds[0], 'someone');
    desk.connect(desk.agentId).drop();
    expect(desk.job(id)).toMatchObject({ state: 'queued', attempt: 1 });
    const agent = desk.connect(desk.agentId);
    expect(agent.sent).toMatchObject([{ offer: { attempt: 2 } }]);
    agent.say({ type: 'job.accepted', jobId: id, attempt: 1 });
    expect(agent.sent.at(-1)).toEqual({ type: 'job.fenced', jobId: id, attempt: 1 });
    expect(desk.job(id)?.state).toBe('offered');
  });

  test('an offer nobody answers is taken back and made again, ever later', () => {
    const desk = createDesk();
    desk.dispatcher.start();
    const { id } = desk.jobs.createBackup(desk.databaseIds[0], 'someone');
    const agent = desk.connect(desk.agentId);
    const waits = [2, 3, 4, 5, 6, 7].map((attempt) => untilOffered(desk.clock, agent, attempt));
    expect(waits.map((ms) => Math.round(ms / 30_000))).toEqual([2, 3, 5, 9, 9, 9]);
    expect(desk.attempts(id).map(({ state }) => state)).toEqual([...Array(6).fill('returned'), 'offered']);
    expect(agent.types()).toContain('job.fenced');
    agent.say({ type: 'job.accepted', jobId: id, attempt: 7 });
    expect(desk.job(id)?.state).toBe('running');
  });

  test('another job gets its turn before an unanswered one is offered again', () => {
    const desk = createDesk();
    desk.dispatcher.start();
    const first = desk.jobs.createBackup(desk.databaseIds[0], 'someone');
    const second = desk.jobs.createBackup(desk.databaseIds[1], 'someone');
    const agent = desk.connect(desk.agentId);
    while (desk.job(second.id)?.state === 'queued') desk.clock.advance(1_000);
    expect(desk.job(first.id)).toMatchObject({ state: 'queued', attempt: 1 });
    agent.say({ type: 'job.accepted', jobId: second.id, attempt: 1 });
    expect(untilOffered(desk.clock, agent, 2)).toBeLessThan(60_000);
  });

  test('a database is backed up once at a time', () => {
    const { databaseIds, jobs } = running();
    expect(() => jobs.createBackup(databaseIds[0], 'someone')).toThrow(/queued or running/);
  });
});

describe('leases', () => {
  test('signs of life keep an attempt; a socket that is away for less than the lease does, too', () => {
    const { agent, agentId, clock, connect, id, job } = running();
    clock.advance(LEASE_MS - 5_000);
    agent.beat([{ jobId: id, attempt: 1 }]);
    agent.drop();
    clock.advance(LEASE_MS - 5_000);
    const again = connect(agentId);
    again.beat([{ jobId: id, attempt: 1 }]);
    clock.advance(LEASE_MS - 5_000);
    expect(job(id)).toMatchObject({ state: 'running', attempt: 1 });
  });

  test('silence beyond the lease loses the attempt; its late success is refused', () => {
    const { agent, agentId, attempts, clock, connect, db, id, job } = running();
    agent.drop();
    clock.advance(LEASE_MS + 2_000);
    expect(job(id)).toMatchObject({ state: 'queued' });
    expect(attempts(id)).toEqual([{ attempt: 1, state: 'lost' }]);
    const again = connect(agentId);
    again.say({
      type: 'job.finished',
      jobId: id,
      attempt: 1,
      outcome: { state: 'succeeded', result } as never,
    });
    expect(again.sent.at(-1)).toEqual({ type: 'job.fenced', jobId: id, attempt: 1 });
    expect(logOf(db, id).map(({ text }) => text)).toEqual([
      'Attempt 1 had been given up; its report comes too late: succeeded.',
    ]);
    clock.advance(20_000);
    expect(again.sent.at(-1)).toMatchObject({ type: 'job.offer', offer: { jobId: id, attempt: 2 } });
  });

  test('an attempt that dies after its commit has succeeded', () => {
    const { agent, clock, commit, id, job } = running();
    commit(id);
    agent.drop();
    clock.advance(LEASE_MS + 2_000);
    expect(job(id)?.state).toBe('succeeded');
    expect(JSON.parse(String(job(id)?.result))).toMatchObject({
      kind: 'backup',
      rawBytes: 10,
      storedBytes: 5,
    });
  });

  test('three lost attempts and the job is lost', () => {
    const { agent, agentId, clock, connect, id, job } = running();
    let line = agent;
    for (const attempt of [1, 2, 3]) {
      if (attempt > 1) line.say({ type: 'job.accepted', jobId: id, attempt });
      line.drop();
      clock.advance(LEASE_MS + 2_000);
      line = connect(agentId);
      if (attempt < 3) untilOffered(clock, line, attempt + 1);
    }
    expect(job(id)).toMatchObject({ state: 'lost', attempt: 3 });
  });

  test('the time a control plane is down costs no lease', () => {
    const { clock, db, id, dispatcher } = running();
    dispatcher.stop();
    clock.advance(10 * LEASE_MS);
    const next = createDesk(db, clock);
    next.dispatcher.start();
    clock.advance(LEASE_MS - 5_000);
    expect(next.job(id)).toMatchObject({ state: 'running', attempt: 1 });
  });
});

describe('outcomes', () => {
  test('a success counts once the vault holds the snapshot, and is acknowledged each time it is told', () => {
    const { agent, commit, id, job } = running();
    commit(id);
    const told = {
      type: 'job.finished',
      jobId: id,
      attempt: 1,
      outcome: { state: 'succeeded', result },
    } as const;
    agent.say(told as never);
    expect(job(id)).toMatchObject({ state: 'succeeded' });
    expect(agent.sent.at(-1)).toEqual({ type: 'job.acknowledged', jobId: id, attempt: 1 });
    agent.say(told as never);
    expect(agent.sent.at(-1)).toEqual({ type: 'job.acknowledged', jobId: id, attempt: 1 });
  });

  test('a failure that may pass is tried again, three times in all, later each time', () => {
    const { agent, attempts, clock, id, job } = running();
    const waits: number[] = [];
    for (const attempt of [1, 2, 3]) {
      if (attempt > 1) agent.say({ type: 'job.accepted', jobId: id, attempt });
      agent.say({ type: 'job.finished', jobId: id, attempt, outcome: { state: 'failed', failure: passing } });
      if (attempt < 3) expect(agent.types().at(-1)).toBe('job.acknowledged');
      if (attempt < 3) waits.push(untilOffered(clock, agent, attempt + 1));
    }
    expect(waits[1]).toBeGreaterThan(Number(waits[0]));
    expect(job(id)).toMatchObject({ state: 'failed' });
    expect(attempts(id).map(({ state }) => state)).toEqual(['failed', 'failed', 'failed']);
  });

  test('offers that came to nothing do not make the next try wait longer', () => {
    const { agentId, clock, connect, databaseIds, job, jobs } = createDesk();
    const { id } = jobs.createBackup(databaseIds[0], 'someone');
    for (let n = 0; n < 9; n += 1) connect(agentId).drop();
    const agent = connect(agentId);
    agent.say({ type: 'job.accepted', jobId: id, attempt: 10 });
    agent.say({
      type: 'job.finished',
      jobId: id,
      attempt: 10,
      outcome: { state: 'failed', failure: passing },
    });
    expect(job(id)).toMatchObject({ state: 'queued', attempt: 10 });
    expect(Number(job(id)?.notBefore) - clock.now()).toBeLessThan(15_000);
  });

  test('another agent cannot end, prolong or log for a job', () => {
    const { connect, db, id, job } = running();
    const foreign = crypto.randomUUID();
    db.$client
      .prepare('INSERT INTO agents (id, name, identityKey, sealingKey, createdAt) VALUES (?, ?, ?, ?, 0)')
      .run(foreign, 'f', 'f', 'f');
    const thief = connect(foreign);
    thief.say({ type: 'job.finished', jobId: id, attempt: 1, outcome: { state: 'cancelled' } });
    expect(thief.types()).toEqual(['job.fenced']);
    thief.say({
      type: 'job.log',
      jobId: id,
      attempt: 1,
      lines: [{ at: new Date(0).toISOString(), text: 'x' }],
    });
    expect(job(id)?.state).toBe('running');
    expect(db.$client.prepare('SELECT count(*) AS n FROM job_log').get()).toEqual({ n: 0 });
  });
});
