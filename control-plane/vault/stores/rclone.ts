import { randomUUID } from 'node:crypto';
import { basename, dirname } from 'node:path';
import { FailureError, fail } from '../../../protocol/failure.ts';
import { createTurns } from '../turns.ts';
import { createLimit } from './limit.ts';
import { isName, requireName } from './names.ts';
import { type Rclone, RcloneError } from './rclone-daemon.ts';
import { roomless } from './rclone-errors.ts';
import { RcloneFolder } from './rclone-folder.ts';
import type { RcloneOptions } from './rclone-options.ts';
import { Spool } from './spool.ts';
import { fill, readExactly } from './staged.ts';
import type { PutTerms, Store, StoredFile, StoreRange, StoreRoom } from './store.ts';

/** Folder of files being written, on the remote itself, so that moving them is one step there. */
const STAGING = '.staging';
/** Files on their way out, and folders being listed, at the same time. */
const UPLOADS = 4;
const LISTINGS = 8;
/** How often a stream that breaks off is taken up again without having got any further. */
const RESUMES = 4;

export interface RcloneGround {
  rclone: Rclone;
  /** Directory on the control plane’s disk for files on their way, the store’s own. */
  spool: string;
}

/**
 * A store on anything rclone reaches. Bodies are spooled; rclone copies them from there, compares size and, where the
 * remote can tell it, hash, and only then they get their name: by a move on the remote, or at once where a remote has
 * no moves, since those write whole objects or nothing. A file is as durable as the remote makes it.
 */
export class RcloneStore implements Store {
  readonly #folder: RcloneFolder;
  readonly #spool: Spool;
  readonly #upload = createLimit(UPLOADS);
  readonly #inTurn = createTurns();

  /** Nothing is asked of the remote yet. */
  constructor(options: RcloneOptions, { rclone, spool }: RcloneGround) {
    this.#folder = new RcloneFolder(options, rclone);
    this.#spool = new Spool(spool);
  }

  async put(
    name: string,
    body: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
    terms: PutTerms,
  ): Promise<number> {
    requireName(name, STAGING);
    return this.#spool.lend(async (file, path) => {
      const length = await fill(file, body, terms);
      await terms.accept?.({ length, read: (range) => readExactly(file, name, range) });
      await this.#upload(() => this.#send(name, { path, length }));
      return length;
    });
  }

  async putIfAbsent(name: string, bytes: Uint8Array): Promise<boolean> {
    // One control plane writes to a store at a time: nothing comes between these two.
    return this.#inTurn(name, async () => {
      if ((await this.size(name)) !== undefined) return false;
      await this.put(name, [bytes], { maxBytes: bytes.length });
      return true;
    });
  }

  async read(name: string, range?: StoreRange): Promise<Buffer> {
    const parts: Buffer[] = [];
    for await (const part of this.stream(name, range)) parts.push(part);
    return Buffer.concat(parts);
  }

  async *stream(name: string, range?: StoreRange): AsyncGenerator<Buffer, void> {
    requireName(name, STAGING);
    if (range?.length === 0) return;
    let at = range?.offset ?? 0;
    let end = range && range.offset + range.length;
    for (let tries = 0; end === undefined || at < end; tries += 1) {
      try {
        const answer = await this.#folder.open(name, at, end);
        if (!answer) throw fail('not_found', `The vault has no file ${name}.`, 'Scrub the vault.');
        const length = Number(answer.headers['content-length']);
        // Asked for a range beyond the end it gives what there is.
        if (end !== undefined && length !== end - at) {
          answer.destroy();
          throw tooShort(name);
        }
        end ??= length;
        for await (const part of answer as AsyncIterable<Buffer>) {
          at += part.length;
          tries = 0;
          yield part;
        }
        if (at < end) throw new RcloneError('unexpected EOF', 500);
      } catch (error) {
        if (error instanceof RcloneError && error.status === 416) throw tooShort(name);
        if (error instanceof FailureError || tries >= RESUMES) throw this.#folder.failure(error);
      }
    }
  }

  async size(name: string): Promise<number | undefined> {
    requireName(name, STAGING);
    return this.#folder.size(name);
  }

  async *list(folder: string): AsyncGenerator<StoredFile, void> {
    requireName(folder, STAGING);
    // Folder by folder: no answer is ever longer than one of them.
    for (let level = [folder]; level.length > 0; ) {
      const next: string[] = [];
      for (let at = 0; at < level.length; at += LISTINGS) {
        const some = level.slice(at, at + LISTINGS);
        const found = await Promise.all(some.map((one) => this.#folder.entries(one)));
        for (const [index, entries] of found.entries())
          for (const { IsDir, Name, Size } of entries) {
            const name = `${some[index]}/${Name}`;
            if (!isName(name)) continue;
            if (IsDir) next.push(name);
            else yield { name, length: Size };
          }
      }
      level = next;
    }
  }

  room(): Promise<StoreRoom> {
    return this.#folder.room();
  }

  async sweep(): Promise<number> {
    const left = await this.#folder.entries(STAGING);
    for (const { Name } of left) await this.#folder.remove(`${STAGING}/${Name}`);
    return left.length + (await this.#spool.sweep());
  }

  /** Removes a file; nothing happens where there is none. */
  async remove(name: string): Promise<void> {
    requireName(name, STAGING);
    await this.#folder.remove(name);
  }

  /** Lets rclone forget the remote: the store is not to be used any more. */
  close(): Promise<void> {
    return this.#folder.close();
  }

  async #send(name: string, { length, path }: { path: string; length: number }): Promise<void> {
    const staged = (await this.#folder.canMove()) ? `${STAGING}/${randomUUID()}` : undefined;
    try {
      await this.#folder.copyIn({ folder: dirname(path), name: basename(path) }, staged ?? name);
      if (staged) await this.#folder.move(staged, name);
      if ((await this.size(name)) !== length) throw notKept(this.#folder.where, name);
    } catch (error) {
      // What cannot be removed now, the next start sweeps.
      if (staged) await this.#folder.remove(staged).catch(() => {});
      if (!(await this.#hasNoRoom(error, length))) throw error;
      await this.#folder.letGo().catch(() => {});
      throw roomless(this.#folder.where);
    }
  }

  /** Many a server says no more than “failure” where its disk is full, but tells how much is free. */
  async #hasNoRoom(error: unknown, length: number): Promise<boolean> {
    if (!(error instanceof FailureError)) return false;
    if (error.failure.code === 'disk_full') return true;
    const { free } = await this.#folder.room().catch(() => ({ free: undefined }));
    return free !== undefined && free < length;
  }
}

function notKept(where: string, name: string) {
  return fail(
    'store_unavailable',
    `${where} has not kept ${name} as it was sent.`,
    'Look for something else that writes there; it is sent again.',
    { retryable: true },
  );
}

function tooShort(name: string) {
  return fail('pack_corrupt', `The file ${name} is shorter than it should be.`, 'Scrub the vault.');
}
