import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Agent } from '../support/agent.ts';
import type { ApiDatabase, ApiJob, ApiSnapshot } from '../support/api-shapes.ts';
import { checksums } from '../support/checksums.ts';
import { cliUser } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { type Homeport, startHomeport } from '../support/harness.ts';
import { type HttpFaults, s3Error, startHttpFaults } from '../support/http-faults.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { addServer, backUp, protect, restore, succeeded } from '../support/protect.ts';
import { recoveryDesk } from '../support/recovery.ts';
import { type S3Server, startS3Server } from '../support/s3.ts';
import { changeShop, createShop } from '../support/shop.ts';
import { documented } from '../vault-format/documents.ts';

interface ApiVault {
  id: string;
  name: string;
  store: string;
  path: string;
  isDefault: boolean;
  snapshotCount: number;
}

/** One Homeport with a vault in a bucket, behind a relay that can fail; the tests are chapters of one story. */
let s3: S3Server;
let faults: HttpFaults;
let postgres: TestPostgres;
let homeport: Homeport;
let agent: Agent;
let database: ApiDatabase;
let failed = false;
const SECRET = 'canary-secret-of-the-bucket';

beforeAll(async () => {
  [s3, postgres] = await Promise.all([startS3Server(), startPostgres()]);
  faults = await startHttpFaults(s3.port);
  await s3.bucket('backups');
  homeport = await startHomeport({ controlPlane: { env: { HOMEPORT_LOCAL_ENDPOINTS: 'allow' } } });
  agent = await homeport.agent('db-host');
  await createShop(postgres, 'shop', 20_000);
  const server = await addServer(homeport.api, agent, { name: 'main', server: postgres });
  database = await protect(homeport.api, server.id, 'shop');
}, 180_000);
afterEach(({ task }) => {
  failed ||= task.result?.state === 'fail';
});
afterAll(async () => {
  await homeport?.stop({ keep: failed });
  await faults?.[Symbol.asyncDispose]();
  await Promise.all([s3?.stop(), postgres?.stop()]);
});

const vaults = () => homeport.api.get<ApiVault[]>('/vaults');
const inBucket = async () => (await vaults()).find(({ store }) => store === 's3') as ApiVault;
const touch = (word: string) =>
  postgres.query(`UPDATE orders SET note = '${word}' WHERE id % 50 = 0`, 'shop');
const keysOf = (folder: string) =>
  s3.keys('backups').then((keys) => keys.filter((key) => key.startsWith(`homeport/${folder}`)));

test('every command of docs/storage.md that makes and changes a vault in a bucket', async () => {
  const { api } = homeport;
  await backUp(api, database.id);
  await using user = await cliUser({ url: api.url, key: api.key });
  await writeFile(join(user.home, 'secret'), `${SECRET}\n`, { mode: 0o600 });
  const making = documented('docs/storage.md', 'A vault in a bucket');
  const changing = documented('docs/storage.md', 'A vault in a bucket', 1);
  for (const block of [making, changing]) {
    const script = block.replaceAll('https://minio.example.org:9000', `http://127.0.0.1:${faults.port}`);
    const answer = await user.shell(script, { ACCESS_KEY: 'AKIDTEST' });
    expect(answer, script).toMatchObject({ exitCode: 0 });
    expect(answer.stdout + answer.stderr).not.toContain(SECRET);
  }
  expect(await inBucket()).toMatchObject({ name: 'offsite', isDefault: true, snapshotCount: 0 });
  const kit = await readFile(join(user.home, 'offsite-kit.txt'), 'utf8');
  expect(kit).toContain(`The vault's files: s3://backups/homeport at 127.0.0.1:${faults.port}`);
  expect((await keysOf('')).sort()).toEqual(
    ['RECOVERY.md', 'recover.mjs', 'vault.json'].map((name) => `homeport/${name}`),
  );
});

test('backups go there, and the second one sends what changed', async () => {
  const { api } = homeport;
  const first = await backUp(api, database.id);
  await changeShop(postgres, 'shop');
  const second = await backUp(api, database.id);
  expect(first.snapshot.sequence).toBe(2);
  expect(second.snapshot.storedBytes).toBeLessThan(first.snapshot.storedBytes / 2);
  expect(await keysOf('packs/')).not.toHaveLength(0);
  expect(await keysOf('snapshots/')).toHaveLength(2);
  expect((await inBucket()).snapshotCount).toBe(2);
});

test('a restore and a download read from the bucket', async () => {
  const { api } = homeport;
  const [newest] = await api.get<ApiSnapshot[]>(`/snapshots?databaseId=${database.id}`);
  const { serverId } = database;
  await restore(api, newest!.id, { serverId, plan: { targetDatabase: 'shop_copy' } });
  expect(await checksums(postgres, 'shop_copy')).toEqual(await checksums(postgres, 'shop'));
  const download = await api.fetch(`/snapshots/${newest!.id}/download`);
  const dump = Buffer.from(await download.arrayBuffer());
  expect(dump.subarray(0, 5).toString()).toBe('PGDMP');
  expect(dump.length).toBe(Number(download.headers.get('content-length')));
});

test('a backup and a restore outlive a bucket that fails in every way', async () => {
  const { api } = homeport;
  await touch('one');
  faults.next('PUT', { answer: 503, body: s3Error('SlowDown') }, 2);
  faults.next('PUT', { answer: 200, body: s3Error('InternalError') });
  faults.next('PUT', { cutRequestAfter: 1 });
  faults.next('PUT', { done: 500, body: s3Error('InternalError') });
  const { snapshot } = await backUp(api, database.id);
  faults.next('GET', { cutAnswerAfter: 20_000 }, 3);
  faults.next('GET', { answer: 500, body: s3Error('InternalError') });
  const plan = { targetDatabase: 'shop_after_faults' };
  await restore(api, snapshot.id, { serverId: database.serverId, plan });
  expect(await checksums(postgres, 'shop_after_faults')).toEqual(await checksums(postgres, 'shop'));
});

test('a key that is refused stops nothing for good: the backup goes on once it is put right', async () => {
  const { api } = homeport;
  await touch('two');
  faults.next('PUT', { answer: 403, body: s3Error('AccessDenied') }, 1_000_000);
  const job = await api.post<ApiJob>(`/databases/${database.id}/backup`);
  const seen = faults.seen.length;
  await eventually('the agent has tried', () => faults.seen.length > seen && true);
  faults.mend();
  await succeeded(api, job);
});

test('neither the secret key nor the access key is told, logged or left readable on disk', async () => {
  const { api, directory } = homeport;
  const told = JSON.stringify([await vaults(), await api.get('/audit?limit=500')]);
  expect(told).toContain('vault.create');
  for (const text of [SECRET, 'AKIDTEST']) expect(told).not.toContain(text);
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    expect((await readFile(path)).includes(SECRET), path).toBe(false);
  }
});

test('without its database the control plane comes back from the bucket', async () => {
  const { api, controlPlane } = homeport;
  const before = await api.get<ApiSnapshot[]>(`/snapshots?databaseId=${database.id}`);
  await controlPlane.stop();
  for (const suffix of ['', '-wal', '-shm'])
    await rm(join(controlPlane.data, `homeport.sqlite${suffix}`), { force: true });
  const said = await controlPlane.cli('vault', 'rebuild');
  expect(said).toMatch(/Vault “offsite” .*the index has 4 snapshots/);
  await controlPlane.start();
  const again = await controlPlane.createApi('again');
  const after = await again.get<ApiSnapshot[]>(`/snapshots?databaseId=${database.id}`);
  expect(after.map(({ id }) => id).sort()).toEqual(before.map(({ id }) => id).sort());
  const known = await again.get<ApiVault[]>('/vaults');
  expect(known.find(({ isDefault }) => isDefault)?.name).toBe('offsite');
  homeport = { ...homeport, api: again };
  await eventually('the agent is back', async () => {
    return (await again.get<{ state: string }[]>('/agents')).some(({ state }) => state === 'online');
  });
  await backUp(again, database.id);
});

test('a control plane starts while the bucket is away, and does not touch the index of it', async () => {
  const { api, controlPlane } = homeport;
  await controlPlane.stop();
  for (const method of ['GET', 'HEAD', 'PUT'])
    faults.next(method, { answer: 503, body: s3Error('ServiceUnavailable') }, 1_000_000);
  await expect(controlPlane.cli('vault', 'rebuild')).rejects.toThrow('answers “503”');
  await controlPlane.start();
  expect((await inBucket()).snapshotCount).toBe(5);
  const job = await api.post<ApiJob>(`/databases/${database.id}/backup`);
  faults.mend();
  await succeeded(api, job);
  expect((await inBucket()).snapshotCount).toBe(6);
});

test('with the bucket’s files and the kit alone a snapshot comes back without Homeport', async () => {
  const { api } = homeport;
  const { id } = await inBucket();
  const url = `${api.url}/api/v1/vaults/${id}/recovery-kit`;
  const headers = { authorization: `Bearer ${api.key}` };
  const kit = await (await fetch(url, { method: 'POST', headers })).text();
  const [newest] = await api.get<ApiSnapshot[]>(`/snapshots?databaseId=${database.id}`);
  const download = await api.fetch(`/snapshots/${newest!.id}/download`);
  const dump = Buffer.from(await download.arrayBuffer());
  await using user = await cliUser();
  const service = ['type = s3', 'provider = Minio', `endpoint = http://127.0.0.1:${s3.port}`];
  const login = ['access_key_id = AKIDTEST', `secret_access_key = ${SECRET}`, ''];
  const config = join(user.home, 'rclone.conf');
  await writeFile(config, ['[minio]', ...service, ...login].join('\n'));
  const fetching = documented('docs/storage.md', 'Getting the files back without Homeport', 1);
  const fetched = await user.shell(fetching, { RCLONE_CONFIG: config });
  expect(fetched, fetched.stderr).toMatchObject({ exitCode: 0 });
  await using desk = await recoveryDesk(join(user.home, 'vault-files'), kit);
  const got = await desk.recover('--kit', 'kit.txt', 'get', newest!.id, '--out', 'shop.dump');
  expect(got, got.stderr).toMatchObject({ code: 0 });
  expect(dump.equals(await readFile(join(desk.path, 'shop.dump')))).toBe(true);
});
