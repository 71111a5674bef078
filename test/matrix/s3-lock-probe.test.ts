import { PutObjectLockConfigurationCommand } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { failureOf } from '../contract/store.ts';
import { s3Error } from '../support/http-faults.ts';
import { LOCK, lockBench } from './lock-bench.ts';

/** What the test of a bucket finds out about its Object Lock. */
const b = lockBench();
const { now, records, keysOf, retention } = b;

test('a bucket that does not lock is refused with its reason, and nothing is made', async () => {
  const plain = await b.s3.bucket(`plain-${b.number}`, { lock: LOCK });
  const failure = await failureOf(b.w.vaults.service.addVault({ name: 'offsite', store: plain }));
  expect(failure).toMatchObject({ code: 'lock_failed' });
  expect(failure.message).toContain('has no Object Lock');
  expect(failure.hint).toContain('Object Lock enabled');
  const unsummed = { ...b.bucket, checksums: 'none' } as const;
  const refused = await failureOf(b.w.vaults.service.addVault({ name: 'offsite', store: unsummed }));
  expect(refused).toMatchObject({ code: 'invalid_input' });
  expect(records()).toHaveLength(1);
  expect(await b.s3.keys(plain.bucket)).toEqual([]);
});

test('a key that may not lock, and a bucket that only says it does, are found out', async () => {
  const add = () => failureOf(b.w.vaults.service.addVault({ name: 'offsite', store: b.bucket }));
  const retaining = ({ path }: { path: string }) => path.includes('?retention');
  b.faults.next('PUT', { answer: 403, body: s3Error('AccessDenied') }, 1, retaining);
  expect(await add()).toMatchObject({ code: 'lock_failed' });
  b.faults.next('GET', { answer: 403, body: s3Error('AccessDenied') }, 1, ({ path }) =>
    path.includes('?object-lock'),
  );
  expect((await add()).hint).toContain('s3:GetBucketObjectLockConfiguration');
  // It says that it has extended a lock, and has not.
  b.faults.next('PUT', { answer: 200, body: '' }, 1, retaining);
  expect((await add()).message).toContain('does not tell of a lock that was set');
  expect(records()).toHaveLength(1);
  expect(await keysOf('')).toEqual([]);
});

test('the test of a bucket leaves nothing in sight, and nothing locked for longer than minutes', async () => {
  const day = { ObjectLockEnabled: 'Enabled', Rule: { DefaultRetention: { Mode: 'COMPLIANCE', Days: 9 } } };
  const ObjectLockConfiguration = day as { ObjectLockEnabled: 'Enabled' };
  await b.s3.client.send(
    new PutObjectLockConfigurationCommand({ Bucket: b.bucket.bucket, ObjectLockConfiguration }),
  );
  const made = await b.w.vaults.service.addVault({ name: 'offsite', store: b.bucket });
  expect(made.bucket?.lock).toEqual(LOCK);
  const tests = (await b.s3.versions(b.bucket.bucket)).filter(({ key }) => key.includes('homeport-test-'));
  expect(tests.filter(({ isMarker }) => !isMarker).length).toBeGreaterThan(0);
  for (const { isMarker, key, versionId } of tests)
    if (!isMarker) expect((await retention(key, versionId)).until).toBeLessThan(now() + 10 * 60_000);
  expect((await keysOf('')).filter((key) => key.includes('test'))).toEqual([]);
});

test('a key that can lift locks of mode governance is told of; one of mode compliance cannot be lifted', async () => {
  const governed = await b.w.vaults.service.addVault({
    name: 'governed',
    store: { ...b.bucket, lock: { mode: 'governance', days: 1, liftable: false } },
  });
  // moto’s server lets every key do everything.
  expect(governed.bucket?.lock).toEqual({ mode: 'governance', days: 1, liftable: true });
});
