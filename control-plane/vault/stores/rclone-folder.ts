import type { IncomingMessage } from 'node:http';
import { type Rclone, RcloneError, type RcloneRemote } from './rclone-daemon.ts';
import { rcloneFailure } from './rclone-errors.ts';
import { describeRemote, type RcloneOptions, toRemote } from './rclone-options.ts';
import type { StoreRoom } from './store.ts';

/** A file or folder as rclone lists it. */
export interface Entry {
  Name: string;
  /** Bytes. */
  Size: number;
  IsDir: boolean;
}

/** What a remote can do. */
interface Features {
  Move?: boolean;
  About?: boolean;
}

/** Nothing of a file but what is needed: some remotes have to be asked for each of its times. */
const PLAIN = { noModTime: true, noMimeType: true };

/** The folder on a remote that is a vault’s, by rclone’s commands. What they refuse fails by name, without secrets. */
export class RcloneFolder {
  /** In words. */
  readonly where: string;
  readonly #options: RcloneOptions;
  readonly #rclone: Rclone;
  readonly #remote: RcloneRemote;
  readonly #fs: string;
  #known: Promise<Features> | undefined;

  /** Nothing is asked of the remote yet. */
  constructor(options: RcloneOptions, rclone: Rclone) {
    this.where = describeRemote(options);
    this.#options = options;
    this.#rclone = rclone;
    this.#remote = toRemote(options);
    this.#fs = `${this.#remote.name}:${options.path}`;
  }

  /** What is in a folder; nothing where it does not exist. */
  async entries(folder: string): Promise<Entry[]> {
    const answer = await this.#ask('operations/list', { fs: this.#fs, remote: folder, opt: PLAIN });
    return (answer as { list: Entry[] | null } | undefined)?.list ?? [];
  }

  /** Bytes of a file, `undefined` where there is none. */
  async size(remote: string): Promise<number | undefined> {
    const opt = { ...PLAIN, filesOnly: true };
    const answer = await this.#ask('operations/stat', { fs: this.#fs, remote, opt });
    return (answer as { item: Entry | null } | undefined)?.item?.Size;
  }

  /** Removes a file; nothing happens where there is none. */
  async remove(remote: string): Promise<void> {
    await this.#ask('operations/deletefile', { fs: this.#fs, remote });
  }

  /** Copies a file of this host; rclone compares size and, where the remote can tell it, hash. */
  async copyIn(file: { folder: string; name: string }, remote: string): Promise<void> {
    await this.#must('operations/copyfile', {
      ...{ srcFs: file.folder, srcRemote: file.name, dstFs: this.#fs, dstRemote: remote },
      // Else a file of the same size could be left as it is where a remote tells neither times nor hashes.
      _config: { IgnoreTimes: true },
    });
  }

  /** Gives a file another name, on the remote itself. */
  async move(from: string, to: string): Promise<void> {
    try {
      const fs = { srcFs: this.#fs, dstFs: this.#fs };
      await this.#must('operations/movefile', { ...fs, srcRemote: from, dstRemote: to });
    } catch (error) {
      // It may have been done by a call whose answer was lost; who asked looks at what is there now.
      if ((await this.size(from)) !== undefined) throw error;
    }
  }

  /** Whether the remote can do that. */
  async canMove(): Promise<boolean> {
    return (await this.#features()).Move === true;
  }

  /** How much room there is in bytes, as far as the remote can tell. */
  async room(): Promise<StoreRoom> {
    if (!(await this.#features()).About) return {};
    const answer = (await this.#must('operations/about', { fs: this.#fs })) as Record<string, unknown>;
    const bytes = (value: unknown) => (typeof value === 'number' && value >= 0 ? value : undefined);
    const [free, total] = [bytes(answer.free), bytes(answer.total)];
    return { ...(free === undefined ? {} : { free }), ...(total === undefined ? {} : { total }) };
  }

  /**
   * Ends connections that are not at work. An rclone that could not write a file to its end keeps it open on the server,
   * and the room it takes is free only then.
   */
  async letGo(): Promise<void> {
    await this.#must('fscache/clear', {});
  }

  /** Opens a file, or bytes `from` up to but not including `end` of it. `undefined` where there is no such file. */
  async open(file: string, from: number, end: number | undefined): Promise<IncomingMessage | undefined> {
    const range = from === 0 && end === undefined ? {} : { range: `bytes=${from}-${(end ?? 0) - 1}` };
    try {
      return await this.#rclone.open(this.#remote, { fs: this.#fs, file, ...range });
    } catch (error) {
      if (error instanceof RcloneError && error.status === 404) return undefined;
      throw error;
    }
  }

  /** What an error of {@link open} or of the stream it gave means. */
  failure(error: unknown): unknown {
    return rcloneFailure(error, this.#options);
  }

  /** Lets rclone forget the remote. */
  async close(): Promise<void> {
    await this.#rclone.forget(this.#remote);
  }

  async #features(): Promise<Features> {
    this.#known ??= this.#must('operations/fsinfo', { fs: this.#fs }).then(
      (answer) => (answer as { Features: Features }).Features,
    );
    try {
      return await this.#known;
    } catch (error) {
      this.#known = undefined;
      throw error;
    }
  }

  /** As {@link #must}; nothing is answered where there is no such file or folder. */
  async #ask(command: string, parameters: Record<string, unknown>): Promise<unknown> {
    try {
      return await this.#rclone.call(this.#remote, command, parameters);
    } catch (error) {
      if (error instanceof RcloneError && error.status === 404) return undefined;
      throw this.failure(error);
    }
  }

  async #must(command: string, parameters: Record<string, unknown>): Promise<unknown> {
    try {
      return await this.#rclone.call(this.#remote, command, parameters);
    } catch (error) {
      throw this.failure(error);
    }
  }
}
