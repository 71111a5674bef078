import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HeadObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { S3Store } from '../../control-plane/vault/stores/s3.ts';
import type { S3Options } from '../../control-plane/vault/stores/s3-options.ts';
import { probeBucket } from '../../control-plane/vault/stores/s3-probe.ts';
import { createOutgoing } from '../../protocol/outgoing.ts';
import { failureOf, type StoreUnderTest, storeContract } from '../contract/store.ts';
import { type Fault, type HttpFaults, s3Error, startHttpFaults } from '../support/http-faults.ts';
import { anywhere, type S3Server, startS3Server } from '../support/s3.ts';

let server: S3Server;
beforeAll(async () => {
  server = await startS3Server();
}, 180_000);
afterAll(() => server.stop());

const maxBytes = 64 * 1024 * 1024;

interface Bench extends StoreUnderTest {
  store: S3Store;
  options: S3Options;
  faults: HttpFaults;
}

/** A store in a bucket of its own, behind a relay that can fail. */
async function bench(change: Partial<S3Options> = {}): Promise<Bench> {
  const faults = await startHttpFaults(server.port);
  const endpoint = `http://127.0.0.1:${faults.port}`;
  const make = change.lock ? server.lockable : server.bucket;
  const options = await make(`b-${randomUUID()}`, { endpoint, ...change });
  const spool = await mkdtemp(join(tmpdir(), 'homeport-spool-'));
  const store = new S3Store(options, { outgoing: anywhere, spool });
  return {
    store,
    options,
    faults,
    objects: async () => (await server.keys(options.bucket)).length + (await readdir(spool)).length,
    async [Symbol.asyncDispose]() {
      await faults[Symbol.asyncDispose]();
      await rm(spool, { recursive: true, force: true });
    },
  };
}

storeContract('s3', () => bench());
storeContract('s3, in a folder of the bucket, without checksums', () =>
  bench({ prefix: 'backups/homeport', checksums: 'none' }),
);

storeContract('s3, in a bucket that locks', () =>
  bench({ lock: { mode: 'governance', days: 1, liftable: false } }),
);

describe('s3 store: what a store does wrong now and then', () => {
  const passing: [string, Fault][] = [
    ['500', { answer: 500, body: s3Error('InternalError') }],
    ['503 SlowDown', { answer: 503, body: s3Error('SlowDown') }],
    ['429', { answer: 429, body: s3Error('TooManyRequests') }],
    ['200 with an error in its body', { answer: 200, body: s3Error('InternalError') }],
    ['a connection cut in the middle of the body', { cutRequestAfter: 100_000 }],
    ['a lost answer', { done: 500, body: s3Error('InternalError') }],
  ];

  test.each(passing)('a write outlives %s', async (_, fault) => {
    await using at = await bench();
    const bytes = randomBytes(3_000_000);
    at.faults.next('PUT', fault, 2);
    await at.store.put('packs/ab/one', [bytes], { maxBytes });
    expect((await at.store.read('packs/ab/one')).equals(bytes)).toBe(true);
    expect(await at.objects()).toBe(1);
    expect(at.faults.seen.filter(({ method }) => method === 'PUT')).toHaveLength(3);
  });

  test.each(passing)('putIfAbsent says that it wrote after %s', async (_, fault) => {
    await using at = await bench();
    at.faults.next('PUT', fault);
    const bytes = randomBytes(200_000);
    expect(await at.store.putIfAbsent('keys/k.age', bytes)).toBe(true);
    expect(await at.store.putIfAbsent('keys/k.age', randomBytes(9))).toBe(false);
    expect((await at.store.read('keys/k.age')).equals(bytes)).toBe(true);
  });

  test.each<[string, Fault]>([
    ['500', { answer: 500, body: s3Error('InternalError') }],
    ['503 SlowDown', { answer: 503, body: s3Error('SlowDown') }],
    ['cut off in the middle', { cutAnswerAfter: 1_000_000 }],
    ['cut off at once', { cutAnswerAfter: 1 }],
  ])('a read outlives answers that are %s', async (_, fault) => {
    await using at = await bench();
    const bytes = randomBytes(3_000_000);
    await at.store.put('packs/ab/one', [bytes], { maxBytes });
    at.faults.next('GET', fault, 2);
    expect((await at.store.read('packs/ab/one')).equals(bytes)).toBe(true);
    at.faults.next('GET', fault, 2);
    const part = await at.store.read('packs/ab/one', { offset: 500_000, length: 2_000_000 });
    expect(part.equals(bytes.subarray(500_000, 2_500_000))).toBe(true);
  });

  test('a store that stays down is named, and nothing is left of the write', async () => {
    await using at = await bench();
    at.faults.next('PUT', { answer: 503, body: s3Error('ServiceUnavailable') }, 99);
    const failure = await failureOf(at.store.put('packs/ab/one', [randomBytes(9)], { maxBytes }));
    expect(failure).toMatchObject({ code: 'store_unavailable', retryable: true });
    expect(failure.message).toContain('503 ServiceUnavailable');
    expect(await at.objects()).toBe(0);
  });

  test('a read that never gets on is given up', async () => {
    await using at = await bench();
    await at.store.put('packs/ab/one', [randomBytes(1000)], { maxBytes });
    at.faults.next('GET', { cutAnswerAfter: 0 }, 99);
    expect((await failureOf(at.store.read('packs/ab/one'))).code).toBe('store_unavailable');
  });

  test.each([
    ['AccessDenied', 403, 's3:PutObject'],
    ['InvalidAccessKeyId', 403, 'access key that exists'],
    ['SignatureDoesNotMatch', 403, 'secret key'],
    ['NoSuchBucket', 404, 'Make the bucket'],
  ])('%s says what to change and is not repeated', async (code, status, hint) => {
    await using at = await bench();
    at.faults.next('PUT', { answer: status, body: s3Error(code) }, 99);
    const failure = await failureOf(at.store.put('packs/ab/one', [randomBytes(9)], { maxBytes }));
    expect(failure).toMatchObject({ code: 'store_unavailable', retryable: false });
    expect(failure.hint).toContain(hint);
    expect(JSON.stringify(failure)).not.toContain(at.options.secretAccessKey);
    expect(at.faults.seen).toHaveLength(1);
  });

  test('a bucket without room is a full disk', async () => {
    await using at = await bench();
    at.faults.next('PUT', { answer: 403, body: s3Error('QuotaExceeded') }, 99);
    const failure = await failureOf(at.store.put('packs/ab/one', [randomBytes(9)], { maxBytes }));
    expect(failure.code).toBe('disk_full');
  });

  test('a store that is not there is named by its address', async () => {
    await using at = await bench();
    const gone = { ...at.options, endpoint: 'http://127.0.0.1:1' };
    await using _spool = at;
    const store = new S3Store(gone, { outgoing: anywhere, spool: join(tmpdir(), randomUUID()) });
    const failure = await failureOf(store.size('vault.json'));
    expect(failure).toMatchObject({ code: 'store_unavailable', retryable: true });
    expect(failure.message).toContain('127.0.0.1:1');
  });
});

describe('s3 store: what it asks for', () => {
  test('encryption and, for packs alone, the storage class', async () => {
    await using at = await bench({ sse: 'AES256', storageClass: 'STANDARD_IA' });
    const [pack, key] = ['packs/ab/one', 'keys/k.age'];
    await at.store.put(pack, [randomBytes(9)], { maxBytes });
    await at.store.putIfAbsent(key, randomBytes(9));
    const head = (Key: string) =>
      server.client.send(new HeadObjectCommand({ Bucket: at.options.bucket, Key, ChecksumMode: 'ENABLED' }));
    expect(await head(pack)).toMatchObject({ ServerSideEncryption: 'AES256', StorageClass: 'STANDARD_IA' });
    expect(await head(key)).toMatchObject({ ServerSideEncryption: 'AES256' });
    expect((await head(key)).StorageClass ?? 'STANDARD').toBe('STANDARD');
    expect((await head(pack)).ChecksumSHA256).toMatch(/^[A-Za-z0-9+/]{43}=$/);
  });

  test('more files than one page of a list holds', async () => {
    await using at = await bench();
    const { store } = at;
    for (let i = 0; i < 1010; i += 1) await store.putIfAbsent(`keys/${i}.age`, Buffer.from('k'));
    expect(await Array.fromAsync(store.list('keys'))).toHaveLength(1010);
  });

  test('the test of a bucket leaves nothing in it, and tells what does not work', async () => {
    await using at = await bench();
    await probeBucket(at.store, at.options);
    expect(await at.objects()).toBe(0);
    at.faults.next('DELETE', { answer: 403, body: s3Error('AccessDenied') }, 99);
    const failure = await failureOf(probeBucket(at.store, at.options));
    expect(failure.message).toContain('could not be deleted');
    expect(failure.hint).toContain('s3:DeleteObject');
    at.faults.next('GET', { answer: 403, body: s3Error('AccessDenied') }, 99);
    expect((await failureOf(probeBucket(at.store, at.options))).hint).toContain('s3:GetObject');
  });

  test('nothing on this host is asked unless the operator allows it', async () => {
    await using at = await bench();
    const outgoing = createOutgoing(false);
    const spool = join(tmpdir(), randomUUID());
    expect(() => new S3Store(at.options, { outgoing, spool })).toThrow('this host itself');
    const named = { ...at.options, endpoint: `http://localhost:${at.faults.port}` };
    const failure = await failureOf(new S3Store(named, { outgoing, spool }).size('vault.json'));
    expect(failure.code).toBe('forbidden');
    expect(at.faults.seen).toHaveLength(0);
  });
});
