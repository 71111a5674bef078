import { createHash } from 'node:crypto';
import { fail } from '../failure.ts';
import { openChunk, sealedKeyId } from './seal.ts';
import type { ChunkPlace, VerifiedSnapshot } from './snapshot.ts';

/** Reads `[offset, offset + length)` of a pack; must give exactly `length` bytes. */
export type ReadPack = (
  pack: string,
  range: { offset: number; length: number },
  signal: AbortSignal,
) => Promise<Uint8Array>;

/** Sealed bytes fetched ahead of the chunks that are being yielded; two such windows are in memory. */
const WINDOW_BYTES = 8 * 1024 * 1024;
/** Reads under way at once for one window. */
const READS = 4;
/** Bytes between two wanted chunks that are cheaper to read along than to ask anew. */
const GAP_BYTES = 128 * 1024;

type StreamChunk = readonly [id: string, length: number];

/**
 * The plaintext of one stream, chunk by chunk, each authenticated before it is yielded. Throws at its end
 * where the whole does not have the manifest's length or the catalog's hash.
 * @throws FailureError `not_found` | `pack_corrupt` | `manifest_invalid`, and whatever `read` throws
 */
export async function* readStream(
  snapshot: VerifiedSnapshot,
  name: string,
  { read, signal }: { read: ReadPack; signal: AbortSignal },
): AsyncGenerator<Buffer, void> {
  const stream = snapshot.manifest.streams.find((candidate) => candidate.name === name);
  if (!stream)
    throw fail('not_found', `The snapshot has no stream “${name}”.`, 'It was made by another version.');
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  const hash = createHash('sha256');
  try {
    for await (const plaintext of readChunks(snapshot, stream.chunks, { read, signal: either })) {
      hash.update(plaintext);
      yield plaintext;
    }
  } finally {
    stop.abort();
  }
  if (hash.digest('hex') === snapshot.catalog.streamHashes[name]) return;
  const hint = 'Nothing of it may be kept. Scrub the vault, and restore another snapshot.';
  throw fail('manifest_invalid', `Stream “${name}” is not the one that was backed up.`, hint);
}

async function* readChunks(
  snapshot: VerifiedSnapshot,
  chunks: readonly StreamChunk[],
  reader: { read: ReadPack; signal: AbortSignal },
): AsyncGenerator<Buffer, void> {
  let next = windowAt(snapshot, chunks, 0);
  let fetched = fetchWindow(next, reader);
  while (next.chunks.length > 0) {
    const window = next;
    const sealed = await fetched;
    next = windowAt(snapshot, chunks, window.end);
    fetched = fetchWindow(next, reader);
    for (const [id, length] of window.chunks) {
      reader.signal.throwIfAborted();
      yield openOne(snapshot, { id, length, sealed: sealed.get(id)! });
    }
  }
}

function openOne(
  snapshot: VerifiedSnapshot,
  chunk: { id: string; length: number; sealed: Uint8Array },
): Buffer {
  const secret = snapshot.dataKeys.get(sealedKeyId(chunk.sealed));
  if (!secret) throw corrupt(`Chunk ${chunk.id} is sealed with a key that the manifest does not list.`);
  const { id, length, sealed } = chunk;
  return openChunk(
    { secret, chunkIdKey: snapshot.chunkIdKey },
    { id: Buffer.from(id, 'hex'), length, sealed },
  );
}

interface Window {
  chunks: readonly StreamChunk[];
  places: ReadonlyMap<string, ChunkPlace>;
  /** Index of the first chunk behind the window. */
  end: number;
}

function windowAt(snapshot: VerifiedSnapshot, chunks: readonly StreamChunk[], start: number): Window {
  const places = new Map<string, ChunkPlace>();
  let end = start;
  for (let bytes = 0; end < chunks.length && bytes < WINDOW_BYTES; end += 1) {
    const id = chunks[end]![0];
    if (places.has(id)) continue;
    const place = snapshot.places.get(id)!;
    places.set(id, place);
    bytes += place.length;
  }
  return { chunks: chunks.slice(start, end), places, end };
}

/** Fetches a window's sealed chunks, with as few reads as their places allow. */
function fetchWindow(window: Window, reader: { read: ReadPack; signal: AbortSignal }) {
  const queue = ranges(window.places);
  const sealed = new Map<string, Uint8Array>();
  const lane = async () => {
    for (let range = queue.shift(); range; range = queue.shift()) {
      const { pack, offset, length, ids } = range;
      const bytes = await reader.read(pack, { offset, length }, reader.signal);
      if (bytes.length !== length) throw corrupt(`Pack ${pack} is shorter than it should be.`);
      for (const id of ids) {
        const place = window.places.get(id)!;
        const from = place.offset - offset;
        sealed.set(id, bytes.subarray(from, from + place.length));
      }
    }
  };
  const fetched = Promise.all(Array.from({ length: READS }, lane)).then(() => sealed);
  // Awaited when its turn comes; after an earlier failure it never does.
  fetched.catch(() => {});
  return fetched;
}

interface Range extends ChunkPlace {
  ids: string[];
}

/** Neighbouring places of one pack as one range each. */
export function ranges(places: ReadonlyMap<string, ChunkPlace>): Range[] {
  const found: Range[] = [];
  const ordered = [...places].sort(([, a], [, b]) =>
    a.pack < b.pack ? -1 : a.pack > b.pack ? 1 : a.offset - b.offset,
  );
  for (const [id, { pack, offset, length }] of ordered) {
    const last = found.at(-1);
    if (last && last.pack === pack && offset <= last.offset + last.length + GAP_BYTES) {
      last.length = Math.max(last.length, offset + length - last.offset);
      last.ids.push(id);
    } else {
      found.push({ pack, offset, length, ids: [id] });
    }
  }
  return found;
}

function corrupt(message: string) {
  return fail('pack_corrupt', message, 'Restore another snapshot and scrub the vault.');
}
