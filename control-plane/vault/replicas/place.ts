import { randomUUID } from 'node:crypto';
import { FailureError, fail } from '../../../protocol/failure.ts';
import { type OpenVault, openReplica, readStatement, type VaultGround } from '../create.ts';
import { VAULT_FILE } from '../layout.ts';
import { placeOf, type StoreChoice } from '../stores/choice.ts';
import { probeDirectory } from '../stores/directory-probe.ts';
import { TEST_FILE } from '../stores/names.ts';
import { prove } from '../stores/prove.ts';
import type { Store } from '../stores/store.ts';
import { isAway } from './copy.ts';

/** A place that has been tried out, and is open. */
export interface ReplicaPlace {
  choice: StoreChoice;
  store: Store;
  /** In words. */
  place: string;
}

/**
 * Tries out a place for a vault's second copy, and marks it as this vault's.
 * @throws FailureError `conflict` where it holds another vault or is the vault's own place; else what the test found
 */
export async function takePlace(
  ground: VaultGround,
  vault: OpenVault,
  wish: StoreChoice,
): Promise<ReplicaPlace> {
  const choice = await proven(ground, wish);
  const store = await openReplica(ground, vault.id, choice);
  const place = placeOf(ground, vault.id, choice);
  if ((await store.size(VAULT_FILE)) !== undefined) {
    await requireOwn(vault, { place, store });
    await requireOther(vault, { place, store });
  }
  await store.putIfAbsent(VAULT_FILE, Buffer.from(vault.statement));
  await requireOwn(vault, { place, store });
  return { choice, store, place };
}

async function proven(ground: VaultGround, wish: StoreChoice): Promise<StoreChoice> {
  if (wish.kind !== 'local') return prove(ground, wish);
  if (wish.path === undefined) throw fail('invalid_input', 'path: is missing.', 'Name a directory.');
  return { kind: 'local', path: await probeDirectory(wish.path, ground) };
}

async function requireOwn(vault: OpenVault, { place, store }: { place: string; store: Store }) {
  try {
    await readStatement({ place, secrets: vault.secrets, store });
  } catch (error) {
    if (!(error instanceof FailureError) || error.failure.code !== 'signature_invalid') throw error;
    throw fail(
      'conflict',
      `${place} holds another vault than “${vault.secrets.name}”.`,
      'Choose another directory, bucket or folder: two vaults in one would be taken for each other.',
      { cause: error },
    );
  }
}

/** A place has many names: what is written under the one must not be there under the other. */
async function requireOther(vault: OpenVault, { place, store }: { place: string; store: Store }) {
  const name = `${TEST_FILE}${randomUUID()}`;
  await store.put(name, [Buffer.from('test')], { maxBytes: 4 });
  try {
    // A store that does not answer is none that was just written to.
    const size = await vault.store.primary.size(name).catch((error) => {
      if (isAway(error)) return undefined;
      throw error;
    });
    if (size === undefined) return;
  } finally {
    await store.remove?.(name);
  }
  throw fail(
    'conflict',
    `${place} is where the vault “${vault.secrets.name}” is kept already.`,
    'Choose a place that is not lost together with it.',
  );
}
