import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { insertJobs } from '../../control-plane/db/jobs.ts';
import { recentBackups } from '../../control-plane/views/history.ts';
import { createDesk } from './jobs/desk.ts';

const HOUR = 3600_000;
const DAY = 24 * HOUR;

test('backups are counted by the hour in which they ended; cancelled ones, restores and open ones are not', () => {
  const { agentId, clock, databaseIds, db, serverId } = createDesk();
  clock.advance(40 * DAY - (clock.now() % DAY));
  const [shop = '', ledger = ''] = databaseIds;
  const now = clock.now();
  const ended = (databaseId: string, ago: number, state: 'succeeded' | 'failed' | 'lost' | 'cancelled') => ({
    ...{ id: randomUUID(), kind: 'backup' as const, state, agentId, serverId, databaseId },
    ...{ snapshotId: randomUUID(), vaultId: randomUUID(), attempt: 1, maxAttempts: 3, notBefore: 0 },
    ...{ requestedBy: 'somebody', createdAt: now - ago - HOUR, finishedAt: now - ago },
  });
  insertJobs(db, [
    ended(shop, 1, 'succeeded'),
    ended(shop, HOUR, 'failed'),
    ended(ledger, HOUR, 'lost'),
    ended(shop, HOUR, 'cancelled'),
    { ...ended(shop, HOUR, 'failed'), kind: 'restore' },
    { ...ended(shop, HOUR, 'failed'), state: 'running', finishedAt: null },
    ended(shop, 30 * DAY + HOUR, 'succeeded'),
    ended(shop, 32 * DAY, 'failed'),
  ]);
  const at = (ago: number) => new Date(now - ago).toISOString();
  expect(recentBackups({ clock, db }, { agentIds: null })).toEqual([
    { hour: at(30 * DAY + HOUR), succeeded: 1, failed: 0 },
    { hour: at(HOUR), succeeded: 1, failed: 2 },
  ]);
  expect(recentBackups({ clock, db }, { agentIds: null, databaseId: ledger })).toEqual([
    { hour: at(HOUR), succeeded: 0, failed: 1 },
  ]);
  expect(recentBackups({ clock, db }, { agentIds: [] })).toEqual([]);
});
