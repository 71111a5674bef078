import { createHash } from 'node:crypto';
import { FailureError, fail } from '../../../protocol/failure.ts';
import { PACK_MAX_BYTES } from '../../../protocol/vault/pack.ts';
import { idIn, MANIFEST_FILE_MAX_BYTES, VAULT_FILE } from '../layout.ts';
import type { Store } from '../stores/store.ts';

/**
 * Copies a file of a vault from one store to another, and reads back what came of it. A pack is proved by its name on
 * the way out; nothing that differs from it is ever given that name.
 * @returns bytes copied
 * @throws FailureError `pack_corrupt` | `not_found` where the source has no whole one, else as the stores do
 */
export async function copyFile(name: string, { from, to }: { from: Store; to: Store }): Promise<number> {
  const pack = idIn('pack', name);
  if (pack !== undefined) {
    const length = await to.put(name, from.stream(name), { maxBytes: PACK_MAX_BYTES, sha256: pack });
    if (!(await isStored(to, name, pack))) throw notKept(name);
    return length;
  }
  const bytes = await from.read(name);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  await to.put(name, [bytes], { maxBytes: MANIFEST_FILE_MAX_BYTES, sha256 });
  if (!(await isStored(to, name, sha256))) throw notKept(name);
  return bytes.length;
}

/** Whether a store has these bytes: by the hash that it made itself, where it is one that does, else by reading them. */
export async function isStored(store: Store, name: string, sha256: string): Promise<boolean> {
  const said = await store.direct?.inspect(name);
  return said?.sha256 === undefined ? isWhole(store, name, sha256) : said.sha256 === sha256;
}

/** Whether the bytes that a store gives for a name have this hash. Reads all of them. */
export async function isWhole(store: Store, name: string, sha256: string): Promise<boolean> {
  const hash = createHash('sha256');
  try {
    for await (const part of store.stream(name)) hash.update(part);
  } catch (error) {
    if (isLoss(error)) return false;
    throw error;
  }
  return hash.digest('hex') === sha256;
}

/** Whether a store says with this that it has no such file, or not all of it: not that it does not answer. */
export function isLoss(error: unknown): boolean {
  return (
    error instanceof FailureError &&
    (error.failure.code === 'not_found' || error.failure.code === 'pack_corrupt')
  );
}

/** Whether a store does not answer, or takes nothing. */
export function isAway(error: unknown): boolean {
  return error instanceof FailureError && error.failure.code === 'store_unavailable';
}

/** @throws FailureError `store_unavailable` where no vault is in the store */
export async function requireVault(store: Store): Promise<void> {
  if ((await store.size(VAULT_FILE)) !== undefined) return;
  throw fail(
    'store_unavailable',
    `The vault’s files are not there: its store has no ${VAULT_FILE}.`,
    'Mount the disk, or put the files back. If they are lost for good, move the vault to its replica. What was deleted from a bucket that locks is still there: see docs/storage.md.',
    { retryable: true },
  );
}

function notKept(name: string) {
  return fail(
    'store_unavailable',
    `The store has other bytes than were written: ${name}.`,
    'Look for a failing disk, a cache or a proxy in front of the store; one that does this cannot keep backups.',
    { retryable: true },
  );
}
