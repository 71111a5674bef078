import { randomBytes } from 'node:crypto';
import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { failureOf } from '../contract/store.ts';
import { DAY, DAYS, lockBench } from './lock-bench.ts';

/** Somebody deletes or overwrites what is in a bucket with Object Lock. */
const b = lockBench();
const { now, record, downloaded, keysOf, inBucket, retention, deleteVersions } = b;

test('deleted packs are noticed by a backup, and what they held is uploaded again', async () => {
  await inBucket();
  const dump = randomBytes(1_000_000);
  await b.w.backUp(b.fleet, dump);
  await b.s3.deleteAll(b.bucket.bucket, 'homeport/packs/');
  b.w.shift = 2 * 60 * 60_000;
  const failure = await failureOf(b.w.backUp(b.fleet, dump));
  expect(failure).toMatchObject({ code: 'chunks_missing', retryable: true });
  const job = await b.w.backUp(b.fleet, dump);
  expect(dump.equals(await downloaded(job.snapshotId))).toBe(true);
});

test('other bytes over a pack are noticed when its lock is due, and what was there is still locked then', async () => {
  await inBucket();
  const dump = randomBytes(500_000);
  await b.w.backUp(b.fleet, dump);
  const [pack] = await keysOf('packs/');
  const [{ versionId } = { versionId: '' }] = await b.s3
    .versions(b.bucket.bucket)
    .then((all) => all.filter(({ key }) => key === pack));
  await b.s3.client.send(
    new PutObjectCommand({ Bucket: b.bucket.bucket, Key: pack!, Body: randomBytes(1000) }),
  );
  b.w.shift = 8 * DAY;
  expect(await failureOf(b.w.backUp(b.fleet, dump))).toMatchObject({ code: 'chunks_missing' });
  expect((await retention(pack!, versionId)).until).toBeGreaterThan(now() + (DAYS - 1) * DAY);
  const job = await b.w.backUp(b.fleet, dump);
  expect(dump.equals(await downloaded(job.snapshotId))).toBe(true);
});

test('after everything was deleted the vault comes back by taking the delete markers away', async () => {
  await inBucket();
  const dump = randomBytes(1_000_000);
  const first = await b.w.backUp(b.fleet, dump);
  await b.s3.deleteAll(b.bucket.bucket);
  expect(await keysOf('')).toEqual([]);
  expect(await deleteVersions()).toBe(0);
  b.w.shift = 2 * 60 * 60_000;
  const failure = await failureOf(b.w.backUp(b.fleet, dump));
  expect(failure).toMatchObject({ code: 'store_unavailable' });
  expect(failure.hint).toContain('Bringing back what was deleted');
  await b.w.halt();
  await b.w.start();
  expect(record()).toMatchObject({ unreachable: { code: 'store_unavailable' }, snapshotCount: 1 });
  await b.s3.undelete(b.bucket.bucket);
  expect(dump.equals(await downloaded(first.snapshotId))).toBe(true);
  await b.w.halt();
  await b.w.start();
  expect(b.w.reconciled).toMatchObject({ refused: [], forgotten: { packs: 0, snapshots: 0 } });
  const job = await b.w.backUp(b.fleet, dump);
  expect(dump.equals(await downloaded(job.snapshotId))).toBe(true);
});

test('a key that was deleted is named: no snapshot is made that nobody could open', async () => {
  await inBucket();
  const dump = randomBytes(500_000);
  await b.w.backUp(b.fleet, dump);
  const keys = await keysOf('keys/');
  const isIdKey = (key: string) => key.includes(b.fleet.idKey.id);
  const dataKey = keys.find((key) => !isIdKey(key));
  await b.s3.client.send(new DeleteObjectCommand({ Bucket: b.bucket.bucket, Key: dataKey! }));
  b.w.shift = 8 * DAY;
  const failure = await failureOf(b.w.backUp(b.fleet, dump));
  expect(failure).toMatchObject({ code: 'key_missing' });
  expect(failure.message).toContain(dataKey!.slice('homeport/'.length));
  await b.s3.undelete(b.bucket.bucket);
  await b.w.backUp(b.fleet, dump);
});
