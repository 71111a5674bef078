import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { S3Options } from '../../control-plane/vault/stores/s3-options.ts';
import type { VaultRecord } from '../../control-plane/vault/vault-record.ts';
import { failureOf } from '../contract/store.ts';
import { World, world } from '../control-plane/vault/world.ts';
import { eventually } from '../support/eventually.ts';
import { type HttpFaults, s3Error, startHttpFaults } from '../support/http-faults.ts';
import { recoveryDesk } from '../support/recovery.ts';
import { anywhere, type S3Server, startS3Server } from '../support/s3.ts';

/** A vault on disk with its second copy in a bucket, and the way from the one to the other. */
let s3: S3Server;
let faults: HttpFaults;
let number = 0;

class Bucketed extends World {
  override options() {
    return { ...super.options(), outgoing: anywhere };
  }
}
let w: Bucketed;
let bucket: S3Options;

beforeAll(async () => {
  s3 = await startS3Server();
  faults = await startHttpFaults(s3.port);
}, 120_000);
beforeEach(async () => {
  faults.verify = true;
  const plain = await world();
  plain.stop();
  w = new Bucketed(plain.dataDir);
  await w.start();
  number += 1;
  bucket = await s3.bucket(`replica-${number}`, {
    endpoint: `http://127.0.0.1:${faults.port}`,
    direct: true,
  });
});
afterEach(async () => {
  faults.mend();
  await w[Symbol.asyncDispose]();
});
afterAll(async () => {
  await faults?.[Symbol.asyncDispose]();
  await s3?.stop();
});

const record = () => w.vaults.service.vaults()[0] as VaultRecord;
const keysOf = (folder: string) =>
  s3.keys(bucket.bucket).then((keys) => keys.filter((key) => key.startsWith(folder)));
const downloaded = async (id: string) =>
  Buffer.concat(await Array.fromAsync((await w.vaults.service.download(id)).body));
const moved = (store: 'local' | 's3') =>
  eventually('the vault has moved', () => record().store === store && record().replica?.state === 'current');
const current = () =>
  eventually('the replica is current', () => {
    const { replica, snapshotCount } = record();
    const whole = replica?.snapshotCount === snapshotCount && replica.pending.packs === 0;
    return replica?.state === 'current' && whole;
  });

/** The files of the bucket, in a directory. */
async function fetched(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'homeport-bucket-'));
  for (const Key of await keysOf('')) {
    await mkdir(dirname(join(folder, Key)), { recursive: true });
    const { Body } = await s3.client.send(new GetObjectCommand({ Bucket: bucket.bucket, Key }));
    await writeFile(join(folder, Key), (await Body?.transformToByteArray()) ?? '');
  }
  return folder;
}

test('a vault on disk is copied to a bucket that fails in every way, and comes back from it by recover.mjs', async () => {
  const fleet = await w.enrol();
  const dump = randomBytes(2_000_000);
  const job = await w.backUp(fleet, dump);
  await w.vaults.service.setReplica(w.vaultId, bucket);
  await current();
  faults.next('PUT', { answer: 503, body: s3Error('SlowDown') }, 2);
  faults.next('PUT', { cutRequestAfter: 1 });
  faults.next('PUT', { done: 500, body: s3Error('InternalError') });
  faults.next('PUT', { flipBit: true });
  await w.backUp(fleet, randomBytes(2_000_000));
  await eventually('the bucket has both snapshots', () => record().replica?.snapshotCount === 2);
  expect(await keysOf('snapshots/')).toHaveLength(2);
  const { text } = w.vaults.service.recoveryKit(w.vaultId, 'https://cp.example.org');
  const folder = await fetched();
  await using desk = await recoveryDesk(folder, text);
  await rm(folder, { recursive: true });
  const got = await desk.recover('--kit', 'kit.txt', 'get', job.snapshotId, '--out', 'shop.dump');
  expect(got, got.stderr).toMatchObject({ code: 0 });
  expect(dump.equals(await readFile(join(desk.path, 'shop.dump')))).toBe(true);
}, 180_000);

test('a bucket that refuses is named with its remedy, and nothing of a snapshot counts until all is there', async () => {
  const fleet = await w.enrol();
  await w.vaults.service.setReplica(w.vaultId, bucket);
  await current();
  faults.next('PUT', { answer: 403, body: s3Error('AccessDenied') }, 1_000_000);
  const job = await w.backUp(fleet, randomBytes(1_000_000));
  const failure = await eventually('it is named', () => record().replica?.failure ?? undefined);
  expect(failure).toMatchObject({ code: 'store_unavailable' });
  expect(failure.hint).toContain('s3:PutObject');
  expect(w.vaults.service.snapshot(job.snapshotId)?.copied).toBe(false);
  expect(await keysOf('snapshots/')).toEqual([]);
  faults.mend();
  await w.vaults.service.setReplica(w.vaultId, bucket); // what somebody does who has put the key right
  await current();
  expect(w.vaults.service.snapshot(job.snapshotId)?.copied).toBe(true);
}, 180_000);

test('a vault moves to a bucket and back; packs that the bucket lost come from disk, also for agents', async () => {
  const fleet = await w.enrol();
  const dump = randomBytes(2_000_000);
  const job = await w.backUp(fleet, dump);
  await w.vaults.service.setReplica(w.vaultId, bucket);
  await w.vaults.service.moveVault(w.vaultId, { leaveBehind: false });
  await moved('s3');
  expect(w.vaults.service.isDirect(w.vaultId)).toBe(true);
  const packs = await keysOf('packs/');
  for (const Key of packs) await s3.client.send(new DeleteObjectCommand({ Bucket: bucket.bucket, Key }));
  const restoring = w.job(fleet, { kind: 'restore', snapshotId: job.snapshotId });
  const at = { agentId: fleet.agentId, vaultId: w.vaultId };
  const source = await w.vaults.agents.source(fleet.agentId, { jobId: restoring.id, attempt: 1 });
  const way = await w.vaults.agents.downloadWay(at, source.packs[0]!);
  if (way.way !== 'direct') throw new Error(`the way is ${way.way}`);
  const bytes = Buffer.from(await (await fetch(way.url)).arrayBuffer());
  expect(createHash('sha256').update(bytes).digest('hex')).toBe(source.packs[0]);
  expect(dump.equals(await downloaded(job.snapshotId))).toBe(true);
  expect((await keysOf('packs/')).sort()).toEqual(packs.sort());
  await w.vaults.service.moveVault(w.vaultId, { leaveBehind: false });
  await moved('local');
  expect(dump.equals(await downloaded(job.snapshotId))).toBe(true);
}, 180_000);

test('a pack sent to the bucket by an address from before a move counts, and is where the vault is', async () => {
  const fleet = await w.enrol();
  await w.backUp(fleet, randomBytes(1000));
  await w.vaults.service.setReplica(w.vaultId, bucket);
  await w.vaults.service.moveVault(w.vaultId, { leaveBehind: false });
  await moved('s3');
  const at = { agentId: fleet.agentId, vaultId: w.vaultId };
  const { agents, service } = w.vaults;
  const client = w.client(fleet);
  const job = w.job(fleet);
  const dump = randomBytes(100_000);
  const upload = await w.upload(fleet, dump, {
    ...client,
    async putPack(sha256, parts) {
      const body = Buffer.concat(parts);
      const way = await agents.uploadWay(at, { sha256, bytes: body.length });
      if (way.way !== 'direct') throw new Error(`the way is ${way.way}`);
      await service.moveVault(w.vaultId, { leaveBehind: false });
      await moved('local');
      expect((await fetch(way.url, { method: 'PUT', headers: way.headers, body })).status).toBe(200);
      await agents.uploaded(at, sha256);
    },
  });
  const manifest = await w.manifest(fleet, job, upload);
  await client.commit({ jobId: job.id, attempt: 1 }, manifest, new AbortController().signal);
  await service.forgetReplica(w.vaultId);
  expect(dump.equals(await downloaded(job.snapshotId))).toBe(true);
}, 180_000);

test('the vault’s own bucket is no replica of it, nor is another vault’s, under whatever address', async () => {
  const made = await w.vaults.service.addVault({ name: 'offsite', store: bucket });
  const elsewhere = { ...bucket, endpoint: `http://127.0.0.1:${s3.port}` };
  for (const store of [bucket, elsewhere])
    for (const id of [made.id, w.vaultId])
      expect((await failureOf(w.vaults.service.setReplica(id, store))).code).toBe('conflict');
  const left = await keysOf('');
  expect(left.filter((key) => key.includes('test'))).toEqual([]);
}, 180_000);

test('a check reads what the bucket has, and puts it right', async () => {
  const fleet = await w.enrol();
  await w.backUp(fleet, randomBytes(1_000_000));
  await w.vaults.service.setReplica(w.vaultId, bucket);
  await current();
  const [Key] = await keysOf('packs/');
  await s3.client.send(new PutObjectCommand({ Bucket: bucket.bucket, Key: Key!, Body: randomBytes(1000) }));
  w.vaults.service.checkVault(w.vaultId);
  const check = await eventually('the check has ended', () => {
    const { check } = record();
    return check?.finishedAt ? check : undefined;
  });
  expect(check).toMatchObject({ failure: null, healed: 0, recopied: 1, lost: 0 });
  const { Body } = await s3.client.send(new GetObjectCommand({ Bucket: bucket.bucket, Key: Key! }));
  const bytes = (await Body?.transformToByteArray()) ?? Buffer.alloc(0);
  expect(Key).toContain(createHash('sha256').update(bytes).digest('hex'));
}, 180_000);
