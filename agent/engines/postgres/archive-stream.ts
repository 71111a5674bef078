import type { ArchiveInspector } from './archive.ts';
import { type ArchiveRewrite, broken, MAX_CONTENTS_BYTES, readContents } from './archive-toc.ts';

/** Passes `body` on unchanged while `inspector` looks; throws at the end unless the archive was whole. */
export async function* inspected(
  body: AsyncIterable<Uint8Array>,
  inspector: ArchiveInspector,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    inspector.push(chunk);
    yield chunk;
  }
  inspector.finish();
}

/** Passes an archive on with its table of contents changed; data goes by untouched. */
export async function* rewritten(
  body: AsyncIterable<Uint8Array>,
  rewrite: ArchiveRewrite,
): AsyncGenerator<Uint8Array> {
  const reading = readContents(rewrite);
  let wanted = reading.next().value as number;
  let pending = Buffer.alloc(0);
  let done = false;
  for await (const chunk of body) {
    if (done) {
      yield chunk;
      continue;
    }
    pending = pending.length > 0 ? Buffer.concat([pending, chunk]) : Buffer.from(chunk);
    let used = 0;
    while (!done && pending.length - used >= wanted) {
      const step = reading.next(pending.subarray(used, used + wanted));
      used += wanted;
      if (step.done) {
        done = true;
        yield Buffer.concat(step.value.bytes);
      } else wanted = step.value;
    }
    pending = pending.subarray(used);
    if (pending.length > MAX_CONTENTS_BYTES) throw broken('Its table of contents is impossibly large.');
    if (done && pending.length > 0) yield pending;
  }
  if (!done) throw broken('It ends before its table of contents does.');
}

/**
 * Passes `body` on, its last byte only once `body` has ended well and `accept` agreed: who reads cannot have seen
 * the end of what is not whole. pg_restore needs every byte before it commits, and the last one to do so.
 */
export async function* heldBack(
  body: AsyncIterable<Uint8Array>,
  accept: () => Promise<void>,
): AsyncGenerator<Uint8Array> {
  let last: Uint8Array | undefined;
  for await (const chunk of body) {
    if (chunk.length === 0) continue;
    if (last) yield last;
    if (chunk.length > 1) yield chunk.subarray(0, -1);
    last = chunk.subarray(-1);
  }
  await accept();
  if (last) yield last;
}
