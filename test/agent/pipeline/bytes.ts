import { createCipheriv } from 'node:crypto';

/** Deterministic bytes that look random. */
export function noise(length: number, seed = 1): Buffer {
  const key = Buffer.alloc(32, seed);
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(length));
}

/** Deterministic text in lines that all differ; compresses like a dump. */
export function patterned(length: number, seed = 1): Buffer {
  const lines: string[] = [];
  let state = seed;
  for (let bytes = 0; bytes < length; ) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const line = `${lines.length}\t${state.toString(16)}\torder ${state % 97} shipped to customer ${state % 4099}\n`;
    lines.push(line);
    bytes += line.length;
  }
  return Buffer.from(lines.join('')).subarray(0, length);
}

/** `bytes` in slices of `size`. */
export async function* slices(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

export async function collect(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of body) parts.push(part);
  return Buffer.concat(parts);
}
