import { fail } from '../../protocol/failure.ts';
import { CHUNK } from '../../protocol/vault/seal.ts';
import type { BackupOptions, BackupProgress } from './backup.ts';
import { type Coded, Compressor } from './compress.ts';
import { PackWriter } from './pack-writer.ts';
import { SlabPool } from './slabs.ts';

/** Chunks in memory at once, in every stage together: what bounds memory and holds back the dump. */
const SLABS = 32;
/** Chunks asked about in one request. */
const BATCH = 16;
/** Chunks being compressed ahead of the one that is sealed next. */
const AHEAD = 6;

const KEY_ID_BYTES = 16;
const NO_KEY = '0'.repeat(2 * KEY_ID_BYTES);

/** A chunk's plaintext: the first `length` bytes of `slab`. */
export interface Chunk {
  id: Buffer;
  slab: Buffer;
  length: number;
}

type Missing = Chunk & { coded?: Promise<Coded> };

export interface ChunkStoreOptions extends BackupOptions {
  progress: BackupProgress;
  onError(error: unknown): void;
}

/**
 * Brings chunks into the vault: asks in batches which are missing, compresses those in parallel, seals them
 * in order. Every stage holds slabs of one pool, so none can run ahead of the others without bound.
 */
export class ChunkStore {
  readonly #options: ChunkStoreOptions;
  readonly #slabs: SlabPool;
  readonly #writer: PackWriter;
  readonly #compressor = new Compressor();
  /** Ids met in this backup: each is asked about and sealed once. */
  readonly #seen = new Set<string>();
  #batch: Chunk[] = [];
  readonly #missing: Missing[] = [];
  /** Chunks asked about or missing: they will give their slabs back by themselves. */
  #underway = 0;
  /** Answers are taken in the order of the questions, so that a stream's chunks lie in order in packs. */
  #answers: Promise<void> = Promise.resolve();
  #draining: Promise<void> = Promise.resolve();
  #drainRuns = false;
  /** Data keys of chunks that were in the vault already. */
  readonly reusedKeys = new Set<string>();

  constructor(options: ChunkStoreOptions) {
    const { signal, progress, onError } = options;
    this.#options = options;
    this.#slabs = new SlabPool(SLABS, CHUNK.max, signal);
    const onStored = (bytes: number) => {
      progress.storedBytes += bytes;
      options.onProgress({ ...progress });
    };
    const { serverId, dataKey, vault } = options;
    this.#writer = new PackWriter({ serverId, dataKey, vault, signal, onStored, onError });
  }

  /** A slab to assemble a chunk in, or `undefined` where none is free now. */
  slab(): Buffer | undefined {
    return this.#slabs.take();
  }

  nextSlab(): Promise<Buffer> {
    const slab = this.#slabs.wait();
    this.#askIfStarved();
    return slab;
  }

  /** Takes over a chunk and its slab. */
  add(chunk: Chunk): void {
    const name = chunk.id.toString('latin1');
    if (this.#seen.has(name)) {
      this.#reuse(chunk);
      return;
    }
    this.#seen.add(name);
    this.#batch.push(chunk);
    if (this.#batch.length === BATCH || !this.#worthAsking) this.#ask();
    else this.#askIfStarved();
  }

  /** Waits until every chunk is safe. Rejects with what stopped the backup. */
  async finish(): Promise<void> {
    const { signal } = this.#options;
    try {
      this.#ask();
      await this.#answers;
      await this.#draining;
      signal.throwIfAborted();
      await this.#writer.finish();
      signal.throwIfAborted();
    } finally {
      this.#compressor.close();
      this.#slabs.close();
    }
  }

  /** A first backup has nothing to reuse, whatever the vault has. */
  get #worthAsking(): boolean {
    return this.#options.knownDataKeys.size > 0;
  }

  #reuse(chunk: Chunk): void {
    this.#options.progress.reusedBytes += chunk.length;
    this.#slabs.give(chunk.slab);
  }

  /** Many streams may hold the slabs that would have filled the batch: then it has to go as it is. */
  #askIfStarved(): void {
    if (this.#slabs.starved && this.#underway < AHEAD) this.#ask();
  }

  #ask(): void {
    const batch = this.#batch;
    if (batch.length === 0) return;
    this.#batch = [];
    this.#underway += batch.length;
    const { vault, serverId, signal, onError } = this.#options;
    const asked = this.#worthAsking
      ? vault.missing(serverId, Buffer.concat(batch.map(({ id }) => id)), signal)
      : Buffer.alloc(batch.length * KEY_ID_BYTES);
    this.#answers = Promise.all([asked, this.#answers])
      .then(([keys]) => this.#answered(batch, keys))
      .catch(onError);
  }

  #answered(batch: readonly Chunk[], keys: Buffer): void {
    if (keys.length !== batch.length * KEY_ID_BYTES)
      throw fail(
        'unknown_message',
        'The vault’s answer has the wrong length.',
        'Update Homeport on both sides.',
      );
    const { dataKey, knownDataKeys } = this.#options;
    batch.forEach((chunk, i) => {
      const keyId = keys.toString('hex', i * KEY_ID_BYTES, (i + 1) * KEY_ID_BYTES);
      // A key we did not make ourselves cannot be vouched for in the manifest: as good as missing.
      if (keyId !== NO_KEY && (keyId === dataKey.id || knownDataKeys.has(keyId))) {
        this.reusedKeys.add(keyId);
        this.#underway -= 1;
        this.#reuse(chunk);
      } else {
        this.#missing.push(chunk);
      }
    });
    if (this.#drainRuns) return;
    this.#drainRuns = true;
    this.#draining = this.#drain().catch(this.#options.onError);
  }

  async #drain(): Promise<void> {
    for (;;) {
      this.#options.signal.throwIfAborted();
      for (const chunk of this.#missing.slice(0, AHEAD)) chunk.coded ??= this.#compress(chunk);
      const chunk = this.#missing.shift();
      if (!chunk) {
        // In the same turn as the look at the queue: whoever adds next starts anew.
        this.#drainRuns = false;
        return;
      }
      await this.#writer.append(chunk.id, chunk.length, await chunk.coded!);
      this.#underway -= 1;
      this.#slabs.give(chunk.slab);
    }
  }

  #compress(chunk: Chunk): Promise<Coded> {
    const coded = this.#compressor.compress(chunk.slab.subarray(0, chunk.length));
    // Awaited when its turn comes; after an earlier failure it never does.
    coded.catch(() => {});
    return coded;
  }
}
