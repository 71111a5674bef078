import { randomUUID } from 'node:crypto';
import { DeleteObjectCommand, GetObjectLockConfigurationCommand } from '@aws-sdk/client-s3';
import { fail } from '../../../protocol/failure.ts';
import { TEST_FILE } from './names.ts';
import type { S3Store } from './s3.ts';
import { s3Failure, statusOf } from './s3-errors.ts';
import { type Bucket, headObject, type ObjectFacts } from './s3-head.ts';
import { describeBucket, type S3Options } from './s3-options.ts';

/** What a test file’s lock is extended by. */
const MORE_MS = 60_000;
const NEW_BUCKET = 'Make a bucket with Object Lock enabled (it then has versions as well), or do not lock.';

/**
 * Proves that a bucket locks what is written there, by trying to delete what it should keep. What was written for that can
 * be deleted within minutes, and is not in sight.
 * @returns the options, with what is found of the lock
 * @throws FailureError `lock_failed` | `store_unavailable`
 */
export async function probeLock(store: S3Store, options: S3Options): Promise<S3Options> {
  const { lock } = store;
  if (!lock || !options.lock) return options;
  const name = `packs/${TEST_FILE}${randomUUID()}`;
  try {
    const until = lock.terms(name).ObjectLockRetainUntilDate.getTime();
    await store.putIfAbsent(name, Buffer.from('locked for some minutes'));
    const { versionId } = await requireLocked(lock.bucket, { name, until });
    const later = { mode: options.lock.mode, until: until + MORE_MS };
    await lock.lockVersion(name, versionId, later);
    await requireLocked(lock.bucket, { name, until: later.until });
    if (await isDeleted(lock.bucket, { name, versionId }))
      throw useless(options, 'lets files be deleted that are locked');
    const liftable = await isDeleted(lock.bucket, { name, versionId, lift: true });
    if (liftable && options.lock.mode === 'compliance')
      throw useless(options, 'lets locks of mode compliance be lifted');
    return { ...options, lock: { ...options.lock, liftable } };
  } finally {
    // That files can be taken out of sight was tried before; what went wrong here is what counts.
    await store.remove(name).catch(() => {});
  }
}

/** Asked before anything is written: a bucket without Object Lock takes nothing that is to be locked. */
export async function requireLocking({ lock }: S3Store): Promise<void> {
  if (!lock) return;
  const { at, client, options } = lock.bucket;
  if (options.checksums === 'none')
    throw fail('invalid_input', 'lock: needs SHA-256 checksums.', 'Send them, or do not lock.');
  const { Bucket } = at('vault.json');
  try {
    const found = await client.send(new GetObjectLockConfigurationCommand({ Bucket }));
    if (found.ObjectLockConfiguration?.ObjectLockEnabled === 'Enabled') return;
  } catch (error) {
    const { name } = error as Error;
    if (statusOf(error) === 403 || name === 'NoSuchBucket') throw s3Failure(error, options);
    if (statusOf(error) === 0 || (statusOf(error) >= 500 && statusOf(error) !== 501))
      throw s3Failure(error, options);
  }
  throw fail('lock_failed', `${describeBucket(options)} has no Object Lock.`, NEW_BUCKET);
}

async function requireLocked(
  bucket: Bucket,
  { name, until }: { name: string; until: number },
): Promise<ObjectFacts> {
  const found = await headObject(bucket, name);
  const { lock, versionId } = found ?? {};
  if (lock?.mode === bucket.options.lock?.mode && lock && lock.until >= until && versionId !== undefined)
    return { ...found, length: found?.length ?? 0, versionId };
  throw useless(bucket.options, 'does not tell of a lock that was set');
}

/** Tries to delete a version for good. */
async function isDeleted(
  bucket: Bucket,
  { lift, name, versionId }: { name: string; versionId: string | undefined; lift?: true },
): Promise<boolean> {
  const { at, client, options } = bucket;
  const which = { ...at(name), VersionId: versionId, ...(lift ? { BypassGovernanceRetention: true } : {}) };
  try {
    await client.send(new DeleteObjectCommand(which));
  } catch (error) {
    if (statusOf(error) >= 400 && statusOf(error) < 500) return false;
    throw s3Failure(error, options);
  }
  // A store may say so and keep it. A key that may delete a version need not have the right to look at one.
  return (await headObject(bucket, name, versionId).catch(() => undefined)) === undefined;
}

function useless(options: S3Options, what: string) {
  return fail(
    'lock_failed',
    `${describeBucket(options)} ${what}.`,
    'Allow the access key s3:PutObjectRetention and s3:GetObjectRetention on the vault’s folder; if it has both, this store cannot keep backups locked.',
  );
}
