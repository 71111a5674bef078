import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { fail } from '../../../protocol/failure.ts';
import type { PutTerms, StoreRange } from './store.ts';

/** Bytes gathered before they are written: fewer trips to the thread pool, no copy. */
export const GATHER_BYTES = 1024 * 1024;

/**
 * Writes a body into a file that has no name yet, hashed on its way; says how many bytes it has.
 * @throws FailureError `message_too_large` beyond `maxBytes`, `pack_corrupt` where the hash differs
 */
export async function fill(
  file: FileHandle,
  body: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  terms: PutTerms,
): Promise<number> {
  const hash = createHash('sha256');
  let length = 0;
  let gathered: Uint8Array[] = [];
  let bytes = 0;
  const flush = async () => {
    if (gathered.length > 0) await writeAll(file, gathered, length - bytes);
    if (terms.release) gathered.forEach(terms.release);
    gathered = [];
    bytes = 0;
  };
  for await (const part of body) {
    length += part.length;
    bytes += part.length;
    if (length > terms.maxBytes) throw tooLarge(terms.maxBytes);
    hash.update(part);
    gathered.push(part);
    if (bytes >= GATHER_BYTES) await flush();
  }
  await flush();
  if (terms.sha256 !== undefined && hash.digest('hex') !== terms.sha256)
    throw fail('pack_corrupt', 'The bytes that arrived are not those that were sent.', 'Send them again.', {
      retryable: true,
    });
  return length;
}

async function writeAll(file: FileHandle, parts: readonly Uint8Array[], position: number): Promise<void> {
  const total = parts.reduce((sum, part) => sum + part.length, 0);
  const { bytesWritten } = await file.writev(parts, position);
  // A disk that fills up takes a part without an error; writing on brings the error out.
  if (bytesWritten < total) {
    const rest = Buffer.concat(parts).subarray(bytesWritten);
    let done = 0;
    while (done < rest.length)
      done += (await file.write(rest, done, rest.length - done, position + bytesWritten + done)).bytesWritten;
  }
}

/** Exactly the bytes of a range of an open file. @throws FailureError `pack_corrupt` where it has fewer */
export async function readExactly(file: FileHandle, name: string, range: StoreRange): Promise<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(range.length);
  let done = 0;
  while (done < range.length) {
    const { bytesRead } = await file.read(buffer, done, range.length - done, range.offset + done);
    if (bytesRead === 0)
      throw fail('pack_corrupt', `The file ${name} is shorter than it should be.`, 'Scrub the vault.');
    done += bytesRead;
  }
  return buffer;
}

/** What a file of more than `maxBytes` is refused with. */
export function tooLarge(maxBytes: number) {
  return fail(
    'message_too_large',
    `A file of the vault has more than ${maxBytes} bytes.`,
    'Send less at once.',
  );
}
