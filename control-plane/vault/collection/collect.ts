import type { VaultContext } from '../context.ts';
import type { OpenVault } from '../create.ts';
import { packName } from '../layout.ts';
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
  const { context, signal, vault } = task;
  for (const serverId of context.condemned.serversOf(vault.id)) {
    signal.throwIfAborted();
    const live = await judge(task, serverId);
    if (live === undefined) task.result.skipped += 1;
    sweep(task, serverId);
    if (live) await rewrite(task, serverId, live);
  }
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
        condemn(task, serverId, live);
        return true;
      });
      if (isDone) return live;
    }
  } catch (error) {
    if (error instanceof IncompleteSnapshot) return undefined;
    throw error;
  }
}

function condemn({ context, keepUnfinishedMs, vault }: CollectionTask, serverId: string, live: Live): void {
  const { condemned, fleet, now } = context;
  const backups = fleet.openJobs().filter((job) => job.kind === 'backup' && job.serverId === serverId);
  // A backup that is under way, or tries again, builds on what it has uploaded.
  const began = backups.map(({ createdAt }) => createdAt);
  const uploadedBefore = Math.min(now() - keepUnfinishedMs, ...began);
  const plan = planPacks({ packs: condemned.ofServer(vault.id, serverId), live, uploadedBefore });
  condemned.spare(plan.spare);
  condemned.condemn(plan.condemn, underWay(context, serverId), now());
}

/** Takes condemned packs that nothing waits for out of the index, and dooms their files in the same moment. */
function sweep({ context, result, vault }: CollectionTask, serverId: string): void {
  const { chunks, condemned, doomed, fleet, leases } = context;
  context.atOnce(() => {
    const open = new Set(fleet.openJobs().map(({ id }) => id));
    const isOpen = (id: string) => open.has(id) || leases.isOpen(id);
    for (const { id, length, sha256 } of removable(condemned.ofServer(vault.id, serverId), isOpen)) {
      chunks.removePack(id);
      doomed.add({ vaultId: vault.id, name: packName(sha256), length });
      result.packs += 1;
      result.bytes += length;
    }
  });
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
