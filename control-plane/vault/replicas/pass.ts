import { type Failure, type FailureCode, FailureError, toFailure } from '../../../protocol/failure.ts';
import { type VaultContext, vaultOf } from '../context.ts';
import { type OpenVault, readStatement } from '../create.ts';
import { inLanes } from '../lanes.ts';
import {
  AGENTS,
  GUIDE_FILE,
  idIn,
  KEYS,
  keyName,
  PACKS,
  packName,
  SCRIPT_FILE,
  SNAPSHOTS,
  VAULT_FILE,
} from '../layout.ts';
import { refreshRecoveryFiles } from '../recovery/files.ts';
import { needsOf } from '../source.ts';
import type { Store } from '../stores/store.ts';
import { copyFile, isAway, isLoss, isWhole, requireVault } from './copy.ts';

/** Packs on their way to the replica at once: 32 MiB each, at most, in memory where it is a bucket. */
const LANES = 2;

/** What every snapshot needs. */
const GUIDES = [VAULT_FILE, SCRIPT_FILE, GUIDE_FILE];
/** Failures that say nothing about the vault's own files. */
const OF_THE_REPLICA = new Set<FailureCode>(['disk_full', 'lock_failed']);

/** One vault whose files are being copied. */
export interface CopyTask {
  context: VaultContext;
  vault: OpenVault;
  signal: AbortSignal;
  /** A snapshot is complete in the replica, or many packs more. */
  onProgress(): void;
}

/** A file that the vault needs and no store has whole. */
export interface LostFile {
  name: string;
  failure: Failure;
}

/**
 * Copies what the replica lacks: keys, certificates and packs of a snapshot first, its manifest last, as a commit
 * does; newest snapshot first. What belongs to none yet comes at the end. Stopped anywhere, the next pass goes on.
 * @param options `compare`: the replica's own list is looked at first, as after a start
 * @returns files that could not be copied, because they are damaged or lost in the vault itself
 * @throws FailureError where a store does not answer or is full, `signature_invalid` where it holds another vault
 */
export async function copyPass(task: CopyTask, { compare }: { compare: boolean }): Promise<LostFile[]> {
  const { context, vault, signal } = task;
  const replica = replicaOf(vault);
  await requireReplica(vault, replica);
  // A disk that is not mounted has lost nothing: its files are not to be called lost.
  await requireVault(vault.store.primary);
  if (compare) await compareReplica(task, replica);
  const stale = await refreshRecoveryFiles({ store: replica });
  if (stale) throw new FailureError(stale);
  const lost: LostFile[] = [];
  const copy = async (name: string) => {
    signal.throwIfAborted();
    if (!context.copies.has(vault.id, name)) await copyOne(task, { name, replica, lost });
  };
  // Before keys and certificates are: what these snapshots need is among those.
  const snapshots = context.copies.uncopiedSnapshots(vault.id);
  for (const keyId of context.index.keyIds(vault.id)) await copy(keyName(keyId));
  for await (const { name } of vault.store.list(AGENTS))
    if (idIn('agent', name) !== undefined) await copy(name);
  for (const id of snapshots) await copySnapshot(task, { id, copy, lost });
  await copyRest(task, copy);
  return lost;
}

/** @throws FailureError `store_unavailable` where the replica is not there, `signature_invalid` where it is another’s */
export async function requireReplica(vault: OpenVault, replica: Store): Promise<void> {
  const { replicaPlace, secrets } = vault;
  await readStatement({ place: replicaPlace ?? 'The replica', secrets, store: replica });
}

export function replicaOf({ store }: OpenVault): Store {
  if (!store.replica) throw new Error('the vault has no replica');
  return store.replica;
}

type Copy = (name: string) => Promise<void>;

async function copySnapshot(
  task: CopyTask,
  { copy, id, lost }: { id: string; copy: Copy; lost: LostFile[] },
): Promise<void> {
  const { context, signal, vault } = task;
  const row = context.snapshots.snapshot(id);
  if (!row) return;
  const before = lost.length;
  const release = context.leases.hold(id);
  try {
    const needs = await needsOf(context, { row, vault: vaultOf(context, vault.id) });
    await inLanes(LANES, needs, copy);
    const gone = (await replicaOf(vault).lock?.hold([...GUIDES, ...needs])) ?? [];
    for (const name of gone) context.copies.remove(vault.id, name);
    await inLanes(LANES, gone, copy);
    // Its manifest says that it is complete: it is not there before the rest is.
    if (lost.length > before) return;
    await copy(row.path);
    task.onProgress();
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof FailureError) || isAway(error) || OF_THE_REPLICA.has(error.failure.code))
      throw error;
    lost.push({ name: row.path, failure: error.failure });
  } finally {
    release();
  }
}

async function copyRest({ context, onProgress, vault }: CopyTask, copy: Copy): Promise<void> {
  for (let after = 0; ; ) {
    const packs = context.copies.uncopiedPacks(vault.id, after);
    const last = packs.at(-1);
    if (!last) return;
    await inLanes(LANES, packs, ({ sha256 }) => copy(packName(sha256)));
    after = last.id;
    onProgress();
  }
}

async function copyOne(
  { context, vault }: CopyTask,
  { lost, name, replica }: { name: string; replica: Store; lost: LostFile[] },
): Promise<void> {
  try {
    const { changes } = vault.store;
    const length = await copyFile(name, { from: vault.store, to: replica });
    if (isCollected(context, vault.id, name)) return await replica.remove?.(name);
    // It may have been replaced after it was read; whoever did that has asked for the next pass.
    if (idIn('pack', name) === undefined && vault.store.changes !== changes) return;
    context.copies.add({ vaultId: vault.id, name, length });
  } catch (error) {
    if (!isLoss(error)) throw error;
    if (!isCollected(context, vault.id, name)) lost.push({ name, failure: toFailure(error) });
  }
}

/** Whether a file is a pack that nothing needs any more. */
function isCollected({ chunks }: VaultContext, vaultId: string, name: string): boolean {
  const pack = idIn('pack', name);
  return pack !== undefined && chunks.pack(vaultId, pack) === undefined;
}

/** Makes the notes of what the replica has agree with its own list: after a stop, or a change from outside. */
async function compareReplica({ context, signal, vault }: CopyTask, replica: Store): Promise<void> {
  let packsGone = false;
  for (const folder of [KEYS, AGENTS, PACKS, SNAPSHOTS]) {
    const noted = context.copies.below(vault.id, folder);
    for await (const { length, name } of replica.list(folder)) {
      signal.throwIfAborted();
      const known = noted.get(name);
      if (known === length) noted.delete(name);
      const pack = known === undefined ? idIn('pack', name) : undefined;
      // Somebody may have brought the packs there himself; anything else is small, and copied anew.
      if (pack === undefined || context.chunks.pack(vault.id, pack)?.length !== length) continue;
      if (await isWhole(replica, name, pack)) context.copies.add({ vaultId: vault.id, name, length });
    }
    for (const name of noted.keys()) context.copies.remove(vault.id, name);
    packsGone ||= folder === PACKS && noted.size > 0;
  }
  // Which snapshots needed them is known once they are copied again.
  if (packsGone) context.copies.clear(vault.id, SNAPSHOTS);
}
