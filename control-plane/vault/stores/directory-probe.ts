import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { access, readdir, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { isAbsolute, join, relative } from 'node:path';
import { fail } from '../../../protocol/failure.ts';
import { VAULT_FILE } from '../layout.ts';
import { isCode, storeFailure } from './errors.ts';

/** Made by file systems at their root. */
const NO_FILES_OF_ANYBODY = new Set(['lost+found']);

/**
 * Proves that a directory can hold a copy of a vault: somebody with access to the host has made it, it is empty, or
 * holds a vault, and can be written to. It is looked at under its real name.
 * @returns its real path
 * @throws FailureError `invalid_input` | `not_found` | `conflict` | `store_unavailable`, each with what to change
 */
export async function probeDirectory(path: string, { dataDir }: { dataDir: string }): Promise<string> {
  if (!isAbsolute(path))
    throw fail('invalid_input', `“${path}” is not a whole path.`, 'Give one that begins with a slash.');
  const real = await realDirectory(path);
  const data = await realpath(dataDir);
  if (isWithin(real, data) || isWithin(data, real))
    throw fail(
      'conflict',
      `${real} is part of the control plane’s own directory, or holds it.`,
      'Choose a directory elsewhere, on another disk at best: a copy beside the original is lost with it.',
    );
  const files = (await readdir(real)).filter((name) => !NO_FILES_OF_ANYBODY.has(name));
  if (files.length > 0 && !files.includes(VAULT_FILE))
    throw fail('conflict', `${real} is not empty, and holds no vault.`, 'Make an empty directory for it.');
  await tryOut(real);
  return real;
}

async function realDirectory(path: string): Promise<string> {
  try {
    const real = await realpath(path);
    if ((await stat(real)).isDirectory()) {
      await access(real, constants.R_OK | constants.W_OK | constants.X_OK);
      return real;
    }
  } catch (error) {
    if (!isCode(error, 'ENOENT', 'ENOTDIR', 'EACCES')) throw storeFailure(error);
  }
  throw fail(
    'not_found',
    `The control plane finds no directory ${path} that it can read and write.`,
    'Make it on the control plane’s host, and give it to the user that the control plane runs as.',
  );
}

async function tryOut(directory: string): Promise<void> {
  const file = join(directory, `homeport-test-${randomUUID()}`);
  try {
    await writeFile(file, 'test', { flag: 'wx', mode: 0o600 });
    await rm(file);
  } catch (error) {
    throw storeFailure(error);
  }
}

function isWithin(path: string, directory: string): boolean {
  const way = relative(directory, path);
  return way === '' || !(way.startsWith('..') || isAbsolute(way));
}
