import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { pipeline } from 'node:stream/promises';

/** Name, size in bytes and SHA-256 (hexadecimal) of a file. */
export async function measured(path: string): Promise<{ name: string; size: number; sha256: string }> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return { name: basename(path), size: (await stat(path)).size, sha256: hash.digest('hex') };
}
