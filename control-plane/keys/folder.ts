import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** `<data>/keys`: what must outlive the database, each file 0600. */
export function keysFolder(dataDir: string): string {
  return join(dataDir, 'keys');
}

/** Names of the files in {@link keysFolder}; none where there is no such folder yet. */
export async function keyFileNames(dataDir: string): Promise<string[]> {
  try {
    return await readdir(keysFolder(dataDir));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
