import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { putAssertions } from '../../../control-plane/db/assertions.ts';
import { drillsOfSnapshots, drillVerdictsOf, newestDrills } from '../../../control-plane/db/drills.ts';
import type { DrillReport } from '../../../protocol/drill.ts';
import { fail } from '../../../protocol/failure.ts';
import type { JobOutcome } from '../../../protocol/job.ts';
import { createDesk } from './desk.ts';

const good: DrillReport = {
  passed: true,
  serverVersion: '15.20',
  durationMs: 1,
  tables: { compared: 1, uncounted: 0, rows: 3 },
  differences: [],
  differing: 0,
  assertions: [],
  notes: [],
};
const told = (report: DrillReport): JobOutcome => ({
  state: 'succeeded',
  result: { kind: 'drill', rawBytes: 1, report },
});

/** A desk whose first database has a snapshot, with a connected agent. */
function world() {
  const desk = createDesk();
  const [databaseId] = desk.databaseIds;
  const snapshotId = randomUUID();
  desk.addSnapshot(snapshotId, { databaseId, vaultId: randomUUID() });
  desk.dispatcher.start();
  const agent = desk.connect(desk.agentId);
  const begin = () => {
    const { id } = desk.jobs.createDrill(databaseId, 'someone');
    const { attempt } = desk.job(id) ?? {};
    if (attempt) agent.say({ type: 'job.accepted', jobId: id, attempt });
    return id;
  };
  /** A drill that the agent ends so. */
  const drill = (outcome: JobOutcome) => {
    const id = begin();
    agent.say({ type: 'job.finished', jobId: id, attempt: 1, outcome });
    desk.clock.advance(1_000);
    return { id, job: desk.job(id) };
  };
  const inventory = (json: object) =>
    desk.db.$client
      .prepare('UPDATE agents SET version = ?, inventory = ?')
      .run('0.0.1', JSON.stringify(json));
  return { ...desk, agent, begin, drill, databaseId, inventory, snapshotId };
}

test('the newest snapshot is offered to the database’s own agent, with what is to be asked', () => {
  const w = world();
  const assertions = [{ name: 'a', query: 'SELECT 1' }];
  putAssertions(w.db, w.databaseId, assertions);
  const id = w.begin();
  const offer = w.agent.sent.find((message) => message.type === 'job.offer');
  expect(offer).toMatchObject({
    offer: { kind: 'drill', jobId: id, snapshotId: w.snapshotId, database: { id: w.databaseId }, assertions },
  });
});

test('one that passed is the verdict on database and snapshot', () => {
  const w = world();
  const { id, job } = w.drill(told(good));
  expect(job).toMatchObject({ state: 'succeeded', failure: null });
  const drill = { jobId: id, outcome: 'passed', databaseId: w.databaseId, snapshotId: w.snapshotId };
  expect(drillVerdictsOf(w.db, [w.databaseId]).get(w.databaseId)).toMatchObject(drill);
  expect(drillsOfSnapshots(w.db, [w.snapshotId]).get(w.snapshotId)).toMatchObject(drill);
});

describe('one that found something amiss has failed, and keeps its report', () => {
  const row = { table: 'public.t', expected: 3, found: 2 };
  test.each<[string, Partial<DrillReport>, string]>([
    ['rows', { differences: [row], differing: 1 }, '“public.t” has 2 rows instead of 3.'],
    ['a table', { differences: [{ ...row, found: null }], differing: 1 }, '“public.t” is missing.'],
    ['many', { differences: [row], differing: 9 }, 'and 8 more tables differ.'],
    [
      'an assertion',
      { assertions: [{ name: 'Sold', outcome: 'failed', message: 'The query gives false or 0.' }] },
      'Assertion “Sold”: The query gives false or 0.',
    ],
    [
      'what it says itself not to be good',
      { passed: true, differences: [row], differing: 1 },
      'instead of 3',
    ],
  ])('%s', (_, found, words) => {
    const w = world();
    const { job } = w.drill(told({ ...good, passed: false, ...found }));
    expect(job?.state).toBe('failed');
    expect(JSON.parse(String(job?.failure))).toMatchObject({
      code: 'drill_failed',
      message: expect.stringContaining(words),
    });
    expect(JSON.parse(String(job?.result)).report).toMatchObject(found);
    expect(drillVerdictsOf(w.db, [w.databaseId]).get(w.databaseId)?.outcome).toBe('failed');
  });
});

test.each([
  ['pack_corrupt', 'failed', 'failed'],
  ['restore_sql_error', 'failed', 'failed'],
  ['drill_not_possible', 'incomplete', 'passed'],
  ['disk_full', 'incomplete', 'passed'],
  ['privilege_missing', 'incomplete', 'passed'],
] as const)('%s: the drill is %s, the verdict %s', (code, outcome, verdict) => {
  const w = world();
  w.drill(told(good));
  const { job } = w.drill({ state: 'failed', failure: fail(code, 'why', 'what to do').failure });
  expect(job?.state).toBe('failed');
  expect(newestDrills(w.db, [w.databaseId]).get(w.databaseId)?.outcome).toBe(outcome);
  expect(drillVerdictsOf(w.db, [w.databaseId]).get(w.databaseId)?.outcome).toBe(verdict);
});

test('a report of something else is no success', () => {
  const w = world();
  const report = { database: 'x', mode: 'new' as const, notes: [] };
  const { job } = w.drill({ state: 'succeeded', result: { kind: 'restore', rawBytes: 1, report } });
  expect(job).toMatchObject({ state: 'failed', result: null });
});

test('without a snapshot, beside another one, or for an agent that is too old, none begins', () => {
  const w = world();
  expect(() => w.jobs.createDrill(w.databaseIds[1], 'someone')).toThrow(/has no snapshot yet/);
  w.begin();
  expect(() => w.begin()).toThrow(/is queued or running/);
  const old = world();
  old.inventory({ requests: [] });
  expect(() => old.begin()).toThrow(/The agent “a” \(version 0\.0\.1\) is older than drills/);
  old.inventory({ jobs: ['backup', 'restore', 'drill'] });
  old.begin();
});

test('one that was asked for before its agent was known fails once the agent turns out to be too old', () => {
  const w = world();
  w.agent.drop();
  const { id } = w.jobs.createDrill(w.databaseId, 'someone');
  w.inventory({ requests: [] });
  w.connect(w.agentId);
  expect(w.job(id)?.state).toBe('failed');
  expect(JSON.parse(String(w.job(id)?.failure))).toMatchObject({ code: 'unknown_message' });
});

test('an agent drills one database at a time, and backs up beside it', () => {
  const w = world();
  const other = w.databaseIds[1];
  w.addSnapshot(randomUUID(), { databaseId: other, vaultId: randomUUID() });
  const first = w.begin();
  const second = w.jobs.createDrill(other, 'someone');
  const backup = w.jobs.createBackup(other, 'someone');
  w.clock.advance(2_000);
  expect(w.job(second.id)?.state).toBe('queued');
  expect(w.job(backup.id)?.state).toBe('offered');
  w.agent.say({ type: 'job.accepted', jobId: backup.id, attempt: 1 });
  w.agent.say({ type: 'job.finished', jobId: first, attempt: 1, outcome: told(good) });
  w.clock.advance(2_000);
  expect(w.job(second.id)?.state).toBe('offered');
});
