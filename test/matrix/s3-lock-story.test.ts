import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DeleteObjectCommand, HeadObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { ApiDatabase, ApiJob, ApiSnapshot } from '../support/api-shapes.ts';
import { checksums } from '../support/checksums.ts';
import { type CliAnswer, type CliUser, cliUser } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { type Homeport, startHomeport } from '../support/harness.ts';
import { type HttpFaults, startHttpFaults } from '../support/http-faults.ts';
import { outside } from '../support/ports.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { addServer, backUp, protect, restore, succeeded } from '../support/protect.ts';
import { type S3Server, startS3Server } from '../support/s3.ts';
import { changeShop, createShop } from '../support/shop.ts';
import { documented } from '../vault-format/documents.ts';

/** A database in a bucket with Object Lock: somebody who may do anything deletes all of it, and it comes back. */
const DAY = 24 * 60 * 60_000;
const BUCKET = 'backups-locked';
const KEYS = {
  AWS_ACCESS_KEY_ID: 'AKIDTEST',
  AWS_SECRET_ACCESS_KEY: 'secret',
  AWS_DEFAULT_REGION: 'us-east-1',
};
let s3: S3Server;
let faults: HttpFaults;
let postgres: TestPostgres;
let homeport: Homeport;
let shop: ApiDatabase;
let user: CliUser;
let first: ApiSnapshot;
let before: unknown;
let failed = false;

beforeAll(async () => {
  [s3, postgres] = await Promise.all([startS3Server(), startPostgres()]);
  faults = await startHttpFaults(s3.port, outside());
  faults.verify = true;
  await s3.lockable(BUCKET);
  homeport = await startHomeport();
  user = await cliUser({ url: homeport.api.url, key: homeport.api.key });
  await writeFile(join(user.home, 'secret'), 'secret\n', { mode: 0o600 });
  const agent = await homeport.agent('db-host');
  await createShop(postgres, 'shop', 20_000);
  const server = await addServer(homeport.api, agent, { name: 'main', server: postgres });
  shop = await protect(homeport.api, server.id, 'shop');
}, 180_000);
afterEach(({ task }) => {
  failed ||= task.result?.state === 'fail';
});
afterAll(async () => {
  await user?.[Symbol.asyncDispose]();
  await homeport?.stop({ keep: failed });
  await faults?.[Symbol.asyncDispose]();
  await Promise.all([s3?.stop(), postgres?.stop()]);
});

/** Runs commands of docs/storage.md, with the address of this test's server. */
async function run(block: string): Promise<CliAnswer> {
  const endpoint = `http://${outside()}:${faults.port}`;
  const script = block.replaceAll('https://minio.example.org:9000', endpoint);
  const answer = await user.shell(script, { ACCESS_KEY: 'AKIDTEST', ...KEYS });
  expect(answer, `${script}\n${answer.stderr}`).toMatchObject({ exitCode: 0 });
  return answer;
}

/** Until when each file of the bucket is locked, by its key. */
async function locks(folder = ''): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  for (const Key of await s3.keys(BUCKET)) {
    if (!Key.startsWith(`homeport/${folder}`)) continue;
    const head = await s3.client.send(new HeadObjectCommand({ Bucket: BUCKET, Key }));
    expect(head.ObjectLockMode, Key).toBe('COMPLIANCE');
    found.set(Key, head.ObjectLockRetainUntilDate?.getTime() ?? 0);
  }
  return found;
}

test('the documented commands make the vault, and say how it is locked', async () => {
  const { stdout } = await run(documented('docs/storage.md', 'A bucket that locks'));
  expect(stdout).toContain('locked for 30 days (compliance)');
  expect(stdout).toMatch(/LOCKED .*ID/);
  expect(stdout).toContain('30 days, compliance');
  const audit = JSON.stringify(await homeport.api.get('/audit?limit=50'));
  expect(audit).toContain('30 days, compliance');
});

test('what agents send to the bucket is locked as it arrives, and the snapshot says until when', async () => {
  const begun = Date.now();
  ({ snapshot: first } = await backUp(homeport.api, shop.id));
  before = await checksums(postgres, 'shop');
  const sent = faults.seen.filter(({ method, path }) => method === 'PUT' && path.includes('/packs/'));
  expect(sent.some(({ path }) => path.includes('X-Amz-Signature=') && !path.includes('homeport-test-'))).toBe(
    true,
  );
  for (const [key, until] of await locks()) expect(until, key).toBeGreaterThanOrEqual(begun + 30 * DAY);
  const manifests = [...(await locks('snapshots/')).values()];
  expect(manifests).toEqual([Date.parse(first.lockedUntil ?? '')]);
  const said = await user.run(['snapshot', first.id]);
  expect(said.stdout).toMatch(/Locked until: +20\d\d-/);
});

test('with more days asked for, the second backup extends what it shares with the first', async () => {
  const packs = await locks('packs/');
  const change = ['change-bucket', 'locked', '--access-key', 'AKIDTEST', '--secret-file', 'secret'];
  const said = await user.run([...change, '--lock-days', '60']);
  expect(said).toMatchObject({ exitCode: 0 });
  expect(said.stdout).toContain('locked for 60 days (compliance)');
  await changeShop(postgres, 'shop');
  const { snapshot } = await backUp(homeport.api, shop.id);
  expect(snapshot.storedBytes).toBeLessThan(first.storedBytes);
  const after = await locks('packs/');
  const extended = [...packs].filter(([key, until]) => (after.get(key) ?? 0) > until + 29 * DAY);
  expect(extended.length).toBeGreaterThan(0);
  expect(Date.parse(snapshot.lockedUntil ?? '')).toBeGreaterThan(Date.now() + 59 * DAY);
});

test('nobody deletes a version, and everything comes back from under the delete markers', async () => {
  const kept = (await s3.versions(BUCKET)).filter(({ key }) => !key.includes('homeport-test-'));
  for (const { key, versionId } of kept) {
    const which = { Bucket: BUCKET, Key: key, VersionId: versionId, BypassGovernanceRetention: true };
    await expect(s3.client.send(new DeleteObjectCommand(which)), key).rejects.toThrow('Access Denied');
  }
  const names = (await s3.keys(BUCKET)).sort();
  await s3.deleteAll(BUCKET);
  expect(await s3.keys(BUCKET)).toEqual([]);
  await homeport.controlPlane.stop();
  await homeport.controlPlane.start();
  const [vault] = await homeport.api
    .get<{ name: string; unreachable: unknown }[]>('/vaults')
    .then((all) => all.filter(({ name }) => name === 'locked'));
  expect(vault?.unreachable).not.toBeNull();
  // A backup waits for the files, and goes on when they are back.
  const job = await homeport.api.post<ApiJob>(`/databases/${shop.id}/backup`);
  await eventually('the job waits', async () => {
    const { log } = await homeport.api.get<{ log: { text: string }[] }>(`/jobs/${job.id}`);
    return log.some(({ text }) => text.includes('vault.json')) || undefined;
  });
  await run(documented('docs/storage.md', 'Bringing back what was deleted'));
  expect((await s3.keys(BUCKET)).filter((key) => !key.includes('homeport-test-')).sort()).toEqual(names);
  await succeeded(homeport.api, job);
}, 240_000);

test('the first snapshot is restored from what was deleted', async () => {
  const plan = { targetDatabase: 'shop_before' };
  await restore(homeport.api, first.id, { serverId: shop.serverId, plan });
  expect(await checksums(postgres, 'shop_before')).toEqual(before);
});
