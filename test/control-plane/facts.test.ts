import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { insertJobs, updateJob } from '../../control-plane/db/jobs.ts';
import { closeDb, type Db, openDb } from '../../control-plane/db/open.ts';
import { databaseFacts, databases, jobs } from '../../control-plane/db/schema/fleet.ts';
import { packs, snapshots, vaultTotals } from '../../control-plane/db/schema/vault.ts';
import { snapshotQueries } from '../../control-plane/db/snapshots.ts';
import { vaultQueries } from '../../control-plane/db/vaults.ts';
import { fillFleet, idOf } from '../support/big-fleet.ts';

const SIZE = { agents: 3, databases: 12, snapshotsEach: 4, jobsEach: 3, audit: 0 };
const NOW = 1_800_000_000_000;
let db: Db;

beforeAll(() => {
  db = openDb(':memory:');
});
afterAll(() => closeDb(db));
beforeEach(() => {
  for (const table of [snapshots, packs, jobs, databases, databaseFacts, vaultTotals]) db.delete(table).run();
  db.$client.exec('delete from servers; delete from agents');
  fillFleet(db, { vaultId: 'v', size: SIZE, now: NOW });
});

/** What the summaries should be, counted anew. */
function counted() {
  return db.$client
    .prepare(`select f.databaseId,
      (select count(*) from snapshots s where s.databaseId = f.databaseId) snapshots,
      (select coalesce(sum(rawBytes), 0) from snapshots s where s.databaseId = f.databaseId) rawBytes,
      (select coalesce(sum(storedBytes), 0) from snapshots s where s.databaseId = f.databaseId) storedBytes,
      j.id backupJobId, j.createdAt backupCreatedAt, j.state backupState, j.finishedAt backupFinishedAt
      from database_facts f left join jobs j on j.id = (select id from jobs
        where databaseId = f.databaseId and kind = 'backup' order by createdAt desc limit 1)
      order by f.databaseId`)
    .all();
}

const kept = () => db.select().from(databaseFacts).orderBy(databaseFacts.databaseId).all();
const bytes = () => db.select().from(vaultTotals).all();
const one = () => ({ databaseId: idOf('database', 8), id: idOf('snapshot', 8000) });

function backup(id: string, createdAt: number): typeof jobs.$inferInsert {
  const like = db
    .select()
    .from(jobs)
    .all()
    .find(({ databaseId }) => databaseId === one().databaseId);
  if (!like) throw new Error('The fleet has no such job.');
  return { ...like, id, createdAt, state: 'queued', finishedAt: null };
}

test('an index that was there before is summed up', () => {
  expect(kept()).toHaveLength(10);
  expect(kept()).toEqual(counted());
  expect(bytes()).toEqual([{ vaultId: 'v', packs: 120, bytes: 120 * 4e6 }]);
});

test('snapshots that come and go count', () => {
  const queries = snapshotQueries(db);
  const row = queries.snapshot(one().id);
  if (!row) throw new Error('The fleet has no such snapshot.');
  queries.remove(row.id);
  expect(kept()).toEqual(counted());
  expect(queries.add(row)).toBe(true);
  expect(queries.add(row)).toBe(false);
  queries.add({ ...row, id: 'new', databaseId: 'unknown', storedBytes: 17 });
  expect(kept().find(({ databaseId }) => databaseId === 'unknown')).toMatchObject({
    snapshots: 1,
    storedBytes: 17,
  });
  expect(kept()).toEqual(counted());
});

test('the newest backup is told, and what becomes of it', () => {
  insertJobs(db, [backup('newer', NOW + 5), backup('older', NOW - 1e10)]);
  expect(kept().find(({ databaseId }) => databaseId === one().databaseId)).toMatchObject({
    backupJobId: 'newer',
    backupState: 'queued',
  });
  updateJob(db, 'newer', { state: 'failed', finishedAt: NOW + 9 });
  updateJob(db, 'older', { state: 'lost', finishedAt: NOW + 99 });
  expect(kept().find(({ databaseId }) => databaseId === one().databaseId)).toMatchObject({
    backupState: 'failed',
    backupFinishedAt: NOW + 9,
  });
  insertJobs(db, [{ ...backup('restore', NOW + 50), kind: 'restore' }]);
  db.$client.exec(`delete from jobs where id = 'newer'`);
  expect(kept()).toEqual(counted());
});

test('a vault that is cleared, to be indexed anew, leaves nothing behind', () => {
  vaultQueries(db).clear('v');
  expect(bytes()).toEqual([{ vaultId: 'v', packs: 0, bytes: 0 }]);
  expect(kept().every(({ rawBytes, snapshots }) => rawBytes === 0 && snapshots === 0)).toBe(true);
});
