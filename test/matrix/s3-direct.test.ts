import { writeFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Agent } from '../support/agent.ts';
import type { ApiDatabase, ApiJob, ApiSnapshot } from '../support/api-shapes.ts';
import { checksums } from '../support/checksums.ts';
import { type Homeport, startHomeport } from '../support/harness.ts';
import { type HttpFaults, s3Error, startHttpFaults } from '../support/http-faults.ts';
import { createNoise } from '../support/noise.ts';
import { outside } from '../support/ports.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { addServer, backUp, protect, restore } from '../support/protect.ts';
import { type S3Server, startS3Server } from '../support/s3.ts';
import { createShop } from '../support/shop.ts';

interface ApiVault {
  id: string;
  name: string;
  bucket: { direct: boolean } | null;
}

/** Packs between agents and bucket, at an address of this machine that is not its loopback. */
let s3: S3Server;
let faults: HttpFaults;
let postgres: TestPostgres;
let homeport: Homeport;
let agent: Agent;
let shop: ApiDatabase;
let failed = false;

beforeAll(async () => {
  [s3, postgres] = await Promise.all([startS3Server(), startPostgres()]);
  faults = await startHttpFaults(s3.port, outside());
  faults.verify = true;
  for (const name of ['direct', 'relayed', 'careless']) await s3.bucket(name);
  homeport = await startHomeport();
  agent = await homeport.agent('db-host');
  await createShop(postgres, 'shop', 20_000);
  const server = await addServer(homeport.api, agent, { name: 'main', server: postgres });
  shop = await protect(homeport.api, server.id, 'shop');
  await use(await addBucket('direct'));
}, 180_000);
beforeEach(() => void faults.seen.splice(0));
afterEach(({ task }) => {
  failed ||= task.result?.state === 'fail';
  faults.mend();
});
afterAll(async () => {
  await homeport?.stop({ keep: failed });
  await faults?.[Symbol.asyncDispose]();
  await Promise.all([s3?.stop(), postgres?.stop()]);
});

function addBucket(bucket: string, change: Record<string, unknown> = {}): Promise<ApiVault> {
  const endpoint = `http://${outside()}:${faults.port}`;
  const keys = { accessKeyId: 'AKIDTEST', secretAccessKey: 'secret' };
  const store = { kind: 's3', endpoint, bucket, pathStyle: true, ...keys, ...change };
  return homeport.api.post('/vaults', { name: bucket, store });
}

const use = ({ id }: ApiVault) => homeport.api.post(`/vaults/${id}/use`, {});
const touch = (word: string) =>
  postgres.query(`UPDATE orders SET note = '${word}' WHERE id % 50 = 0`, 'shop');
const packs = (method: string) =>
  faults.seen.filter((one) => one.method === method && one.path.includes('/packs/'));
const presigned = ({ path }: { path: string }) => path.includes('X-Amz-Signature=');
/** What the job wrote into its log. */
const logOf = async ({ id }: ApiJob) =>
  (await homeport.api.get<{ log: { text: string }[] }>(`/jobs/${id}`)).log.map(({ text }) => text).join('\n');

async function restored(snapshot: ApiSnapshot, targetDatabase: string): Promise<ApiJob> {
  const job = await restore(homeport.api, snapshot.id, { serverId: shop.serverId, plan: { targetDatabase } });
  expect(await checksums(postgres, targetDatabase)).toEqual(await checksums(postgres, 'shop'));
  return job;
}

test('a backup sends its packs to the bucket itself, signed with hash and condition', async () => {
  const { snapshot } = await backUp(homeport.api, shop.id);
  const sent = packs('PUT');
  expect(sent.length).toBeGreaterThan(0);
  expect(sent.every(presigned)).toBe(true);
  expect(sent.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(snapshot.storedBytes);
  for (const { path } of sent) {
    const signed = new URL(path, 'http://s3').searchParams.get('X-Amz-SignedHeaders')?.split(';');
    expect(signed).toEqual(expect.arrayContaining(['if-none-match', 'x-amz-checksum-sha256']));
  }
  // Of what it stored the control plane reads the trailers, and nothing else.
  expect(packs('GET').some(presigned)).toBe(false);
  expect(packs('GET').reduce((sum, { answered }) => sum + answered, 0)).toBeLessThan(10_000);
});

test('a restore fetches its packs from the bucket itself', async () => {
  const [snapshot] = await homeport.api.get<ApiSnapshot[]>(`/snapshots?databaseId=${shop.id}`);
  faults.seen.splice(0);
  await restored(snapshot!, 'copy');
  expect(packs('GET').length).toBeGreaterThan(0);
  expect(packs('GET').every(presigned)).toBe(true);
});

test.each([
  ['500', { answer: 500, body: s3Error('InternalError') }],
  ['503 SlowDown', { answer: 503, body: s3Error('SlowDown') }],
  ['429', { answer: 429, body: s3Error('TooManyRequests') }],
  ['an expired address', { answer: 403, body: s3Error('AccessDenied') }],
  ['200 with an error in its body', { answer: 200, body: s3Error('InternalError') }],
  ['a lost answer', { done: 500 }],
  ['a cut in the middle', { cutRequestAfter: 10_000 }],
] as const)('an upload outlives %s', async (name, fault) => {
  await touch(name);
  faults.next('PUT', fault, 2, presigned);
  const { job } = await backUp(homeport.api, shop.id);
  expect(packs('PUT').every(presigned)).toBe(true);
  expect(await logOf(job)).not.toContain('through the control plane');
});

test.each([
  ['500', { answer: 500, body: s3Error('InternalError') }],
  ['an expired address', { answer: 403, body: s3Error('AccessDenied') }],
  ['a cut in the middle', { cutAnswerAfter: 10_000 }],
] as const)('a fetch outlives %s', async (name, fault) => {
  const [snapshot] = await homeport.api.get<ApiSnapshot[]>(`/snapshots?databaseId=${shop.id}`);
  faults.seen.splice(0);
  faults.next('GET', fault, 2, presigned);
  const job = await restored(snapshot!, `after ${name}`);
  expect(packs('GET').every(presigned)).toBe(true);
  expect(await logOf(job)).not.toContain('through the control plane');
});

test('a bucket that an agent cannot use is used through the control plane, and the job says so', async () => {
  await touch('unreachable');
  faults.next('PUT', { answer: 403, body: s3Error('AccessDenied') }, 1_000_000, presigned);
  faults.next('GET', { answer: 403, body: s3Error('AccessDenied') }, 1_000_000, presigned);
  const { job, snapshot } = await backUp(homeport.api, shop.id);
  expect(await logOf(job)).toContain(
    'The store cannot be used from here: The store answered 403 AccessDenied.',
  );
  expect(packs('PUT').some((one) => !presigned(one))).toBe(true);
  await restored(snapshot, 'relayed');
});

test('bytes that changed on their way are refused by the bucket and sent again', async () => {
  await createNoise(postgres, 'noise', 3);
  const noise = await protect(homeport.api, shop.serverId, 'noise');
  faults.next('PUT', { flipBit: true }, 1, presigned);
  const { job } = await backUp(homeport.api, noise.id);
  expect(packs('PUT').filter(({ status }) => status === 400)).toHaveLength(1);
  expect(await logOf(job)).not.toContain('through the control plane');
});

test('a local policy keeps the agent from it', async () => {
  await touch('policy');
  const config = `${homeport.directory}/deny.toml`;
  await writeFile(config, '[policy]\ndirect = "deny"\n');
  const careful = await homeport.agent('careful', { env: { HOMEPORT_AGENT_CONFIG: config } });
  const server = await addServer(homeport.api, careful, { name: 'second', server: postgres });
  const again = await protect(homeport.api, server.id, 'shop');
  faults.seen.splice(0);
  await backUp(homeport.api, again.id);
  expect(packs('PUT').length).toBeGreaterThan(0);
  expect(packs('PUT').some(presigned)).toBe(false);
});

test('a bucket that is told not to, or that does not prove checksums, is not used directly', async () => {
  expect((await addBucket('relayed', { direct: false })).bucket?.direct).toBe(false);
  faults.verify = false;
  const careless = await addBucket('careless');
  expect(careless.bucket?.direct).toBe(false);
  faults.verify = true;
  await use(careless);
  faults.seen.splice(0);
  await backUp(homeport.api, shop.id);
  expect(packs('PUT').some(presigned)).toBe(false);
});
