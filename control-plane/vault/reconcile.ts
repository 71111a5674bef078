import { FailureError } from '../../protocol/failure.ts';
import { allSigners } from './certify.ts';
import { requireComplete } from './complete.ts';
import { awayFailure, snapshotOf, type VaultContext } from './context.ts';
import type { OpenVault } from './create.ts';
import { AGENTS, idIn, KEYS, PACKS, packName, SNAPSHOTS } from './layout.ts';
import { lineageOf, outOfTurn } from './lineage.ts';
import { addStoredAgent, addStoredKey, addStoredPack, addStoredSnapshot } from './reindex.ts';
import { isAway } from './replicas/copy.ts';
import { readManifest } from './source.ts';
import type { StoredFile } from './stores/store.ts';

/** What was put right, in numbers of files, and the files that could not be. */
export interface Reconciled {
  /** Leftovers of interrupted writes. */
  swept: number;
  added: { agents: number; keys: number; packs: number; snapshots: number };
  forgotten: { packs: number; snapshots: number };
  /** Files left out, with the reason in a sentence. */
  refused: { name: string; reason: string }[];
  /** Files that the store has lost and the replica has. */
  lost?: string[];
}

interface Task {
  context: VaultContext;
  vault: OpenVault;
  /** Reads whole packs, not only their trailers. */
  deep: boolean;
  /** Takes what the replica alone has as well. */
  both: boolean;
  result: Reconciled;
}

/**
 * Compares the names in the store with the index, after a stop in the middle of something or a change from
 * outside. The store is the truth: what the index lacks is verified and added, what the store lacks is
 * forgotten. With an empty index this is a rebuild.
 * @param options `quick`: takes the word of unknown packs’ trailers. Otherwise all their bytes are compared with
 * their names, so that a pack once refused as damaged is not let in by the next start. `both`: what the replica alone
 * has counts as well, as it does where the index knows of no pack.
 */
export async function reconcile(
  context: VaultContext,
  vault: OpenVault,
  {
    quick = false,
    both = context.chunks.storedBytes(vault.id) === 0,
  }: { quick?: boolean; both?: boolean } = {},
): Promise<Reconciled> {
  const swept = await vault.store.sweep();
  const added = { agents: 0, keys: 0, packs: 0, snapshots: 0 };
  const result: Reconciled = { swept, added, forgotten: { packs: 0, snapshots: 0 }, refused: [] };
  const task: Task = { context, vault, deep: !quick, both, result };
  await reconcileAgents(task);
  await reconcileKeys(task);
  await reconcilePacks(task);
  await reconcileSnapshots(task);
  if (result.forgotten.packs > 0) await dropIncomplete(task);
  if (result.added.snapshots > 0) dropOutOfTurn(task);
  return result;
}

/** Every file below a folder but those that are about to be removed. */
async function* listed({ both, context, vault }: Task, folder: string): AsyncGenerator<StoredFile, void> {
  for await (const file of both ? listBoth(vault, folder) : vault.store.list(folder))
    if (!context.doomed.has(vault.id, file.name)) yield file;
}

/** Every file below a folder that is in the store or in the replica, as far as one of them answers. */
async function* listBoth({ store }: OpenVault, folder: string): AsyncGenerator<StoredFile, void> {
  const { primary, replica } = store;
  const seen = new Set<string>();
  let answered = false;
  for (const one of replica ? [primary, replica] : [primary]) {
    try {
      for await (const file of one.list(folder)) {
        if (!seen.has(file.name)) yield file;
        seen.add(file.name);
      }
      answered = true;
    } catch (error) {
      const another = answered || (replica !== undefined && one === primary);
      if (!isAway(error) || !another) throw error;
    }
  }
}

/** Whether the replica has a file that the store has lost; noted, so that it is brought back. */
function isCopied({ context, result, vault }: Task, name: string): boolean {
  if (!vault.secrets.replica || !context.copies.has(vault.id, name)) return false;
  result.lost = [...(result.lost ?? []), name];
  return true;
}

async function reconcileAgents(task: Task): Promise<void> {
  const { context, vault, result } = task;
  for await (const { name } of listed(task, AGENTS)) {
    const agentId = idIn('agent', name);
    if (agentId === undefined || context.fleet.agent(agentId)) continue;
    if (await accepted(task, name, () => addStoredAgent(context, vault, agentId))) result.added.agents += 1;
  }
  const successors = context.fleet.successors();
  const { heirOf } = lineageOf(successors);
  for (const of of successors.keys()) context.fleet.settle({ of, by: heirOf(of), now: context.now() });
}

async function reconcileKeys(task: Task): Promise<void> {
  const { context, vault, result } = task;
  const known = context.index.keyIds(vault.id);
  for await (const { name } of listed(task, KEYS)) {
    const keyId = idIn('key', name);
    if (keyId === undefined || known.has(keyId)) continue;
    if (await accepted(task, name, () => addStoredKey(context, vault, keyId))) result.added.keys += 1;
  }
}

async function reconcilePacks(task: Task): Promise<void> {
  const { context, vault, deep, result } = task;
  const gone = context.chunks.packs(vault.id);
  for await (const { name, length } of listed(task, PACKS)) {
    const sha256 = idIn('pack', name);
    if (sha256 === undefined) continue;
    const known = gone.get(sha256);
    if (known?.length === length) gone.delete(sha256);
    if (known) continue;
    const pack = { sha256, length, deep };
    if (await accepted(task, name, () => addStoredPack(context, vault, pack))) result.added.packs += 1;
  }
  for (const [sha256, { id }] of gone) {
    if (isCopied(task, packName(sha256))) continue;
    context.chunks.removePack(id);
    result.forgotten.packs += 1;
  }
}

async function reconcileSnapshots(task: Task): Promise<void> {
  const { context, vault, result } = task;
  const gone = context.snapshots.paths(vault.id);
  const unknown: StoredFile[] = [];
  for await (const file of listed(task, SNAPSHOTS))
    if (idIn('snapshot', file.name) !== undefined && !gone.delete(file.name)) unknown.push(file);
  const keyOf = unknown.length > 0 ? await allSigners(vault) : () => undefined;
  const lineage = lineageOf(context.fleet.successors());
  for (const file of unknown) {
    const add = () => addStoredSnapshot(context, vault, { file, keyOf, lineage });
    if (await accepted(task, file.name, add)) result.added.snapshots += 1;
  }
  for (const [path, id] of gone) {
    if (isCopied(task, path)) continue;
    context.snapshots.forget(snapshotOf(context, id).row);
    result.forgotten.snapshots += 1;
  }
}

/** Snapshots that needed a lost pack are no longer good; all else of them stays for when the pack is put back. */
async function dropIncomplete(task: Task): Promise<void> {
  const { context, vault, result } = task;
  for (const [path, id] of context.snapshots.paths(vault.id)) {
    const check = async () => {
      const { manifest } = await readManifest(vault, snapshotOf(context, id).row);
      await requireComplete(context, manifest, { damaged: true });
    };
    if (await accepted(task, path, check)) continue;
    context.snapshots.forget(snapshotOf(context, id).row);
    result.forgotten.snapshots += 1;
  }
}

/** Snapshots of an agent from after its successor had begun: their manifests stay, for somebody to look at. */
function dropOutOfTurn({ context, vault, result }: Task): void {
  const lineage = lineageOf(context.fleet.successors());
  for (const { id, path, sequence } of outOfTurn(context.snapshots.ofSeveralAgents(vault.id), lineage)) {
    const reason = `It is signed by an agent that had been replaced before snapshot ${sequence} of the database was made.`;
    result.refused.push({ name: path, reason });
    context.snapshots.forget(snapshotOf(context, id).row);
    result.forgotten.snapshots += 1;
  }
}

/** Whether a file is in order; where it is not, its name and the reason are noted. */
async function accepted({ result, vault }: Task, name: string, work: () => Promise<void>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    // A store that stops answering says nothing about the file.
    if (!(error instanceof FailureError) || awayFailure(vault, error)) throw error;
    result.refused.push({ name, reason: error.failure.message });
    return false;
  }
}
