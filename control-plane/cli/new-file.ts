import { link, open, rename, rm, stat } from 'node:fs/promises';
import { FailureError, fail } from '../../protocol/failure.ts';
import { Quit } from './exit.ts';

/**
 * Writes to `path.part` first, mode 0600: `path` is there only when it is whole, and what was there before is never
 * replaced. Nothing is kept of what broke off.
 * @throws FailureError `conflict` | `disk_full` | `internal`, and whatever `parts` throws
 */
export async function writeNewFile(parts: AsyncIterable<Uint8Array>, path: string): Promise<void> {
  await refuseExisting(path);
  const part = `${path}.part`;
  const file = await open(part, 'wx', 0o600).catch((cause: NodeJS.ErrnoException) => {
    throw cause.code === 'EEXIST' ? partExists(part, cause) : unwritable(part, cause);
  });
  try {
    try {
      for await (const bytes of parts) await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await moveInto(part, path);
  } catch (error) {
    await rm(part, { force: true });
    if (error instanceof FailureError || error instanceof Quit) throw error;
    throw unwritable(part, error as NodeJS.ErrnoException);
  }
}

/** A rename that replaces nothing, also where somebody made the file meanwhile. */
async function moveInto(part: string, path: string): Promise<void> {
  try {
    await link(part, path);
    await rm(part);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw exists(path);
    // Some file systems have no links.
    await refuseExisting(path);
    await rename(part, path);
  }
}

/** @throws FailureError `conflict` where there is something at `path` */
export async function refuseExisting(path: string): Promise<void> {
  const there = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw unwritable(path, error);
  });
  if (there) throw exists(path);
}

function exists(path: string) {
  return fail('conflict', `${path} exists already.`, 'Name another file with --out, or move that one away.');
}

function partExists(part: string, cause: unknown) {
  const hint = 'Another download is writing it, or one was killed: then remove it.';
  return fail('conflict', `${part} exists already.`, hint, { cause });
}

function unwritable(path: string, cause: NodeJS.ErrnoException) {
  const full = cause.code === 'ENOSPC' || cause.code === 'EDQUOT';
  return fail(
    full ? 'disk_full' : 'internal',
    `${path} cannot be written: ${cause.code ?? cause.message}.`,
    full ? 'Make room, or name a file elsewhere with --out.' : 'Check directory and rights, or use --out.',
    { cause },
  );
}
