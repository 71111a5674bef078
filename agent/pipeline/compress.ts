import { constants, createZstdCompress, type ZstdCompress } from 'node:zlib';
import { CODEC } from '../../protocol/vault/seal.ts';

/** What goes into the seal: the codec byte and its payload. */
export interface Coded {
  codec: number;
  payload: Uint8Array;
}

/** Room for what a few chunks compress to; a buffer is replaced once it is full. */
const OUTPUT_BYTES = 256 * 1024;

const OPTIONS = {
  // Every write is a frame of its own: zstd then knows its size, and works straight into the output.
  flush: constants.ZSTD_e_end,
  chunkSize: OUTPUT_BYTES,
  // Never reached: each frame is read before the next one is written.
  highWaterMark: Number.MAX_SAFE_INTEGER,
  params: {
    // docs/benchmarks.md: on a dump's bytes, level 3 takes almost twice level 1's time to save 2.5 %.
    [constants.ZSTD_c_compressionLevel]: 1,
    [constants.ZSTD_c_windowLog]: 18,
  },
};

/**
 * zstd on the thread pool. The contexts live as long as the compressor: to make one for each chunk costs
 * more than compressing it, most of it in garbage collections that the megabytes of each context set off.
 */
export class Compressor {
  readonly #idle: ZstdCompress[] = [];

  /** One zstd frame; the plaintext itself where compression does not make it smaller. */
  async compress(plaintext: Uint8Array): Promise<Coded> {
    const zstd = this.#idle.pop() ?? createZstdCompress(OPTIONS);
    const payload = await frame(zstd, plaintext);
    this.#idle.push(zstd);
    if (payload.length < plaintext.length) return { codec: CODEC.zstd, payload };
    return { codec: CODEC.raw, payload: plaintext };
  }

  /** Frees the contexts. */
  close(): void {
    for (const zstd of this.#idle.splice(0)) zstd.destroy();
  }
}

function frame(zstd: ZstdCompress, plaintext: Uint8Array): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    zstd.once('error', reject);
    zstd.write(plaintext, (error) => {
      zstd.off('error', reject);
      if (error) reject(error);
      else resolve(output(zstd));
    });
  });
}

/** All that is ready: in two pieces where the output buffer was used up on the way. */
function output(zstd: ZstdCompress): Uint8Array {
  const parts: Buffer[] = [];
  for (let part = zstd.read(); part !== null; part = zstd.read()) parts.push(part);
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
}
