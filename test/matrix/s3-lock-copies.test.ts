import { randomBytes } from 'node:crypto';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { DAY, DAYS, LOCK, lockBench } from './lock-bench.ts';

/** Locks of replicas, of what is healed and moved, and of an index that is made anew. */
const b = lockBench();
const { now, record, snapshot, downloaded, keysOf, retentionCalls, inBucket, retention, current, loseIndex } =
  b;

test('without its index the vault knows its lock, and until when its snapshots are locked', async () => {
  await inBucket();
  const dump = randomBytes(500_000);
  const { snapshotId } = await b.w.backUp(b.fleet, dump);
  const before = snapshot(snapshotId)?.lockedUntil;
  await loseIndex();
  expect(record().bucket?.lock).toEqual(LOCK);
  expect(snapshot(snapshotId)?.lockedUntil).toBe(before);
  b.faults.seen.splice(0);
  const again = { ...b.fleet };
  await b.w.backUp(again, dump);
  expect(retentionCalls()).toHaveLength(0);
});

test('a damaged pack is healed by a new version on top, which is locked', async () => {
  await inBucket();
  const dump = randomBytes(500_000);
  const job = await b.w.backUp(b.fleet, dump);
  const copy = await b.s3.bucket(`copy-${b.number}`);
  await b.w.vaults.service.setReplica(b.w.vaultId, copy);
  await current();
  const [pack] = await keysOf('packs/');
  await b.s3.client.send(new PutObjectCommand({ Bucket: b.bucket.bucket, Key: pack!, Body: randomBytes(9) }));
  await b.w.halt();
  await b.w.start();
  expect(dump.equals(await downloaded(job.snapshotId))).toBe(true);
  const { mode, until } = await retention(pack!);
  expect(mode).toBe('COMPLIANCE');
  expect(until).toBeGreaterThan(now() + DAYS * DAY);
});

test('a replica in a bucket that locks is locked as a vault is, also after a move there, and back', async () => {
  b.fleet = await b.w.enrol();
  const dump = randomBytes(1_000_000);
  await b.w.backUp(b.fleet, dump);
  await b.w.vaults.service.setReplica(b.w.vaultId, b.bucket);
  await current();
  expect(record().replica?.bucket?.lock).toEqual(LOCK);
  for (const key of await keysOf('')) expect((await retention(key)).mode, key).toBe('COMPLIANCE');
  b.w.shift = 9 * DAY;
  b.faults.seen.splice(0);
  const second = await b.w.backUp(b.fleet, dump);
  await eventually('both are copied', () => record().replica?.snapshotCount === 2);
  expect(snapshot(second.snapshotId)?.lockedUntil).toBeNull();
  expect(retentionCalls().some(({ path }) => path.includes('/packs/'))).toBe(true);
  for (const key of await keysOf('packs/'))
    expect((await retention(key)).until).toBeGreaterThan(now() + DAYS * DAY);
  await b.w.vaults.service.moveVault(b.w.vaultId, { leaveBehind: false });
  await eventually(
    'the vault has moved',
    () => record().store === 's3' && record().replica?.state === 'current',
  );
  expect(snapshot(second.snapshotId)?.lockedUntil).toBeGreaterThan(now() + (DAYS - 1) * DAY);
  const third = await b.w.backUp(b.fleet, dump);
  expect(snapshot(third.snapshotId)?.lockedUntil).toBeGreaterThan(now() + (DAYS - 1) * DAY);
  await current();
  await b.w.vaults.service.moveVault(b.w.vaultId, { leaveBehind: false });
  await eventually('it is back', () => record().store === 'local' && record().replica?.state === 'current');
  expect(snapshot(third.snapshotId)?.lockedUntil).toBeNull();
  expect(dump.equals(await downloaded(third.snapshotId))).toBe(true);
});
