import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Failure } from '../../protocol/failure.ts';
import { startWorld, type World } from './world.ts';

/** What needs no S3 server; the rest is in test/matrix/s3-vault.test.ts. */
let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

const SECRET = 'canary-secret-key-of-a-bucket';
const STORE = {
  ...{ kind: 's3', endpoint: 'https://s3.example.org', bucket: 'backups' },
  ...{ accessKeyId: 'AKID', secretAccessKey: SECRET },
};

async function refused(path: string, body: unknown, method = 'POST'): Promise<Failure & { status: number }> {
  const { key, url } = world.api;
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  const answer = await fetch(`${url}/api/v1${path}`, { method, body: JSON.stringify(body), headers });
  const text = await answer.text();
  expect(text).not.toContain(SECRET);
  return { status: answer.status, ...(JSON.parse(text) as { error: Failure }).error };
}

test.each([
  [{ name: '' }, {}, 'name'],
  [{}, { bucket: 'Not A Bucket' }, 'store.bucket'],
  [{}, { bucket: '' }, 'store.bucket'],
  [{}, { endpoint: 'ftp://s3.example.org' }, 'store.endpoint'],
  [{}, { endpoint: 'https://user:word@s3.example.org' }, 'store.endpoint'],
  [{}, { endpoint: 'https://s3.example.org/bucket' }, 'store.endpoint'],
  [{}, { prefix: '../other' }, 'store.prefix'],
  [{}, { prefix: '/backups/' }, 'store.prefix'],
  [{}, { region: 'eu west' }, 'store.region'],
  [{}, { sse: 'rot13' }, 'store.sse'],
  [{}, { storageClass: 'cold storage' }, 'store.storageClass'],
  [{}, { secretAccessKey: '' }, 'store.secretAccessKey'],
  [{}, { lock: { days: 0 } }, 'store.lock.days'],
  [{}, { lock: { days: 36_501 } }, 'store.lock.days'],
  [{}, { lock: { days: 1.5 } }, 'store.lock.days'],
  [{}, { lock: { days: 30, mode: 'firmly' } }, 'store.lock.mode'],
  [{}, { lock: {} }, 'store.lock.days'],
  [{}, { kind: 'tape' }, 'store.kind'],
])('a vault in a bucket with %j and %j is refused by field', async (vault, store, field) => {
  const failure = await refused('/vaults', { name: 'offsite', ...vault, store: { ...STORE, ...store } });
  expect(failure).toMatchObject({ status: 400, code: 'invalid_input' });
  expect(failure.message).toContain(`${field}:`);
});

test.each(['http://127.0.0.1:9000', 'http://localhost:9000', 'http://169.254.169.254', 'http://[::1]:9000'])(
  'the endpoint %s is refused: it is on the control plane’s own host or link',
  async (endpoint) => {
    const store = { ...STORE, endpoint, pathStyle: true };
    const failure = await refused('/vaults', { name: 'offsite', store });
    expect(failure).toMatchObject({ status: 403, code: 'forbidden' });
    expect(failure.hint).toContain('HOMEPORT_LOCAL_ENDPOINTS');
  },
);

test('a name that is taken is refused before the bucket is asked', async () => {
  expect(await refused('/vaults', { name: 'Default', store: STORE })).toMatchObject({ status: 409 });
});

test('the vault on disk has no bucket to change, and is the one for new backups', async () => {
  const [vault] = await world.api.get<{ id: string; isDefault: boolean; bucket: null }[]>('/vaults');
  expect(vault).toMatchObject({ store: 'local', isDefault: true, bucket: null });
  const path = `/vaults/${vault!.id}/store`;
  expect(await refused(path, { store: STORE }, 'PUT')).toMatchObject({ status: 409, code: 'conflict' });
  expect(await refused(`/vaults/${crypto.randomUUID()}/use`, {})).toMatchObject({ status: 404 });
});

test('the vault on disk tells how much room there is', async () => {
  const [vault] = await world.api.get<{ id: string }[]>('/vaults');
  const space = await world.api.get<{ free: number; total: number }>(`/vaults/${vault!.id}/space`);
  expect(space).toMatchObject({ stored: 0, perMonth: [], bytesPerDay: null, fullAt: null });
  expect(space.free).toBeGreaterThan(0);
  expect(space.free).toBeLessThan(space.total);
  expect(await refused(`/vaults/${crypto.randomUUID()}/store`, { store: STORE }, 'PUT')).toMatchObject({
    status: 404,
  });
});

test('nothing of what was refused was kept', async () => {
  const { dataDir } = world.config;
  for (const entry of await readdir(dataDir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const bytes = await readFile(join(entry.parentPath, entry.name));
    expect(bytes.includes(SECRET), entry.name).toBe(false);
  }
  expect(await world.api.get('/vaults')).toHaveLength(1);
});
