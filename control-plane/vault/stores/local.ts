import { randomUUID } from 'node:crypto';
import { existsSync, renameSync } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rm, stat, statfs } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fail } from '../../../protocol/failure.ts';
import { syncDirectory } from '../../durable.ts';
import { isCode, storeFailure } from './errors.ts';
import { isName, requireName } from './names.ts';
import { fill, GATHER_BYTES, readExactly } from './staged.ts';
import type { PutTerms, Store, StoredFile, StoreRange, StoreRoom } from './store.ts';

/** Folder of files being written, on the same file system as where they go. */
const STAGING = '.staging';

/** A store in a directory, which is made where it is missing. */
export class LocalStore implements Store {
  readonly #root: string;
  readonly #marker: string | undefined;

  /**
   * @param marker file without which nothing else is written: where a disk is not mounted, its mount point looks like an
   * empty store
   */
  constructor(root: string, { marker }: { marker?: string } = {}) {
    this.#root = root;
    this.#marker = marker;
  }

  async put(
    name: string,
    body: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
    terms: PutTerms,
  ): Promise<number> {
    let length = 0;
    const write = async (file: FileHandle) => {
      length = await fill(file, body, terms);
      await terms.accept?.({ length, read: (range) => readExactly(file, name, range) });
    };
    await this.#write(name, { write, replace: true });
    return length;
  }

  async putIfAbsent(name: string, bytes: Uint8Array): Promise<boolean> {
    if ((await this.size(name)) !== undefined) return false;
    return this.#write(name, { write: (file) => file.writeFile(bytes), replace: false });
  }

  async read(name: string, range?: StoreRange): Promise<Buffer> {
    return this.#reading(name, async (file) => {
      return readExactly(file, name, range ?? { offset: 0, length: (await file.stat()).size });
    });
  }

  async *stream(name: string, range?: StoreRange): AsyncGenerator<Buffer, void> {
    const file = await this.#open(name);
    try {
      const whole = range ?? { offset: 0, length: (await file.stat()).size };
      for (let done = 0; done < whole.length; done += GATHER_BYTES) {
        const length = Math.min(GATHER_BYTES, whole.length - done);
        yield await readExactly(file, name, { offset: whole.offset + done, length });
      }
    } catch (error) {
      throw storeFailure(error);
    } finally {
      await file.close();
    }
  }

  async size(name: string): Promise<number | undefined> {
    try {
      return (await stat(this.#path(name))).size;
    } catch (error) {
      if (isCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
      throw storeFailure(error);
    }
  }

  async *list(folder: string): AsyncGenerator<StoredFile, void> {
    const root = this.#path(folder);
    try {
      for (const entry of await readdir(root, { withFileTypes: true })) {
        const name = `${folder}/${entry.name}`;
        if (!isName(name)) continue;
        if (entry.isDirectory()) yield* this.list(name);
        else if (entry.isFile()) yield { name, length: (await stat(join(root, entry.name))).size };
      }
    } catch (error) {
      if (!isCode(error, 'ENOENT')) throw storeFailure(error);
    }
  }

  async remove(name: string): Promise<void> {
    try {
      await rm(this.#path(name), { force: true });
    } catch (error) {
      throw storeFailure(error);
    }
  }

  async room(): Promise<StoreRoom> {
    try {
      const { bavail, blocks, bsize } = await statfs(this.#root);
      return { free: bavail * bsize, total: blocks * bsize };
    } catch (error) {
      throw storeFailure(error);
    }
  }

  async sweep(): Promise<number> {
    try {
      const staging = join(this.#root, STAGING);
      const left = await readdir(staging);
      for (const name of left) await rm(join(staging, name), { force: true });
      return left.length;
    } catch (error) {
      if (isCode(error, 'ENOENT')) return 0;
      throw storeFailure(error);
    }
  }

  /** Stages a file, makes it durable and gives it its name; says whether it did, where it must not replace. */
  async #write(
    name: string,
    { write, replace }: { write: (file: FileHandle) => Promise<void>; replace: boolean },
  ): Promise<boolean> {
    const path = this.#path(name);
    this.#requireMarker(name);
    const staged = join(this.#root, STAGING, randomUUID());
    let file: FileHandle | undefined;
    try {
      file = await this.#inFolder(staged, () => open(staged, 'wx+', 0o600));
      await write(file);
      await file.datasync();
      const named = await this.#inFolder(path, async () => {
        // Nothing of this process comes between these two, and no other process writes to the store.
        if (!replace && existsSync(path)) return false;
        renameSync(staged, path);
        return true;
      });
      if (named) await syncDirectory(dirname(path));
      else await rm(staged);
      return named;
    } catch (error) {
      if (file) await rm(staged, { force: true });
      throw storeFailure(error);
    } finally {
      await file?.close();
    }
  }

  #requireMarker(name: string): void {
    if (this.#marker === undefined || name === this.#marker) return;
    if (existsSync(join(this.#root, this.#marker))) return;
    throw fail(
      'store_unavailable',
      `${this.#root} has no ${this.#marker}: nothing is written there.`,
      'Mount the disk it is on, or put its files back.',
      { retryable: true },
    );
  }

  /** Does something to a path whose folder is nearly always there, and makes the folder where it is not. */
  async #inFolder<T>(path: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!isCode(error, 'ENOENT')) throw error;
      await makeFolder(dirname(path), this.#root);
      return work();
    }
  }

  async #reading<T>(name: string, use: (file: FileHandle) => Promise<T>): Promise<T> {
    const file = await this.#open(name);
    try {
      return await use(file);
    } catch (error) {
      throw storeFailure(error);
    } finally {
      await file.close();
    }
  }

  async #open(name: string): Promise<FileHandle> {
    try {
      return await open(this.#path(name), 'r');
    } catch (error) {
      if (!isCode(error, 'ENOENT', 'ENOTDIR')) throw storeFailure(error);
      throw fail('not_found', `The vault has no file ${name}.`, 'Scrub the vault.', { cause: error });
    }
  }

  #path(name: string): string {
    requireName(name, STAGING);
    return join(this.#root, name);
  }
}

/** Makes a folder and, up to `root`, those above it; each durable in the one above. */
async function makeFolder(folder: string, root: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  for (let at = folder; ; at = dirname(at)) {
    await syncDirectory(dirname(at));
    if (at === first || at === root || relative(root, at).startsWith('..')) return;
  }
}
