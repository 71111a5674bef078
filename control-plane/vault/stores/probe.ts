import { randomBytes, randomUUID } from 'node:crypto';
import { FailureError, fail } from '../../../protocol/failure.ts';
import { TEST_FILE } from './names.ts';
import type { Store } from './store.ts';

/** A store whose files can be removed again. */
type Removable = Store & { remove(name: string): Promise<void> };

/** Enough that a store which changes what it keeps would be noticed. */
const BYTES = 64 * 1024;

/**
 * Proves that a place can be used as a store, by doing all of it once: writing, reading whole and in part, listing,
 * seeing what is not there, deleting.
 * @throws FailureError `store_unavailable` | `forbidden` | `disk_full`, each with what to change
 */
export async function probeStore(store: Removable, where: string): Promise<void> {
  // In the folder of packs, so that their storage class is tried as well.
  const name = `packs/${TEST_FILE}${randomUUID()}`;
  const bytes = randomBytes(BYTES);
  if ((await store.size(name)) !== undefined) throw wrong(where, 'claims to have what was never written');
  await store.put(name, [bytes], { maxBytes: BYTES });
  let failure: unknown;
  try {
    await compare(store, where, { name, bytes });
  } catch (error) {
    failure = error;
  }
  try {
    await store.remove(name);
  } catch (error) {
    failure ??= notDeleted(error, name);
  }
  if (failure) throw failure;
  if ((await store.size(name)) !== undefined) throw wrong(where, 'still has what was deleted');
}

async function compare(
  store: Removable,
  where: string,
  { name, bytes }: { name: string; bytes: Buffer },
): Promise<void> {
  if ((await store.size(name)) !== bytes.length) throw wrong(where, 'tells another size than was written');
  if (!(await store.read(name)).equals(bytes)) throw wrong(where, 'gives back other bytes than were written');
  const range = { offset: 1000, length: 5000 };
  const part = bytes.subarray(range.offset, range.offset + range.length);
  if (!(await store.read(name, range)).equals(part)) throw wrong(where, 'gives back a wrong part of a file');
  const found = await Array.fromAsync(store.list('packs'));
  if (!found.some((file) => file.name === name && file.length === bytes.length))
    throw wrong(where, 'does not list what was written');
}

function wrong(where: string, what: string) {
  return fail(
    'store_unavailable',
    `${where} ${what}.`,
    'Look for a cache or a proxy in front of the store; a store that does this cannot keep backups.',
  );
}

function notDeleted(error: unknown, name: string): unknown {
  if (!(error instanceof FailureError)) return error;
  const { code, hint, message } = error.failure;
  return fail(code, `${message} The test file ${name} could not be deleted.`, hint, { cause: error });
}
