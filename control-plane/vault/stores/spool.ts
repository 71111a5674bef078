import { randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fail } from '../../../protocol/failure.ts';
import { isCode } from './errors.ts';

/** Files on the way to a store that takes whole ones only: on disk, so that slow senders cost no memory. */
export class Spool {
  readonly #folder: string;

  /** @param folder directory of its own, which is made where it is missing */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Lends an empty file to `use`, with its path; it is gone when that ends. */
  async lend<T>(use: (file: FileHandle, path: string) => Promise<T>): Promise<T> {
    const path = join(this.#folder, randomUUID());
    try {
      await mkdir(this.#folder, { recursive: true, mode: 0o700 });
      const file = await open(path, 'wx+', 0o600);
      try {
        return await use(file, path);
      } finally {
        await file.close();
        await rm(path, { force: true });
      }
    } catch (error) {
      throw spoolFailure(error);
    }
  }

  /** Removes what a stop left behind; says how many files. */
  async sweep(): Promise<number> {
    try {
      const left = await readdir(this.#folder);
      for (const name of left) await rm(join(this.#folder, name), { force: true });
      return left.length;
    } catch (error) {
      if (isCode(error, 'ENOENT')) return 0;
      throw spoolFailure(error);
    }
  }
}

function spoolFailure(error: unknown): unknown {
  if (!(error instanceof Error) || !('syscall' in error)) return error;
  if (!isCode(error, 'ENOSPC', 'EDQUOT')) return error;
  return fail(
    'disk_full',
    'The disk of the control plane is full.',
    'Free space in its data directory: what goes to a store elsewhere passes through it.',
    { cause: error },
  );
}
