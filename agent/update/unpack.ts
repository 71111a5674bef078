import { createHash, type Hash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { Transform, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { FailureError, fail } from '../../protocol/failure.ts';
import type { ReleaseFile } from '../../protocol/release.ts';
import { damaged } from './judge.ts';

const READ_BYTES = 256 * 1024;

/**
 * Unpacks a build and proves it, packed and unpacked, by size and SHA-256; nothing beyond the size is written.
 * @param packed open file of the packed build
 * @param to where it goes; nowhere if only the proof is wanted
 * @throws FailureError `update_damaged` | `disk_full`
 */
export async function unpack(
  packed: FileHandle,
  file: ReleaseFile,
  signal: AbortSignal,
  to: Writable = nowhere(),
): Promise<void> {
  const before = meter(file.packed.size);
  const after = meter(file.size);
  try {
    await pipeline(bytesOf(packed), before.stream, createGunzip(), after.stream, to, { signal });
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof FailureError) throw error;
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') throw noRoom(error);
    throw damaged(file.name, error);
  }
  if (!before.proves(file.packed) || !after.proves(file)) throw damaged(file.name);
}

/** Its stream would close a file that whoever opened it closes. */
async function* bytesOf(file: FileHandle): AsyncGenerator<Buffer> {
  for (let position = 0; ; ) {
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(READ_BYTES), 0, READ_BYTES, position);
    if (bytesRead === 0) return;
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

function meter(most: number) {
  const hash: Hash = createHash('sha256');
  let size = 0;
  const stream = new Transform({
    transform(chunk: Buffer, _, done) {
      size += chunk.length;
      if (size > most) return done(new Error(`more than ${most} bytes`));
      hash.update(chunk);
      done(null, chunk);
    },
  });
  const proves = (facts: { size: number; sha256: string }) =>
    size === facts.size && hash.digest('hex') === facts.sha256;
  return { stream, proves };
}

function nowhere(): Writable {
  return new Writable({ write: (_chunk, _encoding, done) => done() });
}

function noRoom(cause: unknown) {
  return fail('disk_full', 'There is no room for the new build on the agent’s host.', 'Free some space.', {
    cause,
  });
}
