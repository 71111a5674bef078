import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Manifest } from '../../../protocol/vault/manifest.ts';
import type { ChunkRow } from '../../db/chunks.ts';
import type { SnapshotRow } from '../../db/snapshots.ts';
import { locate } from '../complete.ts';
import { type VaultContext, vaultOf } from '../context.ts';
import { readManifest } from '../source.ts';

/** Of each pack that some snapshot needs, by its row: the offsets of the chunks that are needed. */
export type Live = Map<number, Set<number>>;

/** A snapshot of the server whose chunks are not all there, whole or not: nothing can be said of what it needs. */
export class IncompleteSnapshot extends Error {}

/**
 * Adds what snapshots of one server need, as their manifests in the store say: those are the truth, the index is a cache.
 * @throws FailureError as the store does, {@link IncompleteSnapshot}
 */
export async function mark(
  context: VaultContext,
  snapshots: readonly SnapshotRow[],
  { live, signal }: { live: Live; signal: AbortSignal },
): Promise<void> {
  let before: Marked | undefined;
  for (const row of snapshots.toSorted(byDatabase)) {
    signal.throwIfAborted();
    // It may be deleted meanwhile; what it alone needed then goes.
    const isThere = () => context.snapshots.snapshot(row.id) !== undefined;
    if (!isThere()) continue;
    try {
      const { manifest } = await readManifest(vaultOf(context, row.vaultId), row);
      before = await markSnapshot(context, manifest, { live, before });
    } catch (error) {
      if (isThere()) throw error;
    }
    await nextTurn();
  }
}

/** Where the chunks of a snapshot lie. */
type Marked = Map<string, ChunkRow>;

/**
 * Adds what one snapshot needs. Most of it is what the one before needed: where that one's copy of a chunk does for this
 * one, too, the index is not asked again.
 */
async function markSnapshot(
  context: VaultContext,
  manifest: Manifest,
  { before, live }: { before: Marked | undefined; live: Live },
): Promise<Marked> {
  const keys = new Set(manifest.dataKeys.map(({ id }) => id));
  const marked: Marked = new Map();
  const streams = manifest.streams.map((stream) => ({
    ...stream,
    chunks: stream.chunks.filter(([id, length]) => {
      const known = before?.get(id);
      const does =
        known?.rawLength === length &&
        keys.has(known.keyId.toString('hex')) &&
        !known.damaged &&
        known.waitsFor === null;
      if (does) marked.set(id, known);
      return !does;
    }),
  }));
  const { missing, places } = await locate(context, { ...manifest, streams }, { damaged: true });
  if (missing.size > 0) throw new IncompleteSnapshot(manifest.snapshotId);
  for (const [id, place] of places) {
    marked.set(id, place);
    // Of several damaged copies nobody knows which is worth most.
    const needed = place.damaged
      ? context.chunks.placesOf(manifest.vaultId, manifest.server.id, Buffer.from(id, 'hex'))
      : [place];
    for (const { offset, packId } of needed) live.set(packId, (live.get(packId) ?? new Set()).add(offset));
  }
  return marked;
}

function byDatabase(a: SnapshotRow, b: SnapshotRow): number {
  return a.databaseId.localeCompare(b.databaseId) || a.sequence - b.sequence;
}
