import { randomBytes, randomUUID } from 'node:crypto';
import { FailureError, fail } from '../../../protocol/failure.ts';
import type { S3Store } from './s3.ts';
import { describeBucket, type S3Options } from './s3-options.ts';

/** Enough that a store which changes what it keeps would be noticed. */
const BYTES = 64 * 1024;

/**
 * Whether agents may use a bucket themselves: only where it proves the checksum they send, since nobody else then sees
 * the bytes. Leaves nothing behind.
 */
export async function probeDirect(store: S3Store): Promise<boolean> {
  if (!store.direct) return false;
  const name = `packs/homeport-test-${randomUUID()}`;
  try {
    return await store.provesChecksums(name);
  } finally {
    await store.remove(name);
  }
}

/**
 * Proves that a bucket can be used as a store, by doing all of it once: writing, reading whole and in part, listing,
 * seeing what is not there, deleting.
 * @throws FailureError `store_unavailable` | `forbidden` | `disk_full`, each with what to change
 */
export async function probeBucket(store: S3Store, options: S3Options): Promise<void> {
  // In the folder of packs, so that their storage class is tried as well.
  const name = `packs/homeport-test-${randomUUID()}`;
  const bytes = randomBytes(BYTES);
  if ((await store.size(name)) !== undefined) throw wrong(options, 'claims to have what was never written');
  await store.put(name, [bytes], { maxBytes: BYTES });
  let failure: unknown;
  try {
    await compare(store, options, { name, bytes });
  } catch (error) {
    failure = error;
  }
  try {
    await store.remove(name);
  } catch (error) {
    failure ??= notDeleted(error, name);
  }
  if (failure) throw failure;
  if ((await store.size(name)) !== undefined) throw wrong(options, 'still has what was deleted');
}

async function compare(
  store: S3Store,
  options: S3Options,
  { name, bytes }: { name: string; bytes: Buffer },
): Promise<void> {
  if ((await store.size(name)) !== bytes.length) throw wrong(options, 'tells another size than was written');
  if (!(await store.read(name)).equals(bytes))
    throw wrong(options, 'gives back other bytes than were written');
  const range = { offset: 1000, length: 5000 };
  const part = bytes.subarray(range.offset, range.offset + range.length);
  if (!(await store.read(name, range)).equals(part))
    throw wrong(options, 'gives back a wrong part of a file');
  const found = await Array.fromAsync(store.list('packs'));
  if (!found.some((file) => file.name === name && file.length === bytes.length))
    throw wrong(options, 'does not list what was written');
}

function wrong(options: S3Options, what: string) {
  return fail(
    'store_unavailable',
    `${describeBucket(options)} ${what}.`,
    'Look for a cache or a proxy in front of the store; a store that does this cannot keep backups.',
  );
}

function notDeleted(error: unknown, name: string): unknown {
  if (!(error instanceof FailureError)) return error;
  const { code, hint, message } = error.failure;
  return fail(code, `${message} The test file ${name} could not be deleted.`, hint, { cause: error });
}
