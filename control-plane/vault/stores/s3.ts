import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  type GetObjectCommandOutput,
  HeadObjectCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  paginateListObjectsV2,
  type S3Client,
} from '@aws-sdk/client-s3';
import { fail } from '../../../protocol/failure.ts';
import type { Outgoing } from '../../../protocol/outgoing.ts';
import { createTurns } from '../turns.ts';
import { createLimit } from './limit.ts';
import { isName, requireName } from './names.ts';
import { createS3Client, type Patience } from './s3-client.ts';
import { createDirectAccess } from './s3-direct.ts';
import { s3Failure, statusOf, wasRepeated } from './s3-errors.ts';
import { type LockGround, S3Lock } from './s3-lock.ts';
import type { S3Options } from './s3-options.ts';
import { Spool } from './spool.ts';
import { fill, readExactly } from './staged.ts';
import type { DirectAccess, PutTerms, Store, StoredFile, StoreRange } from './store.ts';

/** Files in memory on their way out at the same time: with packs of 16 to 32 MiB this is what it costs. */
const UPLOADS = 4;
/** How often a stream that breaks off is taken up again without having got any further. */
const RESUMES = 4;

/** Where packs lie; `storageClass` is for them. */
const PACKS = 'packs/';

export interface S3Ground extends LockGround {
  outgoing: Outgoing;
  /** Directory on the control plane’s disk for files on their way, the store’s own. */
  spool: string;
  patience?: Patience;
}

/**
 * A store in a bucket. An object is there as a whole or not at all, and durable once its write is answered: what
 * the interface asks for is what S3 promises. Bodies are spooled first, since an object cannot be looked at
 * before it has its name.
 */
export class S3Store implements Store {
  readonly #options: S3Options;
  readonly #client: S3Client;
  readonly #spool: Spool;
  readonly #upload = createLimit(UPLOADS);
  readonly #inTurn = createTurns();
  readonly direct: DirectAccess | undefined;
  readonly lock: S3Lock | undefined;

  /** Nothing is asked of the bucket yet. @throws FailureError `forbidden` for one on this host */
  constructor(options: S3Options, { outgoing, patience = 'usual', spool, ...ground }: S3Ground) {
    this.#options = options;
    this.#client = createS3Client(options, outgoing, patience);
    this.#spool = new Spool(spool);
    const bucket = { client: this.#client, options, at: (name: string) => this.#at(name) };
    const hash = (name: string) => this.#hash(name);
    this.lock = options.lock && new S3Lock({ ...bucket, hash }, options.lock, ground);
    const door = { ...bucket, lock: this.lock, remove: (name: string) => this.#hide(name) };
    this.direct = options.direct && options.checksums === 'sha256' ? createDirectAccess(door) : undefined;
  }

  async put(
    name: string,
    body: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
    terms: PutTerms,
  ): Promise<number> {
    requireName(name);
    return this.#spool.lend(async (file) => {
      const length = await fill(file, body, terms);
      await terms.accept?.({ length, read: (range) => readExactly(file, name, range) });
      await this.#upload(async () => {
        await this.#send(name, await readExactly(file, name, { offset: 0, length }));
      });
      return length;
    });
  }

  async putIfAbsent(name: string, bytes: Uint8Array): Promise<boolean> {
    // Not every store knows the condition, so it is asked first: one control plane writes to a store at a time.
    return this.#inTurn(name, async () => {
      if ((await this.size(name)) !== undefined) return false;
      try {
        await this.#upload(() => this.#send(name, bytes, { IfNoneMatch: '*' }));
        return true;
      } catch (error) {
        const { cause } = error as Error;
        if (statusOf(cause) !== 412) throw error;
        // The answer to an earlier try may have been lost, and what is there now is what that one wrote.
        return wasRepeated(cause) && (await this.read(name)).equals(bytes);
      }
    });
  }

  async read(name: string, range?: StoreRange): Promise<Buffer> {
    const parts: Buffer[] = [];
    for await (const part of this.stream(name, range)) parts.push(part);
    return Buffer.concat(parts);
  }

  async *stream(name: string, range?: StoreRange): AsyncGenerator<Buffer, void> {
    if (range?.length === 0) return;
    let at = range?.offset ?? 0;
    let end = range && range.offset + range.length;
    for (let tries = 0; end === undefined || at < end; tries += 1) {
      const { Body, ContentLength } = await this.#get(name, at, end);
      // A store that was asked for a range beyond the end gives what there is.
      if (end !== undefined && ContentLength !== end - at) throw tooShort(name);
      end ??= ContentLength ?? 0;
      try {
        for await (const part of Body as Readable as AsyncIterable<Buffer>) {
          at += part.length;
          tries = 0;
          yield part;
        }
        if (at < end) throw new Error('the answer ended early');
      } catch (error) {
        if (tries >= RESUMES) throw s3Failure(error, this.#options);
      }
    }
  }

  async size(name: string): Promise<number | undefined> {
    try {
      const { ContentLength } = await this.#client.send(new HeadObjectCommand(this.#at(name)));
      return ContentLength ?? 0;
    } catch (error) {
      if (statusOf(error) === 404 && (error as Error).name !== 'NoSuchBucket') return undefined;
      throw s3Failure(error, this.#options);
    }
  }

  async *list(folder: string): AsyncGenerator<StoredFile, void> {
    const root = this.#key('');
    try {
      const query = { Bucket: this.#options.bucket, Prefix: `${this.#key(folder)}/` };
      for await (const page of paginateListObjectsV2({ client: this.#client }, query))
        for (const { Key, Size } of page.Contents ?? []) {
          const name = Key?.slice(root.length) ?? '';
          if (isName(name)) yield { name, length: Size ?? 0 };
        }
    } catch (error) {
      throw s3Failure(error, this.#options);
    }
  }

  sweep(): Promise<number> {
    return this.#spool.sweep();
  }

  /** Whether the store refuses bytes that are not those of the checksum sent along, and tells it of what it has. */
  async provesChecksums(name: string): Promise<boolean> {
    const wrong = { ChecksumSHA256: createHash('sha256').update('other bytes').digest('base64') };
    try {
      await this.#send(name, Buffer.from('these bytes'), { ...wrong, ChecksumAlgorithm: 'SHA256' });
      return false;
    } catch (error) {
      const status = statusOf((error as Error).cause);
      if (status < 400 || status > 499 || status === 403) throw error;
    }
    await this.#send(name, Buffer.from('these bytes'));
    const hash = createHash('sha256').update('these bytes').digest('hex');
    return (await this.direct?.inspect(name))?.sha256 === hash;
  }

  async remove(name: string): Promise<void> {
    await this.lock?.requireFree(name);
    await this.#hide(name);
  }

  /** In a bucket with versions what was there stays below a delete marker. */
  async #hide(name: string): Promise<void> {
    this.lock?.forget(name);
    try {
      await this.#client.send(new DeleteObjectCommand(this.#at(name)));
    } catch (error) {
      throw s3Failure(error, this.#options);
    }
  }

  async #get(name: string, from: number, end: number | undefined): Promise<GetObjectCommandOutput> {
    const Range = from === 0 && end === undefined ? {} : { Range: `bytes=${from}-${(end ?? 0) - 1}` };
    try {
      return await this.#client.send(new GetObjectCommand({ ...this.#at(name), ...Range }));
    } catch (error) {
      if ((error as Error).name === 'NoSuchKey')
        throw fail('not_found', `The vault has no file ${name}.`, 'Scrub the vault.', { cause: error });
      if (statusOf(error) === 416) throw tooShort(name);
      throw s3Failure(error, this.#options);
    }
  }

  async #send(name: string, bytes: Uint8Array, more: Partial<PutObjectCommandInput> = {}): Promise<void> {
    const { checksums, sse, storageClass } = this.#options;
    const terms = this.lock?.terms(name);
    const input: PutObjectCommandInput = {
      ...this.#at(name),
      Body: bytes,
      ContentLength: bytes.length,
      ContentType: 'application/octet-stream',
      ...(checksums === 'sha256'
        ? { ChecksumAlgorithm: 'SHA256', ChecksumSHA256: createHash('sha256').update(bytes).digest('base64') }
        : {}),
      ...(sse === 'none' ? {} : { ServerSideEncryption: sse }),
      ...(storageClass && name.startsWith(PACKS)
        ? { StorageClass: storageClass as NonNullable<PutObjectCommandInput['StorageClass']> }
        : {}),
      ...terms,
      ...more,
    };
    try {
      await this.#client.send(new PutObjectCommand(input));
      if (terms) this.lock?.written(name, terms);
    } catch (error) {
      throw s3Failure(error, this.#options);
    }
  }

  async #hash(name: string): Promise<string> {
    const hash = createHash('sha256');
    for await (const part of this.stream(name)) hash.update(part);
    return hash.digest('hex');
  }

  #at(name: string) {
    requireName(name);
    return { Bucket: this.#options.bucket, Key: this.#key(name) };
  }

  #key(name: string): string {
    return this.#options.prefix === '' ? name : `${this.#options.prefix}/${name}`;
  }
}

function tooShort(name: string) {
  return fail('pack_corrupt', `The file ${name} is shorter than it should be.`, 'Scrub the vault.');
}
