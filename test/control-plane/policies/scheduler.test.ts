import { expect, test } from 'vitest';
import { changeAgent } from '../../../control-plane/db/agents.ts';
import { stopProtecting } from '../../../control-plane/db/databases.ts';
import { putChoice, putPolicy, removePolicy } from '../../../control-plane/db/policies.ts';
import { schedulesOf } from '../../../control-plane/db/schedules.ts';
import { createLogger } from '../../../control-plane/log.ts';
import { scheduleSchema } from '../../../control-plane/policies/schedule.ts';
import { createScheduler } from '../../../control-plane/policies/scheduler.ts';
import { createDesk } from '../jobs/desk.ts';

const HOUR = 3600_000;
const DAY = 24 * HOUR;

/** A scheduler at midnight of a Thursday, with a policy for everything that comes daily at two. */
function world(more: object = {}) {
  const desk = createDesk();
  const { clock, db, events, jobs } = desk;
  const write = (name: string, at: string, reach: { everywhere?: boolean; labels?: string[] }) => {
    const schedule = { timing: { kind: 'daily', at }, timeZone: 'UTC', ...more };
    const row = {
      id: name,
      name,
      createdAt: 0,
      everywhere: false,
      labels: [],
      retention: null,
      drill: null,
      ...reach,
    };
    putPolicy(db, { ...row, schedule: JSON.stringify(scheduleSchema.parse(schedule)) });
  };
  write('nightly', '02:00', { everywhere: true });
  const begin = () => {
    const scheduler = createScheduler({ db, clock, events, jobs, log: createLogger('silent') });
    scheduler.start();
    return scheduler;
  };
  const backups = () =>
    db.$client
      .prepare('SELECT databaseId, createdAt, requestedBy, state FROM jobs ORDER BY createdAt')
      .all() as {
      databaseId: string;
      createdAt: number;
      requestedBy: string;
    }[];
  const standing = (id: string) => schedulesOf(db, [id])[0];
  return { ...desk, begin, write, backups, standing };
}

test('backs up when it is time, in the name of the policy', () => {
  const w = world();
  w.begin();
  w.clock.advance(2 * HOUR - 1);
  expect(w.backups()).toEqual([]);
  w.clock.advance(1_001);
  expect(new Set(w.backups().map(({ databaseId }) => databaseId))).toEqual(new Set(w.databaseIds));
  expect(w.backups()[0]).toMatchObject({ requestedBy: 'Policy nightly' });
  expect(w.standing(w.databaseIds[0])).toMatchObject({ startsAt: DAY + 2 * HOUR, skipped: null });
});

test('begins none beside one that is still under way, and says so', () => {
  const w = world();
  w.begin();
  for (const wait of [2 * HOUR, DAY]) {
    w.clock.jump(wait - 2_000);
    w.clock.advance(2_000);
  }
  expect(w.backups()).toHaveLength(2);
  expect(w.standing(w.databaseIds[0])).toMatchObject({
    skippedAt: DAY + 2 * HOUR,
    skipped: expect.stringContaining('queued or running'),
  });
});

test.each([
  [true, 1, null],
  [false, 0, expect.stringContaining('was not there')],
])('after a time away catches up (%s) once, or says that it does not', (catchUp, runs, skipped) => {
  const w = world({ catchUp });
  w.begin().stop();
  w.clock.advance(5 * DAY);
  w.begin();
  w.clock.advance(5_000);
  expect(w.backups()).toHaveLength(2 * runs);
  expect(w.standing(w.databaseIds[0])).toMatchObject({ startsAt: 5 * DAY + 2 * HOUR, skipped });
});

test('what is chosen nearer decides, at once', () => {
  const w = world();
  w.write('often', '01:00', {});
  const scheduler = w.begin();
  putChoice(w.db, { kind: 'database', targetId: w.databaseIds[0], policyId: 'often' });
  putChoice(w.db, { kind: 'server', targetId: w.serverId, policyId: null });
  scheduler.replan();
  expect(w.standing(w.databaseIds[0])).toMatchObject({
    policyId: 'often',
    source: 'database',
    startsAt: HOUR,
  });
  expect(w.standing(w.databaseIds[1])).toBeUndefined();
  removePolicy(w.db, 'often');
  scheduler.replan();
  expect(w.standing(w.databaseIds[0])).toBeUndefined();
});

test('what changes in the fleet is seen within seconds', () => {
  const w = world();
  w.write('labelled', '05:00', { labels: ['eu'] });
  w.begin();
  changeAgent(w.db, w.agentId, { name: 'a', labels: ['eu'] });
  stopProtecting(w.db, w.databaseIds[1], 0);
  w.events.changed('agents');
  w.clock.advance(7_000);
  expect(w.standing(w.databaseIds[0])).toMatchObject({ source: 'label', label: 'eu', startsAt: 5 * HOUR });
  expect(w.standing(w.databaseIds[1])).toBeUndefined();
});

test('a new name, or another who decides, loses no run that is due', () => {
  const w = world();
  const scheduler = w.begin();
  scheduler.stop();
  w.clock.advance(2 * HOUR + 60_000);
  w.write('nightly', '02:00', { everywhere: true, labels: ['eu'] });
  changeAgent(w.db, w.agentId, { name: 'a', labels: ['eu'] });
  w.begin();
  w.clock.advance(2_000);
  expect(w.backups()).toHaveLength(2);
});
