import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { DrillCandidate } from '../../../control-plane/db/drills.ts';
import { putPolicy } from '../../../control-plane/db/policies.ts';
import { createLogger } from '../../../control-plane/log.ts';
import { drillBegins, drillSettingSchema, nextDrillAt } from '../../../control-plane/policies/drill.ts';
import { scheduleSchema } from '../../../control-plane/policies/schedule.ts';
import { createScheduler } from '../../../control-plane/policies/scheduler.ts';
import { createDesk } from '../jobs/desk.ts';

const HOUR = 3600_000;
const DAY = 24 * HOUR;
const daily = { timing: { kind: 'daily', at: '02:00' }, timeZone: 'UTC' };
const text = (more: object = {}) => JSON.stringify(scheduleSchema.parse({ ...daily, ...more }));

describe('the next drill', () => {
  test.each([
    [{ finishedAt: null, outcome: null }, 0],
    [{ finishedAt: DAY, outcome: 'passed' }, 8 * DAY],
    [{ finishedAt: DAY, outcome: 'failed' }, 8 * DAY],
    [{ finishedAt: DAY, outcome: 'incomplete' }, 2 * DAY],
  ] as const)('after %j is due at %s', (last, at) => {
    expect(nextDrillAt({ everyDays: 7 }, last)).toBe(at);
  });

  const candidate = (more: Partial<DrillCandidate> = {}): DrillCandidate => ({
    databaseId: randomUUID(),
    policyName: 'p',
    drill: '{"everyDays":7}',
    schedule: text(),
    finishedAt: 0,
    outcome: 'passed',
    ...more,
  });

  test('does not begin before its day', () => {
    expect(drillBegins(candidate(), 7 * DAY - 1)).toBe(false);
    expect(drillBegins(candidate(), 7 * DAY)).toBe(true);
  });

  test('keeps out of blackouts, and of no spread', () => {
    const blackouts = [{ days: [1, 2, 3, 4, 5, 6, 7], from: '00:00', to: '06:00' }];
    const one = candidate({ schedule: text({ blackouts, spreadMinutes: 1440 }) });
    expect(drillBegins(one, 8 * DAY + 5 * HOUR)).toBe(false);
    expect(drillBegins(one, 8 * DAY + 6 * HOUR)).toBe(true);
  });

  test.each([0, 367, 1.5])('is not every %s days', (everyDays) => {
    expect(drillSettingSchema.safeParse({ everyDays }).success).toBe(false);
  });
});

test('a policy with drills has what has a snapshot drilled, once, in its name', () => {
  const w = createDesk();
  const { clock, db, events, jobs } = w;
  const [databaseId] = w.databaseIds;
  const policy = { id: 'p', name: 'Nightly', createdAt: 0, everywhere: true, labels: [], schedule: text() };
  putPolicy(db, { ...policy, retention: null, drill: '{"everyDays":7}' });
  createScheduler({ db, clock, events, jobs, log: createLogger('silent') }).start();
  const drills = () =>
    db.$client.prepare(`SELECT databaseId, requestedBy FROM jobs WHERE kind = 'drill'`).all();
  clock.advance(3 * 60_000);
  expect(drills()).toEqual([]);
  w.addSnapshot(randomUUID(), { databaseId, vaultId: randomUUID() });
  db.$client.prepare('INSERT INTO database_facts (databaseId, snapshots) VALUES (?, 1)').run(databaseId);
  clock.advance(61_000);
  expect(drills()).toEqual([{ databaseId, requestedBy: 'Policy Nightly' }]);
  clock.advance(10 * 60_000);
  expect(drills()).toHaveLength(1);
});
