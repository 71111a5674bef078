import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import {
  RELEASE_FILE,
  RELEASE_MAX_BYTES,
  RELEASE_SIGNATURE_FILE,
  type ReleaseFile,
  type SignedManifest,
  versionSchema,
} from '../../protocol/release.ts';
import { removeDurable, writeDurable } from '../state/durable.ts';
import { notPossible } from './judge.ts';
import type { ReleaseClient } from './release-client.ts';
import { unpack } from './unpack.ts';

/** What is fetched at a time, in bytes. */
const PART_BYTES = 4 * 1024 * 1024;
const REQUEST_MAX_BYTES = 1024;

const requestSchema = z.object({ v: z.literal(1), version: versionSchema });

/**
 * The room in the agent's state directory where it leaves a build for whoever may put it in place. That one runs with
 * more rights, trusts nothing in it, and checks all of it again.
 */
export interface Staging {
  readonly build: string;
  /** Fetches a build. @throws FailureError `update_damaged` */
  fill(
    from: ReleaseClient,
    what: { signed: SignedManifest; file: ReleaseFile },
    signal: AbortSignal,
  ): Promise<void>;
  /** Asks for it to be put in place: this file is what is watched. */
  request(version: string): Promise<void>;
  withdraw(): Promise<void>;
  clear(): Promise<void>;
  /** The version that is asked for; `undefined` where nothing is. */
  requested(): Promise<string | undefined>;
  /** What lies there, read without following links and within bounds. @throws FailureError `update_not_possible` */
  read(): Promise<{ manifest: Buffer; signature: unknown; build: FileHandle }>;
}

export function stagingIn(stateDir: string): Staging {
  const directory = join(stateDir, 'update');
  const at = (name: string) => join(directory, name);
  const build = at('build.gz');
  const request = at('request.json');
  return {
    build,
    async fill(from, { file, signed }, signal) {
      await rm(directory, { recursive: true, force: true });
      await mkdir(directory, { recursive: true, mode: 0o700 });
      await writeFile(at(RELEASE_FILE), signed.manifest, { mode: 0o600 });
      await writeFile(at(RELEASE_SIGNATURE_FILE), JSON.stringify(signed.signature), { mode: 0o600 });
      await using to = await open(build, 'wx', 0o600);
      const { name, size } = file.packed;
      for (let offset = 0; offset < size; offset += PART_BYTES) {
        const length = Math.min(PART_BYTES, size - offset);
        await to.writeFile(await from.part(name, { offset, length }, signal));
      }
      await to.sync();
      await using packed = await open(build, constants.O_RDONLY);
      await unpack(packed, file, signal);
    },
    request: (version) => writeDurable(request, `${JSON.stringify({ v: 1, version })}\n`),
    withdraw: () => removeDurable(request),
    clear: () => rm(directory, { recursive: true, force: true }),
    async requested() {
      const text = await readBounded(request, REQUEST_MAX_BYTES).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return undefined;
        throw error;
      });
      return text === undefined ? undefined : requestSchema.parse(JSON.parse(text.toString('utf8'))).version;
    },
    async read() {
      try {
        const manifest = await readBounded(at(RELEASE_FILE), RELEASE_MAX_BYTES);
        const text = await readBounded(at(RELEASE_SIGNATURE_FILE), RELEASE_MAX_BYTES);
        return { manifest, signature: JSON.parse(text.toString('utf8')), build: await openPlain(build) };
      } catch (cause) {
        throw notPossible('The build that was fetched cannot be read.', 'Ask for the update again.', cause);
      }
    },
  };
}

/** Neither a link nor a pipe: the one would lead elsewhere, the other hold up who reads. */
async function openPlain(path: string): Promise<FileHandle> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw new Error(`${path} is no plain file`);
}

async function readBounded(path: string, most: number): Promise<Buffer> {
  await using file = await openPlain(path);
  const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(most + 1) });
  if (bytesRead > most) throw new Error(`${path} is larger than ${most} bytes`);
  return buffer.subarray(0, bytesRead);
}
