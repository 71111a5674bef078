import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A file system of fixed size at `path` (made if need be), to be filled to the brim. Needs root. */
export async function mountTmpfs(path: string, megabytes: number): Promise<AsyncDisposable> {
  await mkdir(path, { recursive: true });
  await run('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', path]);
  return {
    [Symbol.asyncDispose]: async () => {
      // Lazily: a process that was killed a moment ago may still be on its way out of it.
      await run('umount', ['-l', path]);
    },
  };
}
