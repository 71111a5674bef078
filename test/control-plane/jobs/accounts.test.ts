import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { createDesk, passing } from './desk.ts';

const plan = { mode: 'new', targetDatabase: 't', owners: 'keep', endSessions: false } as const;

/** A queued restore with an account of its own; its agent is not there yet. */
function given() {
  const desk = createDesk();
  desk.dispatcher.start();
  const snapshotId = randomUUID();
  desk.addSnapshot(snapshotId, { databaseId: desk.databaseIds[0], vaultId: randomUUID(), engine: 'any' });
  const wish = { snapshotId, serverId: desk.serverId, plan, sealed: 'c2VhbGVk' };
  const { id } = desk.jobs.createRestore(wish, 'someone');
  return { ...desk, id, wish };
}

test('an account for one restore goes with its offer, and is forgotten when the agent takes it', () => {
  const { accounts, agentId, connect, db, id } = given();
  const agent = connect(agentId);
  expect(agent.sent).toMatchObject([{ offer: { jobId: id, sealed: 'c2VhbGVk' } }]);
  expect(accounts.of(id)).toBe('c2VhbGVk');
  agent.say({ type: 'job.accepted', jobId: id, attempt: 1 });
  expect(accounts.of(id)).toBeUndefined();
  expect(db.$client.serialize().includes('c2VhbGVk')).toBe(false);
});

test('an offer that came to nothing is made again with it', () => {
  const { agentId, connect, id } = given();
  connect(agentId).drop();
  expect(connect(agentId).sent).toMatchObject([{ offer: { jobId: id, sealed: 'c2VhbGVk' } }]);
});

test('cancelled or refused, the restore takes its account along', () => {
  const cancelled = given();
  cancelled.jobs.cancel(cancelled.id);
  expect(cancelled.accounts.of(cancelled.id)).toBeUndefined();
  const refused = given();
  const agent = refused.connect(refused.agentId);
  agent.say({ type: 'job.refused', jobId: refused.id, attempt: 1, failure: passing });
  expect(refused.job(refused.id)?.state).toBe('failed');
  expect(refused.accounts.of(refused.id)).toBeUndefined();
});

test('a restart before the offer ends the restore and says to start it again', () => {
  const { agentId, clock, db, dispatcher, id } = given();
  dispatcher.stop();
  const desk = createDesk(db, clock, { fresh: false, agentId });
  desk.dispatcher.start();
  const agent = desk.connect(agentId);
  expect(agent.types()).not.toContain('job.offer');
  const failure = JSON.parse(String(desk.job(id)?.failure));
  expect(failure).toMatchObject({ code: 'credentials_missing' });
  expect(failure.hint).toContain('Start the restore again');
});

test('a restore with an account of its own is not repeated without it', () => {
  const { id, jobs } = given();
  jobs.cancel(id);
  expect(() => jobs.retry(id, 'someone')).toThrow(/forgotten/);
});

test('only so many wait with accounts of their own', () => {
  const { jobs, wish } = given();
  const into = (targetDatabase: string) => ({ ...wish, plan: { ...plan, targetDatabase } });
  expect(() => {
    for (let n = 0; n < 200; n += 1) jobs.createRestore(into(`t${n}`), 'someone');
  }).toThrow(/Too many/);
});
