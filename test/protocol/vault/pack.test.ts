import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decodeTrailer,
  encodeTrailer,
  PACK_FOOTER_BYTES,
  PACK_MAGIC,
  type PackEntry,
  trailerLength,
} from '../../../protocol/vault/pack.ts';

const corrupt = expect.objectContaining({ failure: expect.objectContaining({ code: 'pack_corrupt' }) });
const fixed = (length: number) =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((b) => Buffer.from(b));
const entry = fc.record({
  chunkId: fixed(32),
  keyId: fixed(16).map((id) => id.toString('hex')),
  length: fc.integer({ min: 46, max: 2 ** 20 }),
  rawLength: fc.integer({ min: 1, max: 2 ** 20 }),
});
const entries = fc.array(entry, { maxLength: 40 }).map((list) => {
  let offset = PACK_MAGIC.length;
  return list.map((one): PackEntry => {
    offset += one.length;
    return { ...one, offset: offset - one.length };
  });
});

const packLength = (list: readonly PackEntry[], trailer: Buffer) =>
  PACK_MAGIC.length + list.reduce((sum, { length }) => sum + length, 0) + trailer.length;

describe('a pack’s trailer', () => {
  test('comes back as it was written, and tells its length from its footer', () => {
    fc.assert(
      fc.property(fc.uuid(), entries, (serverId, list) => {
        const trailer = encodeTrailer(serverId, list);
        expect(trailerLength(trailer.subarray(trailer.length - PACK_FOOTER_BYTES))).toBe(trailer.length);
        expect(decodeTrailer(trailer, packLength(list, trailer))).toEqual({ serverId, entries: list });
      }),
    );
  });

  test('is refused where its chunks do not tile the pack', () => {
    const tampered = fc.tuple(
      entries.filter((list) => list.length > 0),
      fc.nat(),
      fc.constantFrom(-1, 1, 4096),
    );
    fc.assert(
      fc.property(fc.uuid(), tampered, (serverId, [list, pick, by]) => {
        const length = packLength(list, encodeTrailer(serverId, list));
        const index = pick % list.length;
        const moved = list.map((one, i) => (i === index ? { ...one, offset: one.offset + by } : one));
        expect(() => decodeTrailer(encodeTrailer(serverId, moved), length)).toThrow(corrupt);
        const grown = list.map((one, i) => (i === index ? { ...one, length: one.length + by } : one));
        expect(() => decodeTrailer(encodeTrailer(serverId, grown), length)).toThrow(corrupt);
        expect(() => decodeTrailer(encodeTrailer(serverId, list), length + by)).toThrow(corrupt);
      }),
    );
  });

  test('is refused when cut or not a trailer at all', () => {
    const trailer = encodeTrailer('00000000-0000-4000-8000-000000000000', []);
    expect(() => trailerLength(trailer.subarray(1))).toThrow(corrupt);
    expect(() => trailerLength(Buffer.alloc(PACK_FOOTER_BYTES))).toThrow(corrupt);
    expect(() => decodeTrailer(Buffer.alloc(0), 100)).toThrow(corrupt);
    expect(() => decodeTrailer(Buffer.concat([Buffer.alloc(60), trailer]), 100)).toThrow(corrupt);
  });
});
