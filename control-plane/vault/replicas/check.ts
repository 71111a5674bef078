import { FailureError } from '../../../protocol/failure.ts';
import { keyHash } from '../../../protocol/vault/keys.ts';
import type { VaultContext } from '../context.ts';
import type { OpenVault } from '../create.ts';
import { idIn, keyName, packName } from '../layout.ts';
import { openKey, readManifest } from '../source.ts';
import type { Store } from '../stores/store.ts';
import { copyFile, isAway, isWhole, requireVault } from './copy.ts';
import { PairedStore } from './paired-store.ts';

/** Names of damaged files that are told one by one. */
const NAMED = 100;

/** What a check of a vault has found so far, in numbers of files. */
export interface CheckResult {
  /** Packs, keys and manifests that there are to look at. */
  files: number;
  checked: number;
  /** Lost or damaged in the store, and brought back from the replica. */
  healed: number;
  /** Lost or damaged in the replica, and copied there anew. */
  recopied: number;
  /** Lost or damaged, and whole nowhere: the first hundred of them by name. */
  lost: number;
  lostNames: string[];
}

export interface CheckTask {
  context: VaultContext;
  vault: OpenVault;
  signal: AbortSignal;
  result: CheckResult;
  /** Names of keys and manifests that are whole nowhere. */
  lost: Set<string>;
}

export function newCheck(): CheckResult {
  return { files: 0, checked: 0, healed: 0, recopied: 0, lost: 0, lostNames: [] };
}

/**
 * Reads every pack, key and manifest of a vault, in its store and in its replica, and brings back what is damaged on
 * one side from the other.
 * @throws FailureError where a store does not answer
 */
export async function checkVault(task: CheckTask): Promise<void> {
  const { context, result, vault } = task;
  const { primary, replica } = vault.store;
  // A disk that is not mounted has not lost every file.
  await requireVault(primary);
  if (replica) await requireVault(replica);
  const packs = [...context.chunks.packs(vault.id).keys()];
  const keys = [...context.index.keyIds(vault.id)];
  const manifests = [...context.snapshots.paths(vault.id)];
  result.files = packs.length + keys.length + manifests.length;
  for (const keyId of keys)
    await checkFile(task, keyName(keyId), (store) => isGood(() => checkKey(task, keyId, store)));
  for (const sha256 of packs)
    await checkFile(task, packName(sha256), (store) => isWhole(store, packName(sha256), sha256));
  for (const [path, id] of manifests)
    await checkFile(task, path, (store) => isGood(() => checkManifest(task, id, store)));
}

/** Whether the index still has a file: others nothing needs any more. */
function isKnown({ context, vault }: CheckTask, name: string): boolean {
  const [pack, snapshot] = [idIn('pack', name), idIn('snapshot', name)];
  if (pack !== undefined) return context.chunks.pack(vault.id, pack) !== undefined;
  return snapshot === undefined || context.snapshots.snapshot(snapshot) !== undefined;
}

async function checkFile(
  task: CheckTask,
  name: string,
  isGoodIn: (store: Store) => Promise<boolean>,
): Promise<void> {
  const { context, result, signal, vault } = task;
  signal.throwIfAborted();
  const { primary, replica } = vault.store;
  const here = await isGoodIn(primary);
  // What is not copied yet is not lost.
  const there = replica && context.copies.has(vault.id, name) ? await isGoodIn(replica) : undefined;
  if (!isKnown(task, name)) {
    // Deleted meanwhile.
  } else if (!here && there) {
    await vault.store.heal(name);
    result.healed += 1;
  } else if (here && there === false && replica) {
    context.copies.remove(vault.id, name);
    const length = await copyFile(name, { from: primary, to: replica });
    context.copies.add({ vaultId: vault.id, name, length });
    result.recopied += 1;
  } else if (!here) {
    result.lost += 1;
    task.lost.add(name);
    if (result.lostNames.length < NAMED) result.lostNames.push(name);
  }
  noteDamage(task, name, !here && !there);
  result.checked += 1;
}

/** What is whole nowhere is uploaded again by the next backup; what was put back counts again. */
function noteDamage({ context, vault }: CheckTask, name: string, isLost: boolean): void {
  const key = idIn('key', name);
  if (key !== undefined) context.index.setKeyDamaged(vault.id, key, isLost ? context.now() : null);
  const pack = idIn('pack', name);
  const known = pack === undefined ? undefined : context.chunks.pack(vault.id, pack);
  if (known) context.chunks.setDamaged(known.id, isLost ? context.now() : null);
}

/** @throws FailureError where it is not the key that the index knows */
async function checkKey({ context, vault }: CheckTask, keyId: string, store: Store): Promise<boolean> {
  const { id, kind, secret } = await openKey({ ...vault, store: new PairedStore(store) }, keyId);
  return id === keyId && context.index.key(vault.id, keyId)?.hash === keyHash(kind, secret);
}

/** The certificate of its signer is looked at with it. */
async function checkManifest({ context, vault }: CheckTask, id: string, store: Store): Promise<boolean> {
  const row = context.snapshots.snapshot(id);
  if (row) await readManifest({ ...vault, store: new PairedStore(store) }, row);
  return true;
}

async function isGood(look: () => Promise<boolean>): Promise<boolean> {
  try {
    return await look();
  } catch (error) {
    if (!(error instanceof FailureError) || isAway(error)) throw error;
    return false;
  }
}
