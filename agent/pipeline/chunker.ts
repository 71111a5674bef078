import { createCipheriv } from 'node:crypto';
import { CHUNK } from '../../protocol/vault/seal.ts';

/** Bytes the rolling hash looks back on: each shift moves one byte's bits out of the 32-bit word. */
const WINDOW = 32;
/**
 * A cut needs this many leading zero bits: more before the turn than after it. Normalised
 * chunking: lengths gather around the average, so that few chunks are forced to end at the maximum.
 */
const EARLY_MASK = (-1 << (32 - 20)) | 0;
const LATE_MASK = (-1 << (32 - 16)) | 0;

/** The 256 words of the gear hash: the AES-256-CTR key stream (counter from 0) of the seed, big-endian words. */
export function gearTable(seed: Uint8Array): Int32Array {
  const stream = createCipheriv('aes-256-ctr', seed, Buffer.alloc(16)).update(Buffer.alloc(256 * 4));
  return Int32Array.from({ length: 256 }, (_, i) => stream.readInt32BE(i * 4));
}

/**
 * Finds where a stream's chunks end. The cuts depend on the bytes alone, however they are sliced on their
 * way in, and soon after a change they fall where they fell before.
 */
export class ChunkCutter {
  readonly #table: Int32Array;
  #hash = 0;
  /** Bytes of the present chunk seen so far. */
  #length = 0;

  constructor(gearSeed: Uint8Array) {
    this.#table = gearTable(gearSeed);
  }

  /**
   * Goes on at `bytes[from]` and returns the index just behind the last byte of the present chunk, or -1
   * where the chunk does not end in `bytes`.
   */
  next(bytes: Uint8Array, from: number): number {
    let at = from + Math.max(0, Math.min(CHUNK.min - WINDOW - this.#length, bytes.length - from));
    at = this.#roll(bytes, at, this.#end(bytes, from, CHUNK.min));
    at = this.#search(bytes, at, { end: this.#end(bytes, from, CHUNK.turn), mask: EARLY_MASK });
    if (at >= 0) at = this.#search(bytes, at, { end: this.#end(bytes, from, CHUNK.max), mask: LATE_MASK });
    if (at < 0) return this.#cut(~at);
    this.#length += at - from;
    return this.#length === CHUNK.max ? this.#cut(at) : -1;
  }

  /** Index in `bytes` at which the present chunk has `length` bytes, at most the end of `bytes`. */
  #end(bytes: Uint8Array, from: number, length: number): number {
    return Math.min(bytes.length, from + length - this.#length);
  }

  #cut(at: number): number {
    this.#hash = 0;
    this.#length = 0;
    return at;
  }

  #roll(bytes: Uint8Array, from: number, end: number): number {
    const table = this.#table;
    let hash = this.#hash;
    let at = from;
    for (; at < end; at += 1) hash = ((hash << 1) + table[bytes[at]!]!) | 0;
    this.#hash = hash;
    return at;
  }

  /** The index reached, or the bitwise complement of the index behind the byte that ends the chunk. */
  #search(bytes: Uint8Array, from: number, { end, mask }: { end: number; mask: number }): number {
    const table = this.#table;
    let hash = this.#hash;
    let at = from;
    while (at < end) {
      hash = ((hash << 1) + table[bytes[at]!]!) | 0;
      at += 1;
      if ((hash & mask) === 0) return ~at;
    }
    this.#hash = hash;
    return at;
  }
}
