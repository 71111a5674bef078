import { setImmediate as nextTurn } from 'node:timers/promises';
import { fail } from '../../../protocol/failure.ts';
import type { VaultContext } from '../context.ts';
import type { OpenVault } from '../create.ts';
import { idIn, packName, SNAPSHOTS } from '../layout.ts';
import { requireVault } from '../replicas/copy.ts';
import { IncompleteSnapshot, type Live, mark } from './mark.ts';
import { planPacks, removable } from './plan.ts';
import { mayWait, rewritePacks } from './rewrite.ts';

/** What a collection did. */
export interface CollectionResult {
  /** Packs that nothing needs, and their bytes: taken out of the index, and going from the stores. */
  packs: number;
  bytes: number;
  /** Packs rewritten because less than half of them was needed. */
  rewritten: number;
  /** Servers left alone, because one of their snapshots is not whole. */
  skipped: number;
}

export interface CollectionTask {
  context: VaultContext;
  vault: OpenVault;
  signal: AbortSignal;
  /** Milliseconds: what was uploaded within them and belongs to no snapshot stays, for a backup that goes on later. */
  keepUnfinishedMs: number;
  result: CollectionResult;
}

export function newCollection(): CollectionResult {
  return { packs: 0, bytes: 0, rewritten: 0, skipped: 0 };
}

/**
 * Removes what no snapshot needs any more, one server after the other. A pack is condemned first: its chunks are missing
 * for backups that begin later, and who began earlier may still use it. It goes once those have ended. Stopped anywhere,
 * the next collection goes on.
 * @throws FailureError where a store does not answer or a manifest is damaged: what is not understood is not deleted
 */
export async function collectVault(task: CollectionTask): Promise<void> {
  const { context, result, signal, vault } = task;
  await requireKnown(task);
  const lost = new Set(context.snapshots.forgotten(vault.id).map(({ serverId }) => serverId));
  for (const serverId of context.condemned.serversOf(vault.id)) {
    signal.throwIfAborted();
    const live = lost.has(serverId) ? undefined : await judge(task, serverId);
    if (live === undefined) {
      result.skipped += 1;
      continue;
    }
    await sweep(task, serverId);
    await rewrite(task, serverId, live);
  }
}

/**
 * The manifests in the stores are the truth: one that the index does not know needs packs that would look needed by nobody.
 * @throws FailureError `conflict`
 */
async function requireKnown({ context, signal, vault }: CollectionTask): Promise<void> {
  const { primary, replica } = vault.store;
  const found: string[] = [];
  for (const store of replica ? [primary, replica] : [primary]) {
    await requireVault(store);
    for await (const { name } of store.list(SNAPSHOTS)) {
      signal.throwIfAborted();
      if (idIn('snapshot', name) !== undefined) found.push(name);
    }
  }
  // Looked up afterwards: one that was being committed is known by now.
  const known = context.snapshots.paths(vault.id);
  const forgotten = new Set(context.snapshots.forgotten(vault.id).map(({ path }) => path));
  const unknown = found.filter(
    (name) => !known.has(name) && !forgotten.has(name) && !context.doomed.has(vault.id, name),
  );
  // One that was just being removed is gone by now.
  const there: string[] = [];
  for (const name of unknown) if ((await vault.store.size(name)) !== undefined) there.push(name);
  if (there.length === 0) return;
  throw fail(
    'conflict',
    `The vault holds ${there.length} snapshots that the index does not know, such as ${there[0]}.`,
    'Restart the control plane: its log says why they were not taken up. Remove those that are not yours.',
  );
}

/** Condemns and spares the packs of a server. @returns what its snapshots need; undefined where it was left alone */
async function judge(task: CollectionTask, serverId: string): Promise<Live | undefined> {
  const { context, signal, vault } = task;
  const live: Live = new Map();
  const marked = new Set<string>();
  const unmarked = () => context.snapshots.ofServer(vault.id, serverId).filter(({ id }) => !marked.has(id));
  try {
    for (;;) {
      const snapshots = unmarked();
      await mark(context, snapshots, { live, signal });
      for (const { id } of snapshots) marked.add(id);
      // One that was committed meanwhile is looked at, too, before anything is decided.
      const isDone = context.atOnce(() => {
        if (unmarked().length > 0) return false;
        return condemn(task, serverId, live);
      });
      if (isDone) return live;
      if (unmarked().length > 0) continue;
      // What was needed is gone meanwhile: another copy may be needed in its place.
      live.clear();
      marked.clear();
    }
  } catch (error) {
    if (error instanceof IncompleteSnapshot) return undefined;
    throw error;
  }
}

/** @returns whether everything that is needed is still there; nothing is condemned where not */
function condemn(
  { context, keepUnfinishedMs, vault }: CollectionTask,
  serverId: string,
  live: Live,
): boolean {
  const { condemned, fleet, now } = context;
  const packs = condemned.ofServer(vault.id, serverId);
  const there = new Set(packs.map(({ id }) => id));
  if ([...live.keys()].some((id) => !there.has(id))) return false;
  const backups = fleet.openJobs().filter((job) => job.kind === 'backup' && job.serverId === serverId);
  // A backup that is under way, or tries again, builds on what it has uploaded.
  const began = backups.map(({ createdAt }) => createdAt);
  const uploadedBefore = Math.min(now() - keepUnfinishedMs, ...began);
  const plan = planPacks({ packs, live, uploadedBefore });
  condemned.spare(plan.spare);
  condemned.condemn(plan.condemn, underWay(context, serverId), now());
  return true;
}

/** Packs that are taken out of the index before other work of the process gets its turn. */
const BATCH = 20;

/** Takes condemned packs that nothing waits for out of the index, and dooms their files in the same moment. */
async function sweep({ context, result, signal, vault }: CollectionTask, serverId: string): Promise<void> {
  const { chunks, condemned, doomed, fleet, leases } = context;
  const next = (): number =>
    context.atOnce(() => {
      const open = new Set(fleet.openJobs().map(({ id }) => id));
      const isOpen = (id: string) => open.has(id) || leases.isOpen(id);
      const going = removable(condemned.ofServer(vault.id, serverId), isOpen).slice(0, BATCH);
      for (const { id, length, sha256 } of going) {
        chunks.removePack(id);
        doomed.add({ vaultId: vault.id, name: packName(sha256), length });
        result.packs += 1;
        result.bytes += length;
      }
      return going.length;
    });
  while (next() === BATCH) {
    signal.throwIfAborted();
    await nextTurn();
  }
}

async function rewrite(task: CollectionTask, serverId: string, live: Live): Promise<void> {
  const { context, result, signal, vault } = task;
  try {
    result.rewritten += await rewritePacks({ context, vault, signal, serverId, live });
  } catch (error) {
    if (!mayWait(error)) throw error;
  }
}

/** Jobs and leases that may use packs of a server. */
function underWay({ fleet, leases, snapshots }: VaultContext, serverId: string): string[] {
  const isOfServer = (snapshotId: string) => snapshots.snapshot(snapshotId)?.serverId === serverId;
  const jobs = fleet.openJobs().filter((job) => job.serverId === serverId || isOfServer(job.snapshotId));
  return [...jobs.map(({ id }) => id), ...leases.on(isOfServer)];
}
