import { createCipheriv } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ChunkCutter } from '../../../agent/pipeline/chunker.ts';
import { CHUNK } from '../../../protocol/vault/seal.ts';
import { noise, patterned } from './bytes.ts';

const SEED = Buffer.alloc(32, 5);
const MIB = 1024 * 1024;

/** End of every chunk of `bytes`, which arrive in slices of the given sizes, again and again. */
function ends(bytes: Uint8Array, sizes: readonly number[] = [bytes.length], seed = SEED): number[] {
  const cutter = new ChunkCutter(seed);
  const found: number[] = [];
  for (let offset = 0, turn = 0; offset < bytes.length; turn += 1) {
    const slice = bytes.subarray(offset, offset + sizes[turn % sizes.length]!);
    for (let at = 0; at >= 0 && at < slice.length; ) {
      at = cutter.next(slice, at);
      if (at >= 0) found.push(offset + at);
    }
    offset += slice.length;
  }
  if (found.at(-1) !== bytes.length) found.push(bytes.length);
  return found;
}

function lengths(cuts: readonly number[]): number[] {
  return cuts.map((end, i) => end - (cuts[i - 1] ?? 0));
}

/** The rule as docs/vault-format.md words it, byte by byte. */
function endsByTheBook(bytes: Uint8Array, seed = SEED): number[] {
  const stream = createCipheriv('aes-256-ctr', seed, Buffer.alloc(16)).update(Buffer.alloc(1024));
  const table = Array.from({ length: 256 }, (_, i) => BigInt(stream.readUInt32BE(i * 4)));
  const found: number[] = [];
  for (let start = 0, at = 0, h = 0n; at < bytes.length; ) {
    at += 1;
    const n = at - start;
    if (n > 65_504) h = ((h << 1n) + table[bytes[at - 1]!]!) % 2n ** 32n;
    const early = n > 65_536 && n <= 196_608 && h >> 12n === 0n;
    const late = n > 196_608 && n <= 1_048_576 && h >> 16n === 0n;
    if (!early && !late && n !== 1_048_576 && at !== bytes.length) continue;
    found.push(at);
    start = at;
    h = 0n;
  }
  return found;
}

const CONTENTS = {
  random: noise(6 * MIB),
  text: patterned(6 * MIB),
  zeros: Buffer.alloc(6 * MIB),
  mixed: Buffer.concat([patterned(MIB, 3), Buffer.alloc(3 * MIB, 0x20), noise(2 * MIB, 4)]),
};

describe.each(Object.entries(CONTENTS))('cutting %s', (_name, bytes) => {
  const whole = ends(bytes);

  test('does not depend on how the bytes are sliced', () => {
    const sizes = fc.array(
      fc.oneof(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1000, max: 3 * MIB })),
      {
        minLength: 1,
        maxLength: 6,
      },
    );
    fc.assert(
      fc.property(sizes, (some) => {
        expect(ends(bytes, [...some, 70_000])).toEqual(whole);
      }),
      { numRuns: 30 },
    );
  });

  test('follows the documented rule', () => {
    const some = bytes.subarray(0, 3 * MIB);
    expect(ends(some)).toEqual(endsByTheBook(some));
  });

  test('keeps lengths within bounds and covers everything', () => {
    const all = lengths(whole);
    const last = all.pop()!;
    for (const length of all) {
      expect(length).toBeGreaterThanOrEqual(CHUNK.min);
      expect(length).toBeLessThanOrEqual(CHUNK.max);
    }
    expect(last).toBeLessThanOrEqual(CHUNK.max);
    expect(whole.at(-1)).toBe(bytes.length);
  });
});

describe('cuts', () => {
  test.each([
    ['random', CONTENTS.random],
    ['text', CONTENTS.text],
  ])('after a change in %s fall where they fell before', (_name, bytes) => {
    const before = new Set(ends(bytes));
    const change = fc.record({
      at: fc.integer({ min: 0, max: bytes.length - 3 * MIB }),
      remove: fc.integer({ min: 0, max: 2000 }),
      insert: fc.uint8Array({ maxLength: 2000 }),
    });
    fc.assert(
      fc.property(change, ({ at, remove, insert }) => {
        const changed = Buffer.concat([bytes.subarray(0, at), insert, bytes.subarray(at + remove)]);
        const shift = insert.length - remove;
        const after = ends(changed);
        const lost = after.filter((end) => !before.has(end <= at ? end : end - shift));
        expect(lost.length).toBeLessThanOrEqual(5);
      }),
      { numRuns: 40 },
    );
  });

  test('depend on the seed', () => {
    const other = ends(CONTENTS.random, [MIB], Buffer.alloc(32, 6));
    const shared = ends(CONTENTS.random).filter((end) => other.includes(end));
    expect(shared).toEqual([CONTENTS.random.length]);
  });

  test('are an average of 256 KiB apart, within a tenth', () => {
    const bytes = noise(64 * MIB, 9);
    const average = bytes.length / ends(bytes).length;
    expect(average).toBeGreaterThan(CHUNK.average * 0.9);
    expect(average).toBeLessThan(CHUNK.average * 1.1);
  });

  test('are pinned: a change here would end deduplication with every vault in use', () => {
    expect(ends(noise(2 * MIB, 1))).toMatchInlineSnapshot(`
      [
        115583,
        339558,
        458012,
        683540,
        789546,
        1046996,
        1147363,
        1361571,
        1573555,
        1800808,
        2007288,
        2097152,
      ]
    `);
  });
});
