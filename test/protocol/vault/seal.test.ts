import { zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chunkId, generateVaultKey, serverSecrets } from '../../../protocol/vault/keys.ts';
import { CODEC, openChunk, SEAL_OVERHEAD, seal, sealedKeyId, unseal } from '../../../protocol/vault/seal.ts';

const key = generateVaultKey();
const { chunkIdKey } = serverSecrets(generateVaultKey());
const corrupt = expect.objectContaining({ failure: expect.objectContaining({ code: 'pack_corrupt' }) });
const bytes = fc.uint8Array({ minLength: 1, maxLength: 600 });

describe('sealed bytes', () => {
  test('open to what was sealed, raw or compressed', () => {
    fc.assert(
      fc.property(bytes, bytes, (subject, plaintext) => {
        const raw = seal(key, subject, CODEC.raw, plaintext);
        expect(raw.length).toBe(plaintext.length + SEAL_OVERHEAD);
        expect(sealedKeyId(raw)).toBe(key.id);
        expect(unseal(key.secret, subject, raw, 600)).toEqual(Buffer.from(plaintext));
        const packed = seal(key, subject, CODEC.zstd, zstdCompressSync(plaintext));
        expect(unseal(key.secret, subject, packed, 600)).toEqual(Buffer.from(plaintext));
      }),
    );
  });

  test('do not open once a single bit is flipped, anywhere', () => {
    const subject = Buffer.alloc(32, 1);
    const sealed = seal(key, subject, CODEC.raw, Buffer.from('some plaintext of a chunk'));
    for (let bit = 0; bit < sealed.length * 8; bit += 1) {
      const flipped = Buffer.from(sealed);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      expect(() => unseal(key.secret, subject, flipped, 600)).toThrow(corrupt);
    }
  });

  test('do not open when cut short, for another subject or with another key', () => {
    const subject = Buffer.alloc(32, 1);
    const sealed = seal(key, subject, CODEC.raw, Buffer.from('plaintext'));
    for (let length = 0; length < sealed.length; length += 1)
      expect(() => unseal(key.secret, subject, sealed.subarray(0, length), 600)).toThrow(corrupt);
    expect(() => unseal(key.secret, Buffer.alloc(32, 2), sealed, 600)).toThrow(corrupt);
    expect(() => unseal(generateVaultKey().secret, subject, sealed, 600)).toThrow(corrupt);
  });

  test('do not open beyond the limit, nor with an unknown codec', () => {
    const subject = Buffer.alloc(32, 1);
    const bomb = seal(key, subject, CODEC.zstd, zstdCompressSync(Buffer.alloc(100_000)));
    expect(() => unseal(key.secret, subject, bomb, 99_999)).toThrow(corrupt);
    expect(unseal(key.secret, subject, bomb, 100_000)).toEqual(Buffer.alloc(100_000));
    expect(() => unseal(key.secret, subject, seal(key, subject, CODEC.raw, Buffer.alloc(11)), 10)).toThrow(
      corrupt,
    );
    expect(() => unseal(key.secret, subject, seal(key, subject, 7, Buffer.alloc(1)), 10)).toThrow(corrupt);
  });
});

describe('a chunk', () => {
  const plaintext = Buffer.from('rows of a table');
  const id = chunkId(chunkIdKey, plaintext);
  const keys = { secret: key.secret, chunkIdKey };

  test('opens to its plaintext', () => {
    const sealed = seal(key, id, CODEC.raw, plaintext);
    expect(openChunk(keys, { id, length: plaintext.length, sealed })).toEqual(plaintext);
  });

  test('sealed honestly but not the one its id names is refused', () => {
    const sealed = seal(key, id, CODEC.raw, Buffer.from('rows of another'));
    expect(() => openChunk(keys, { id, length: plaintext.length, sealed })).toThrow(corrupt);
  });

  test('of another length than the manifest says is refused', () => {
    const sealed = seal(key, id, CODEC.raw, plaintext);
    for (const length of [plaintext.length - 1, plaintext.length + 1])
      expect(() => openChunk(keys, { id, length, sealed })).toThrow(corrupt);
  });
});
