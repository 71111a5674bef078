import { randomBytes } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createAudit } from '../../../control-plane/audit.ts';
import { EVERYWHERE } from '../../../control-plane/auth/reach.ts';
import { putPolicy, removePolicy } from '../../../control-plane/db/policies.ts';
import { marksOf, putMark } from '../../../control-plane/db/snapshot-marks.ts';
import { createEvents, type Events } from '../../../control-plane/events.ts';
import { createLogger } from '../../../control-plane/log.ts';
import { planAll } from '../../../control-plane/policies/plan.ts';
import { scheduleSchema } from '../../../control-plane/policies/schedule.ts';
import { createKeeper, type Keeper } from '../../../control-plane/retention/keeper.ts';
import { previewRetention } from '../../../control-plane/retention/preview.ts';
import { type Retention, retentionSchema } from '../../../control-plane/retention/rules.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import type { Fleet } from '../vault/fleet.ts';
import { type World, world } from '../vault/world.ts';

const DAY = 86_400_000;
const schedule = JSON.stringify(
  scheduleSchema.parse({ timing: { kind: 'daily', at: '02:00' }, timeZone: 'UTC' }),
);
const rules = (set: Partial<Retention>) => JSON.stringify(retentionSchema.parse(set));

let w: World;
let fleet: Fleet;
let events: Events;
let keeper: Keeper;
let clock: ReturnType<typeof createFakeClock>;
/** Of ten days, the oldest first. */
let ids: string[];

beforeEach(async () => {
  w = await world();
  fleet = await w.enrol();
  clock = createFakeClock();
  clock.jump(100 * DAY);
  w.db.$client.prepare('UPDATE databases SET protectedAt = 1').run();
  ids = [];
  for (let day = 0; day < 10; day += 1) {
    const job = await w.backUp(fleet, randomBytes(1000));
    w.end(job);
    ids.push(job.snapshotId);
    w.db.$client
      .prepare('UPDATE snapshots SET createdAt = ? WHERE id = ?')
      .run((90 + day) * DAY, job.snapshotId);
  }
  events = createEvents((error) => {
    throw error;
  });
  const log = createLogger('silent');
  const audit = createAudit(w.db, clock);
  keeper = createKeeper({ db: w.db, clock, events, audit, log, vault: w.vaults.service });
  keeper.start();
});
afterEach(async () => {
  keeper.stop();
  await w[Symbol.asyncDispose]();
});

async function policy(retention: string | null): Promise<void> {
  putPolicy(w.db, {
    id: 'p',
    name: 'Nightly',
    everywhere: true,
    labels: [],
    createdAt: 0,
    schedule,
    retention,
    drill: null,
  });
  planAll(w.db, clock.now());
  events.changed('policies');
  await settled();
}

/** Until every database was judged. */
async function settled(): Promise<void> {
  for (let n = 0; n < 5; n += 1) await nextTurn();
}

/** Time passes, and the keeper looks now and then. */
function pass(ms: number): void {
  for (let left = ms; left > 0; left -= DAY / 2) {
    clock.jump(Math.min(left, DAY / 2) - 20_000);
    clock.advance(20_000);
  }
}

const left = () => ids.filter((id) => w.vaults.service.snapshot(id));
const expiring = () => [...marksOf(w.db, ids).values()].filter(({ expiresAt }) => expiresAt !== null).length;

test('what no rule keeps is deleted when its days of grace are over, and the audit log says so', async () => {
  await policy(rules({ last: 3, graceDays: 5 }));
  expect(expiring()).toBe(7);
  pass(5 * DAY - 60_000);
  expect(left()).toHaveLength(10);
  pass(60_000);
  expect(left()).toEqual(ids.slice(7));
  const said = w.db.$client
    .prepare("SELECT targetName, details FROM audit_log WHERE action = 'snapshot.expire'")
    .all();
  expect(said).toHaveLength(7);
  expect(said[0]).toMatchObject({ targetName: 'Shop #1', details: '{"policy":"Nightly"}' });
});

test('a policy that is changed back in time deletes nothing', async () => {
  await policy(rules({ last: 1 }));
  expect(expiring()).toBe(9);
  pass(6 * DAY);
  await policy(null);
  expect(expiring()).toBe(0);
  pass(30 * DAY);
  expect(left()).toHaveLength(10);
});

test('nor one that is removed, or whose database is not backed up any more', async () => {
  await policy(rules({ last: 1 }));
  w.db.$client.prepare('UPDATE databases SET protectedAt = NULL').run();
  planAll(w.db, clock.now());
  events.changed('policies');
  await settled();
  expect(expiring()).toBe(0);
  w.db.$client.prepare('UPDATE databases SET protectedAt = 1').run();
  await policy(rules({ last: 1 }));
  expect(expiring()).toBe(9);
  removePolicy(w.db, 'p');
  planAll(w.db, clock.now());
  events.changed('policies');
  await settled();
  pass(30 * DAY);
  expect(left()).toHaveLength(10);
});

test('a pin holds a snapshot, also one that was about to go', async () => {
  await policy(rules({ last: 1, graceDays: 2 }));
  pass(DAY);
  putMark(w.db, { id: String(ids[4]), databaseId: fleet.databaseId }, { pinnedAt: clock.now() });
  keeper.judge(fleet.databaseId);
  pass(10 * DAY);
  expect(left()).toEqual([ids[4], ids[9]]);
});

test('one that is being restored goes once that has ended', async () => {
  await policy(rules({ last: 1, graceDays: 0 }));
  const restore = w.job(fleet, { kind: 'restore', snapshotId: String(ids[2]), sequence: null });
  pass(30_000);
  expect(left()).toEqual([ids[2], ids[9]]);
  w.end(restore);
  pass(30_000);
  expect(left()).toEqual([ids[9]]);
});

test('a clock that leaps a year ahead deletes nothing for a day, and nothing once it is set right', async () => {
  await policy(rules({ last: 1, graceDays: 7 }));
  clock.advance(20_000);
  clock.jump(365 * DAY);
  pass(DAY / 2);
  expect(left()).toHaveLength(10);
  clock.jump(-365 * DAY);
  clock.advance(20_000);
  await settled();
  pass(6 * DAY);
  expect(left()).toHaveLength(10);
  pass(3 * DAY);
  expect(left()).toEqual([ids[9]]);
});

test('a new snapshot is judged at once', async () => {
  await policy(rules({ last: 10 }));
  expect(expiring()).toBe(0);
  const job = await w.backUp(fleet, randomBytes(1000));
  events.changed('snapshots', job.snapshotId);
  expect(expiring()).toBe(1);
});

test('a preview tells what would be deleted, and changes nothing', async () => {
  const draft = { id: 'new', everywhere: true, labels: [], schedule, retention: rules({ last: 4 }) };
  const preview = await previewRetention(w.db, draft, { now: clock.now(), reach: EVERYWHERE });
  expect(preview).toMatchObject({ databases: 1, snapshots: 10, deletes: 6 });
  expect(preview.deleted.map(({ sequence }) => sequence)).toEqual([6, 5, 4, 3, 2, 1]);
  expect(expiring()).toBe(0);
});
