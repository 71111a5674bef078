import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** What a built agent is made from, beside the runtimes that `agent/build/runtimes.ts` pins. */
const MADE_FROM = ['agent', 'protocol', 'package-lock.json'];

/** SHA-256 (hexadecimal) of everything a build is made from: where it is the same, so is the build. */
export async function hashSources(root: string): Promise<string> {
  const hash = createHash('sha256');
  const add = async (path: string): Promise<void> => {
    const full = join(root, path);
    if ((await stat(full)).isDirectory()) {
      for (const name of (await readdir(full)).sort()) await add(join(path, name));
    } else
      hash
        .update(`${path}\0`)
        .update(await readFile(full))
        .update('\0');
  };
  for (const path of MADE_FROM) await add(path);
  return hash.digest('hex');
}
