import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { findDatabaseByName } from '../../../control-plane/db/databases.ts';
import { findJobListing } from '../../../control-plane/db/jobs.ts';
import { createDesk, LEASE_MS, passing, running, untilOffered } from './desk.ts';

const plan = { mode: 'in-place', targetDatabase: 'shop', owners: 'keep', endSessions: false } as const;

/** A restore in place that waits for the safety snapshot of a database nobody knew before. */
function chain(desk = createDesk()) {
  desk.dispatcher.start();
  const agent = desk.connect(desk.agentId);
  const snapshotId = randomUUID();
  const facts = { databaseId: desk.databaseIds[0], vaultId: randomUUID(), engine: 'any' };
  desk.addSnapshot(snapshotId, facts);
  const wish = { snapshotId, serverId: desk.serverId, plan, safetySnapshot: true };
  const restore = desk.jobs.createRestore(wish, 'someone');
  const backupId = String(restore.afterJobId);
  const offers = () =>
    agent.sent.flatMap((message) => (message.type === 'job.offer' ? [message.offer.jobId] : []));
  const finish = (jobId: string, outcome: { state: 'cancelled' } | { state: 'failed'; failure: unknown }) => {
    agent.say({ type: 'job.accepted', jobId, attempt: 1 });
    agent.say({ type: 'job.finished', jobId, attempt: 1, outcome } as never);
  };
  const succeed = () => {
    agent.say({ type: 'job.accepted', jobId: backupId, attempt: 1 });
    desk.commit(backupId, { sequence: 3, createdAt: 0 });
    finish(backupId, { state: 'failed', failure: passing });
  };
  const failureOf = (jobId: string) => JSON.parse(String(desk.job(jobId)?.failure));
  return { ...desk, agent, backupId, restore, offers, finish, succeed, failureOf, wish };
}

describe('a restore with a safety snapshot', () => {
  test('is offered once the backup of the target has succeeded, and not before', () => {
    const line = chain();
    expect(line.offers()).toEqual([line.backupId]);
    line.agent.say({ type: 'job.accepted', jobId: line.backupId, attempt: 1 });
    line.clock.advance(10_000);
    expect(line.offers()).toEqual([line.backupId]);
    line.succeed();
    expect(line.offers()).toEqual([line.backupId, line.restore.id]);
    const safetySnapshotId = line.job(line.backupId)?.snapshotId;
    expect(findJobListing(line.db, line.restore.id)).toMatchObject({ safetySnapshotId });
    expect(findJobListing(line.db, line.backupId)).toMatchObject({ safetyForJobId: line.restore.id });
  });

  test('makes the target known, but protects nothing', () => {
    const { backupId, db, job, serverId } = chain();
    const row = findDatabaseByName(db, serverId, 'shop');
    expect(row).toMatchObject({ id: job(backupId)?.databaseId, protectedAt: null });
  });

  test('fails with the backup, for its reason and with its remedy', () => {
    const line = chain();
    const failure = { code: 'disk_full', message: 'No space.', hint: 'Make room.', retryable: false };
    line.finish(line.backupId, { state: 'failed', failure });
    const ended = line.failureOf(line.restore.id);
    expect(ended).toMatchObject({ code: 'safety_snapshot_failed', hint: 'Make room.' });
    expect(ended.message).toContain('No space.');
    expect(line.offers()).toEqual([line.backupId]);
  });

  test('fails where the backup is cancelled', () => {
    const line = chain();
    line.jobs.cancel(line.backupId);
    line.finish(line.backupId, { state: 'cancelled' });
    expect(line.failureOf(line.restore.id).message).toContain('was cancelled');
  });

  test('waits while the backup is tried again', () => {
    const line = chain();
    line.finish(line.backupId, { state: 'failed', failure: passing });
    line.clock.advance(5_000);
    expect(line.job(line.restore.id)?.state).toBe('queued');
  });

  test('cancelled while the backup runs, leaves it going', () => {
    const line = chain();
    expect(line.jobs.cancel(line.restore.id).state).toBe('cancelled');
    line.succeed();
    expect(line.job(line.backupId)?.state).toBe('succeeded');
    expect(line.offers()).toEqual([line.backupId]);
  });

  test('holds up nobody else', () => {
    const line = chain();
    line.agent.say({ type: 'job.accepted', jobId: line.backupId, attempt: 1 });
    const other = line.jobs.createBackup(line.databaseIds[1], 'someone');
    expect(line.offers()).toEqual([line.backupId, other.id]);
  });

  test('keeps its place when the control plane dies between the two', () => {
    const first = chain();
    first.succeed();
    first.dispatcher.stop();
    const desk = createDesk(first.db, first.clock, { fresh: false, agentId: first.agentId });
    desk.dispatcher.start();
    const again = desk.connect(first.agentId);
    expect(again.sent.at(-1)).toMatchObject({ type: 'job.offer', offer: { jobId: first.restore.id } });
  });

  test('is refused beside another restore into the target, as is a backup of that', () => {
    const line = chain();
    expect(() => line.jobs.createRestore(line.wish, 'someone')).toThrow(/restore into “shop” is queued/);
    const plan = { ...line.wish.plan, targetDatabase: line.databaseIds[1] };
    line.jobs.createRestore({ ...line.wish, plan, safetySnapshot: false }, 'someone');
    expect(() => line.jobs.createBackup(line.databaseIds[1], 'someone')).toThrow(/restore into .* is queued/);
  });

  test('does not begin days later, when its agent comes back', () => {
    const line = chain();
    line.agent.drop();
    line.clock.advance(LEASE_MS + 3_000);
    expect(line.failureOf(line.restore.id)).toMatchObject({ code: 'agent_offline' });
    expect(line.job(line.backupId)?.state).toBe('queued');
  });

  test('that fails says where the way back is', () => {
    const line = chain();
    line.succeed();
    const failure = { ...passing, retryable: false, hint: 'Look.' };
    line.finish(line.restore.id, { state: 'failed', failure });
    const { hint } = line.failureOf(line.restore.id);
    expect(hint).toMatch(/^Look\. What was in “shop” before is in its safety snapshot, number 3 of 1970/);
  });

  test('that was cancelled half-way says so too', () => {
    const line = chain();
    line.succeed();
    line.finish(line.restore.id, { state: 'cancelled' });
    expect(line.job(line.restore.id)?.state).toBe('cancelled');
    const { code, hint } = line.failureOf(line.restore.id);
    expect(code).toBe('cancelled');
    expect(hint).toMatch(/^Look at “shop” before it is used.*safety snapshot, number 3/);
  });

  test('that was never begun does not', () => {
    const line = chain();
    line.succeed();
    const { id: jobId } = line.restore;
    line.agent.say({ type: 'job.refused', jobId, attempt: 1, failure: { ...passing, hint: 'Look.' } });
    expect(line.failureOf(jobId).hint).toBe('Look.');
  });

  test('is not tried again unseen, nor is its backup', () => {
    const line = chain();
    const failure = { ...passing, retryable: false };
    line.finish(line.backupId, { state: 'failed', failure });
    expect(() => line.jobs.retry(line.backupId, 'someone')).toThrow(/safety snapshot/);
    expect(() => line.jobs.retry(line.restore.id, 'someone')).toThrow(/replaces what is in “shop”/);
  });
});

test('a safety snapshot holds everything, whatever the selection of its database', () => {
  const desk = createDesk();
  desk.select(desk.databaseIds[0], { include: [], exclude: ['log'] });
  const line = chain(desk);
  line.succeed();
  const target = { ...plan, targetDatabase: desk.databaseIds[0] };
  line.jobs.createRestore({ ...line.wish, plan: target }, 'someone');
  line.agent.say({ type: 'job.accepted', jobId: line.restore.id, attempt: 1 });
  const safety = line.agent.sent.at(-1);
  expect(safety).toMatchObject({ offer: { kind: 'backup', database: { id: desk.databaseIds[0] } } });
  expect(safety).not.toHaveProperty('offer.selection');
});

test('a backup leaves out what its database’s selection says', () => {
  const desk = createDesk();
  const selection = { include: [], exclude: ['log'] };
  desk.select(desk.databaseIds[0], selection);
  const agent = desk.connect(desk.agentId);
  desk.jobs.createBackup(desk.databaseIds[0], 'someone');
  expect(agent.sent.at(-1)).toMatchObject({ offer: { selection } });
});

test('a safety snapshot begins after the backup of its database that is under way, however that ends', () => {
  const desk = running();
  const [targetDatabase] = desk.databaseIds;
  const snapshotId = randomUUID();
  desk.addSnapshot(snapshotId, { databaseId: targetDatabase, vaultId: randomUUID(), engine: 'any' });
  const wish = {
    snapshotId,
    serverId: desk.serverId,
    plan: { ...plan, targetDatabase },
    safetySnapshot: true,
  };
  const safetyId = desk.jobs.createRestore(wish, 'someone').afterJobId;
  const offered = () => desk.agent.sent.flatMap((one) => (one.type === 'job.offer' ? [one.offer.jobId] : []));
  expect(offered()).toEqual([desk.id]);
  const outcome = { state: 'failed', failure: passing } as const;
  desk.agent.say({ type: 'job.finished', jobId: desk.id, attempt: 1, outcome });
  desk.clock.advance(1_000);
  expect(desk.job(desk.id)?.state).toBe('queued');
  expect(offered()).toEqual([desk.id]);
  expect(untilOffered(desk.clock, desk.agent, 2)).toBeGreaterThan(0);
  desk.agent.say({ type: 'job.accepted', jobId: desk.id, attempt: 2 });
  desk.agent.say({
    ...{ type: 'job.finished', jobId: desk.id, attempt: 2 },
    outcome: { state: 'failed', failure: { ...passing, retryable: false } },
  });
  expect(offered()).toEqual([desk.id, desk.id, safetyId]);
});

test('a backup that waits for its next attempt lets a restore into its database end first', () => {
  const desk = running();
  const [targetDatabase] = desk.databaseIds;
  const snapshotId = randomUUID();
  desk.addSnapshot(snapshotId, { databaseId: targetDatabase, vaultId: randomUUID(), engine: 'any' });
  const failed = { state: 'failed', failure: passing } as const;
  desk.agent.say({ type: 'job.finished', jobId: desk.id, attempt: 1, outcome: failed });
  const wish = { snapshotId, serverId: desk.serverId, plan: { ...plan, targetDatabase } };
  const { id } = desk.jobs.createRestore(wish, 'someone');
  desk.agent.say({ type: 'job.accepted', jobId: id, attempt: 1 });
  desk.clock.advance(40_000);
  expect(desk.job(desk.id)?.state).toBe('queued');
  desk.agent.say({ type: 'job.finished', jobId: id, attempt: 1, outcome: failed });
  expect(desk.agent.sent.at(-1)).toMatchObject({ type: 'job.offer', offer: { jobId: desk.id, attempt: 2 } });
});
