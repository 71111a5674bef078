import { createHash } from 'node:crypto';
import type { VaultKey } from '../../protocol/vault/keys.ts';
import {
  encodeTrailer,
  PACK_MAGIC,
  PACK_MAX_CHUNKS,
  PACK_TARGET_BYTES,
  type PackEntry,
} from '../../protocol/vault/pack.ts';
import { CHUNK, SEAL_OVERHEAD, sealedParts } from '../../protocol/vault/seal.ts';
import type { Coded } from './compress.ts';
import { SlabPool } from './slabs.ts';
import type { VaultClient } from './vault-client.ts';

/** Packs alive at once: one is filled while the other is uploaded, or both are where the network is the slower part. */
const PACKS = 2;
const ROOM = PACK_TARGET_BYTES + CHUNK.max + SEAL_OVERHEAD;

export interface PackWriterOptions {
  serverId: string;
  dataKey: VaultKey;
  vault: Pick<VaultClient, 'putPack'>;
  signal: AbortSignal;
  /** A pack of so many bytes is safe in the vault. */
  onStored(bytes: number): void;
  onError(error: unknown): void;
}

/** Seals chunks into packs and uploads full packs, a few at a time. `append` must not be called concurrently. */
export class PackWriter {
  readonly #options: PackWriterOptions;
  readonly #buffers: SlabPool;
  readonly #uploads = new Set<Promise<void>>();
  #pack: { buffer: Buffer; length: number; entries: PackEntry[] } | undefined;

  constructor(options: PackWriterOptions) {
    this.#options = options;
    this.#buffers = new SlabPool(PACKS, ROOM, options.signal);
  }

  /** Seals one chunk into the present pack; waits where all packs are on their way. */
  async append(chunkId: Buffer, rawLength: number, coded: Coded): Promise<void> {
    const { dataKey } = this.#options;
    this.#pack ??= await this.#begin();
    const pack = this.#pack;
    const offset = pack.length;
    for (const part of sealedParts(dataKey, chunkId, coded)) {
      pack.buffer.set(part, pack.length);
      pack.length += part.length;
    }
    pack.entries.push({ chunkId, keyId: dataKey.id, offset, length: pack.length - offset, rawLength });
    if (pack.length >= PACK_TARGET_BYTES || pack.entries.length === PACK_MAX_CHUNKS) this.#close();
  }

  /** Uploads what is left and waits for every upload; nothing can be appended any more. */
  async finish(): Promise<void> {
    this.#close();
    await Promise.all(this.#uploads);
    this.#buffers.close();
  }

  async #begin() {
    const buffer = this.#buffers.take() ?? (await this.#buffers.wait());
    PACK_MAGIC.copy(buffer);
    return { buffer, length: PACK_MAGIC.length, entries: [] };
  }

  #close(): void {
    const pack = this.#pack;
    if (!pack) return;
    this.#pack = undefined;
    const parts = [
      pack.buffer.subarray(0, pack.length),
      encodeTrailer(this.#options.serverId, pack.entries),
    ] as const;
    const upload = this.#upload(parts)
      .then(() => this.#buffers.give(pack.buffer))
      .catch(this.#options.onError)
      .finally(() => this.#uploads.delete(upload));
    this.#uploads.add(upload);
  }

  async #upload(parts: readonly [Buffer, Buffer]): Promise<void> {
    const hash = createHash('sha256');
    for (const part of parts) hash.update(part);
    const { vault, signal, onStored } = this.#options;
    await vault.putPack(hash.digest('hex'), parts, signal);
    onStored(parts[0].length + parts[1].length);
  }
}
