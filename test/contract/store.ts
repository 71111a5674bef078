import { createHash, randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Store } from '../../control-plane/vault/stores/store.ts';
import { FailureError } from '../../protocol/failure.ts';

/** A store under test, empty, with what the contract needs to look behind it. */
export interface StoreUnderTest extends AsyncDisposable {
  store: Store;
  /** Everything that exists behind the store, finished or not: counts what failed writes leave. */
  objects(): Promise<number>;
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const collected = async <T>(items: AsyncIterable<T>) => Array.fromAsync(items);

async function* inParts(bytes: Buffer, size: number): AsyncGenerator<Buffer, void> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function* broken(bytes: Buffer): AsyncGenerator<Buffer, void> {
  yield bytes;
  throw new Error('the sender is gone');
}

/** The failure a call ends with. */
export async function failureOf(work: Promise<unknown>) {
  const error = await work.then(
    () => expect.fail('it succeeded'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof FailureError)) throw error;
  return error.failure;
}

/** What every store driver must do. */
export function storeContract(name: string, start: () => Promise<StoreUnderTest>): void {
  describe(`store: ${name}`, () => {
    let under: StoreUnderTest;
    beforeEach(async () => {
      under = await start();
    });
    afterEach(() => under[Symbol.asyncDispose]());

    const maxBytes = 64 * 1024 * 1024;

    test('gives back what was put, whole, in ranges and as a stream', async () => {
      const bytes = randomBytes(5_000_000);
      const terms = { maxBytes, sha256: sha256(bytes) };
      expect(await under.store.put('packs/ab/one', inParts(bytes, 65_536), terms)).toBe(bytes.length);
      expect(await under.store.size('packs/ab/one')).toBe(bytes.length);
      expect(bytes.equals(await under.store.read('packs/ab/one'))).toBe(true);
      const range = { offset: 1_234_567, length: 2_345_678 };
      const expected = bytes.subarray(range.offset, range.offset + range.length);
      expect(expected.equals(await under.store.read('packs/ab/one', range))).toBe(true);
      const streamed = Buffer.concat(await collected(under.store.stream('packs/ab/one', range)));
      expect(expected.equals(streamed)).toBe(true);
    });

    test('refuses bytes that are not those of the hash, and leaves nothing behind', async () => {
      const terms = { maxBytes, sha256: sha256(Buffer.from('other')) };
      const failure = await failureOf(under.store.put('packs/ab/one', [randomBytes(100)], terms));
      expect(failure.code).toBe('pack_corrupt');
      expect(await under.store.size('packs/ab/one')).toBeUndefined();
      expect(await under.objects()).toBe(0);
    });

    test('keeps the earlier file where a later write fails', async () => {
      await under.store.put('vault.json', [Buffer.from('first')], { maxBytes });
      await expect(under.store.put('vault.json', broken(randomBytes(9)), { maxBytes })).rejects.toThrow(
        'gone',
      );
      const tooMuch = under.store.put('vault.json', [randomBytes(11)], { maxBytes: 10 });
      expect((await failureOf(tooMuch)).code).toBe('message_too_large');
      const refuse = async () => Promise.reject(new Error('not this one'));
      const refused = under.store.put('vault.json', [randomBytes(9)], { maxBytes, accept: refuse });
      await expect(refused).rejects.toThrow('not this one');
      expect((await under.store.read('vault.json')).toString()).toBe('first');
      expect(await under.objects()).toBe(1);
    });

    test('shows staged bytes before they have a name', async () => {
      let seen = '';
      await under.store.put('packs/ab/one', inParts(Buffer.from('0123456789'), 3), {
        maxBytes,
        accept: async (staged) => {
          expect(await under.store.size('packs/ab/one')).toBeUndefined();
          seen = `${staged.length} ${await staged.read({ offset: 4, length: 3 })}`;
        },
      });
      expect(seen).toBe('10 456');
    });

    test('replaces with put, keeps with putIfAbsent', async () => {
      await under.store.put('vault.json', [Buffer.from('first')], { maxBytes });
      await under.store.put('vault.json', [Buffer.from('second')], { maxBytes });
      expect(await under.store.putIfAbsent('vault.json', Buffer.from('third'))).toBe(false);
      expect((await under.store.read('vault.json')).toString()).toBe('second');
      const wrote = await Promise.all(
        ['a', 'b', 'c', 'd'].map((text) => under.store.putIfAbsent('keys/k.age', Buffer.from(text))),
      );
      expect(wrote.filter(Boolean)).toHaveLength(1);
      expect(await under.objects()).toBe(2);
    });

    test('lists what is below a folder, with lengths', async () => {
      await under.store.put('packs/ab/one', [Buffer.alloc(3)], { maxBytes });
      await under.store.put('packs/cd/two', [Buffer.alloc(4)], { maxBytes });
      await under.store.put('keys/k.age', [Buffer.alloc(5)], { maxBytes });
      const found = await collected(under.store.list('packs'));
      expect(found.sort((a, b) => a.length - b.length)).toEqual([
        { name: 'packs/ab/one', length: 3 },
        { name: 'packs/cd/two', length: 4 },
      ]);
      expect(await collected(under.store.list('snapshots'))).toEqual([]);
    });

    test('says not_found for what is not there and pack_corrupt for what is too short', async () => {
      expect((await failureOf(under.store.read('packs/ab/none'))).code).toBe('not_found');
      expect((await failureOf(collected(under.store.stream('packs/ab/none')))).code).toBe('not_found');
      await under.store.put('packs/ab/one', [Buffer.alloc(10)], { maxBytes });
      const beyond = under.store.read('packs/ab/one', { offset: 5, length: 6 });
      expect((await failureOf(beyond)).code).toBe('pack_corrupt');
    });

    test.each(['../escape', 'a/../../b', '/etc/passwd', 'a//b', '', '.', 'a/.', 'a\0b', 'a\\b', 'ä'])(
      'refuses the name %j',
      async (bad) => {
        const failure = await failureOf(under.store.put(bad, [Buffer.from('x')], { maxBytes }));
        expect(failure.code).toBe('invalid_input');
        expect(await under.objects()).toBe(0);
      },
    );
  });
}
