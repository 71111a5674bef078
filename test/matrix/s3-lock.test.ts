import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { S3Store } from '../../control-plane/vault/stores/s3.ts';
import type { S3Options } from '../../control-plane/vault/stores/s3-options.ts';
import { failureOf } from '../contract/store.ts';
import { allSnapshots } from '../support/all-snapshots.ts';
import { s3Error } from '../support/http-faults.ts';
import { anywhere } from '../support/s3.ts';
import { DAY, DAYS, LOCK, lockBench } from './lock-bench.ts';

/** What a vault in a bucket with Object Lock locks, and for how long. */
const b = lockBench();
const { now, record, snapshot, downloaded, keysOf, retentionCalls, inBucket, retention, deleteVersions } = b;

test('whatever a backup wrote is locked from its write on; its manifest ends first, and the snapshot tells when', async () => {
  await inBucket();
  const before = now();
  const job = await b.w.backUp(b.fleet, randomBytes(2_000_000));
  const keys = await keysOf('');
  expect(keys).toHaveLength(8);
  for (const key of keys) {
    const { mode, until } = await retention(key);
    const manifest = key.includes('/snapshots/');
    expect(mode, key).toBe('COMPLIANCE');
    expect(until, key).toBeGreaterThanOrEqual(before + (DAYS + (manifest ? 0 : 8)) * DAY - 60_000);
    expect(until, key).toBeLessThan(now() + (DAYS + (manifest ? 0 : 8)) * DAY + 2_000);
    if (manifest) expect(snapshot(job.snapshotId)?.lockedUntil).toBe(until);
  }
  expect(retentionCalls()).toHaveLength(0);
});

test('nobody deletes or overwrites what is locked: the store refuses by name, the bucket every version', async () => {
  await inBucket();
  const job = await b.w.backUp(b.fleet, randomBytes(500_000));
  const store = new S3Store(b.bucket, { outgoing: anywhere, spool: b.w.dataDir });
  const [pack] = (await keysOf('packs/')).map((key) => key.slice('homeport/'.length));
  const failure = await failureOf(store.remove(pack!));
  expect(failure).toMatchObject({ code: 'file_locked' });
  expect(failure.message).toMatch(/is locked until 20\d\d-.*compliance/);
  expect(await deleteVersions()).toBe(0);
  await downloaded(job.snapshotId);
});

test('packs that agents send themselves are locked by the address they get', async () => {
  await inBucket({ direct: true });
  b.w.job(b.fleet);
  const at = { agentId: b.fleet.agentId, vaultId: b.w.vaultId };
  const way = await b.w.vaults.agents.uploadWay(at, { sha256: 'ab'.repeat(32), bytes: 100 });
  if (way.way !== 'direct') throw new Error(`the way is ${way.way}`);
  const signed = new URL(way.url).searchParams.get('X-Amz-SignedHeaders')?.split(';');
  expect(signed).toEqual(
    expect.arrayContaining(['x-amz-object-lock-mode', 'x-amz-object-lock-retain-until-date']),
  );
  expect(way.headers['x-amz-object-lock-mode']).toBe('COMPLIANCE');
});

test('a backup extends what earlier ones locked, once a week, and leaves earlier snapshots as they are', async () => {
  await inBucket();
  const dump = randomBytes(2_000_000);
  const first = await b.w.backUp(b.fleet, dump);
  const before = snapshot(first.snapshotId)?.lockedUntil;
  b.w.shift = 5 * DAY;
  await b.w.backUp(b.fleet, dump);
  expect(retentionCalls()).toHaveLength(0);
  b.w.shift = 8 * DAY;
  const third = await b.w.backUp(b.fleet, dump);
  const packs = await keysOf('packs/');
  expect(retentionCalls().filter(({ path }) => path.includes('/packs/')).length).toBeGreaterThan(0);
  expect(retentionCalls().length).toBeLessThanOrEqual(packs.length + 8);
  for (const key of [...packs, 'homeport/vault.json', 'homeport/recover.mjs'])
    expect((await retention(key)).until, key).toBeGreaterThanOrEqual(now() + DAYS * DAY);
  expect(snapshot(third.snapshotId)?.lockedUntil).toBeGreaterThan(now() + DAYS * DAY - 60_000);
  expect(snapshot(first.snapshotId)?.lockedUntil).toBe(before);
  b.faults.seen.splice(0);
  await b.w.backUp(b.fleet, dump);
  expect(retentionCalls()).toHaveLength(0);
});

test('where a lock cannot be extended the commit fails by name, and nothing counts as locked', async () => {
  await inBucket();
  const dump = randomBytes(500_000);
  await b.w.backUp(b.fleet, dump);
  b.w.shift = 10 * DAY;
  b.faults.next('PUT', { answer: 403, body: s3Error('AccessDenied') }, 99, ({ path }) =>
    path.includes('?retention'),
  );
  const failure = await failureOf(b.w.backUp(b.fleet, dump));
  expect(failure).toMatchObject({ code: 'lock_failed', retryable: false });
  expect(failure.hint).toContain('s3:PutObjectRetention');
  expect(await keysOf('snapshots/')).toHaveLength(1);
  expect(allSnapshots(b.w.vaults.service)).toHaveLength(1);
  b.faults.mend();
  b.faults.seen.splice(0);
  const job = await b.w.backUp(b.fleet, dump);
  expect(retentionCalls().length).toBeGreaterThan(4);
  expect(snapshot(job.snapshotId)?.lockedUntil).toBeGreaterThan(now());
});

test('another mode or more days count from the next backup on; nothing is ever shortened', async () => {
  const governance = { mode: 'governance', days: 2, liftable: true } as const;
  const { id } = await inBucket({ lock: governance });
  const dump = randomBytes(500_000);
  await b.w.backUp(b.fleet, dump);
  const change = (lock: S3Options['lock']) => b.w.vaults.service.changeStore(id, { ...b.bucket, lock });
  await change(LOCK);
  await b.w.backUp(b.fleet, dump);
  const [pack] = await keysOf('packs/');
  const strong = await retention(pack!);
  expect(strong.mode).toBe('COMPLIANCE');
  expect(strong.until).toBeGreaterThan(now() + DAYS * DAY);
  await change(governance);
  await b.w.backUp(b.fleet, dump);
  expect(await retention(pack!)).toEqual(strong);
  await change(undefined);
  expect(record().bucket?.lock).toBeNull();
  const job = await b.w.backUp(b.fleet, dump);
  expect(snapshot(job.snapshotId)?.lockedUntil).toBeNull();
});
