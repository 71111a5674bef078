import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { readFile, truncate, unlink, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { openSnapshot } from '../../../agent/pipeline/restore.ts';
import { generateEd25519 } from '../../../protocol/keys.ts';
import { failureOf } from '../../contract/store.ts';
import { allSnapshots } from '../../support/all-snapshots.ts';
import { CATALOG, type Fleet } from './fleet.ts';
import { type World, world } from './world.ts';

const signal = new AbortController().signal;
const attemptOf = (job: { id: string; attempt: number }) => ({ jobId: job.id, attempt: job.attempt });
const downloaded = async (w: World, id: string) =>
  Buffer.concat(await Array.fromAsync((await w.vaults.service.download(id)).body));

test('a backup becomes a snapshot that downloads, restores and shows its catalog', async () => {
  await using w = await world();
  const fleet = await w.enrol();
  const dump = randomBytes(3_000_000);
  const { snapshotId } = await w.backUp(fleet, dump);
  const snapshot = w.vaults.service.snapshot(snapshotId);
  expect(snapshot).toMatchObject({ sequence: 1, rawBytes: dump.length, engine: 'postgresql' });
  expect(snapshot?.storedBytes).toBe(w.vaults.service.vaults()[0]?.storedBytes);
  expect(snapshot?.storedBytes).toBeGreaterThan(dump.length);
  expect(w.committed).toEqual([snapshotId]);
  expect(dump.equals(await downloaded(w, snapshotId))).toBe(true);
  expect(await w.vaults.service.catalogOf(snapshotId)).toMatchObject(CATALOG);
  expect(await w.vaults.service.requirementsOf(snapshotId)).toEqual({
    serverVersion: '15.9',
    requirements: CATALOG.requirements,
    objectCounts: CATALOG.objectCounts,
  });

  const restore = w.job(fleet, { kind: 'restore', snapshotId, sequence: null });
  const client = w.client(fleet);
  const statement = JSON.parse(JSON.parse(w.vaults.service.statementOf(w.vaultId)).statement);
  const opened = await openSnapshot({
    source: await client.source(attemptOf(restore), signal),
    signingKey: statement.signingKey,
    sealingIdentity: fleet.sealingIdentity,
    expected: { snapshotId, vaultId: w.vaultId },
    vault: client,
    signal,
    onProgress: () => {},
  });
  expect(dump.equals(Buffer.concat(await Array.fromAsync(opened.open('dump'))))).toBe(true);
});

test('a second backup stores only what changed, and each stays whole', async () => {
  await using w = await world();
  const fleet = await w.enrol();
  const first = randomBytes(6_000_000);
  const second = Buffer.concat([first.subarray(0, 5_000_000), randomBytes(1_000_000)]);
  const one = await w.backUp(fleet, first);
  const two = await w.backUp(fleet, second);
  const three = await w.backUp(fleet, second);
  const stored = [one, two, three].map((job) => w.vaults.service.snapshot(job.snapshotId)?.storedBytes ?? -1);
  expect(stored[1]).toBeLessThan(2_500_000);
  expect(stored[2]).toBe(0);
  expect(stored.reduce((a, b) => a + b)).toBe(w.vaults.service.vaults()[0]?.storedBytes);
  expect(allSnapshots(w.vaults.service).map(({ sequence }) => sequence)).toEqual([3, 2, 1]);
  const latest = w.vaults.service.latestSnapshots([fleet.databaseId]);
  expect(latest.map(({ id }) => id)).toEqual([three.snapshotId]);
  expect(first.equals(await downloaded(w, one.snapshotId))).toBe(true);
  expect(second.equals(await downloaded(w, three.snapshotId))).toBe(true);
});

test('commits and uploads may be repeated, also at the same time', async () => {
  await using w = await world();
  const fleet = await w.enrol();
  const client = w.client(fleet);
  const job = w.job(fleet);
  const upload = await w.upload(fleet, randomBytes(500_000));
  const manifest = await w.manifest(fleet, job, upload);
  await Promise.all([1, 2, 3].map(() => client.commit(attemptOf(job), manifest, signal)));
  const [pack] = await w.files('packs');
  const bytes = await readFile(pack!);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  await Promise.all([1, 2].map(() => client.putPack(sha256, [bytes], signal)));
  await w.putKey(fleet, fleet.idKey, 'id');
  expect(await w.files('snapshots')).toHaveLength(1);
  expect(allSnapshots(w.vaults.service)).toHaveLength(1);
  expect(await w.files('packs')).toHaveLength(1);
});

test('a job whose first attempt committed unnoticed keeps that snapshot', async () => {
  await using w = await world();
  const fleet = await w.enrol();
  const job = await w.backUp(fleet, randomBytes(100_000));
  const again = { ...job, attempt: 2 };
  w.running.set(job.id, again);
  const manifest = await w.manifest(fleet, again, await w.upload(fleet, randomBytes(100_000)));
  await w.client(fleet).commit(attemptOf(again), manifest, signal);
  expect(await w.files('snapshots')).toHaveLength(1);
  expect(allSnapshots(w.vaults.service)).toHaveLength(1);
});

test('the manifest of a fenced attempt, or of another job’s agent, is refused', async () => {
  await using w = await world();
  const fleet = await w.enrol();
  const other = await w.enrol();
  const job = w.job(fleet);
  const manifest = await w.manifest(fleet, job, await w.upload(fleet, randomBytes(100_000)));
  w.running.set(job.id, { ...job, attempt: 2 });
  expect((await failureOf(w.client(fleet).commit(attemptOf(job), manifest, signal))).code).toBe('lease_lost');
  w.running.set(job.id, job);
  expect((await failureOf(w.client(other).commit(attemptOf(job), manifest, signal))).code).toBe('not_found');
  w.running.delete(job.id);
  expect((await failureOf(w.client(fleet).commit(attemptOf(job), manifest, signal))).code).toBe('lease_lost');
  expect(allSnapshots(w.vaults.service)).toEqual([]);
});

test.each([
  ['sequence', { sequence: 7 }],
  ['snapshot', { snapshotId: randomUUID() }],
  ['database', { database: { id: randomUUID(), name: 'Shop' } }],
  ['database name', { database: { id: '', name: 'Other' } }],
  ['job', { job: { id: randomUUID(), attempt: 1 } }],
  ['vault', { vaultId: randomUUID() }],
])('a manifest with another %s than the job is refused', async (what, change) => {
  await using w = await world();
  const fleet = await w.enrol();
  const job = w.job(fleet);
  if ('database' in change && change.database?.id === '') change.database.id = fleet.databaseId;
  const upload = await w.upload(fleet, randomBytes(10_000));
  const manifest = await w.manifest(fleet, job, { ...upload, change });
  const failure = await failureOf(w.client(fleet).commit(attemptOf(job), manifest, signal));
  expect(failure).toMatchObject({ code: 'manifest_invalid' });
  expect(failure.message).toContain(what);
});

test('a manifest that another key signed is refused', async () => {
  await using w = await world();
  const fleet = await w.enrol();
  const job = w.job(fleet);
  const upload = await w.upload(fleet, randomBytes(10_000));
  const manifest = await w.manifest({ ...fleet, key: generateEd25519().key }, job, upload);
  const failure = await failureOf(w.client(fleet).commit(attemptOf(job), manifest, signal));
  expect(failure.code).toBe('signature_invalid');
});

test('a manifest that names a chunk or key the vault lacks is refused, and counts them', async () => {
  await using w = await world();
  const fleet = await w.enrol();
  const job = w.job(fleet);
  const { content, dataKey } = await w.upload(fleet, randomBytes(10_000));
  const chunks: [string, number][] = [...content.streams[0]!.chunks, ['ab'.repeat(32), 5]];
  const streams = [{ ...content.streams[0]!, chunks, length: content.streams[0]!.length + 5 }];
  const commit = async (changed: typeof content) => {
    const manifest = await w.manifest(fleet, job, { content: changed, dataKey });
    return failureOf(w.client(fleet).commit(attemptOf(job), manifest, signal));
  };
  const lacking = await commit({ ...content, streams });
  expect(lacking).toMatchObject({ code: 'chunks_missing', retryable: true });
  expect(lacking.message).toContain('1 of 2 chunks');
  const unknownKey = { id: 'cd'.repeat(16), hash: 'ef'.repeat(32) };
  const keyless = await commit({ ...content, dataKeys: [...content.dataKeys, unknownKey] });
  expect(keyless).toMatchObject({ code: 'chunks_missing' });
  const wrongHash = content.dataKeys.map(({ id }) => ({ id, hash: 'ef'.repeat(32) }));
  expect(await commit({ ...content, dataKeys: wrongHash })).toMatchObject({ code: 'manifest_invalid' });
});

test('an agent reads the packs of its running restore, and no others', async () => {
  await using w = await world();
  const fleet = await w.enrol();
  const other = await w.enrol();
  const mine = await w.backUp(fleet, randomBytes(50_000));
  await w.backUp(other, randomBytes(50_000));
  const names = (await w.files('packs')).map((path) => path.split('/').at(-1)!);
  const range = { offset: 0, length: 8 };
  const read = (who: Fleet) =>
    Promise.allSettled(names.map((name) => w.client(who).getPack(name, range, signal)));
  const readable = async (who: Fleet) =>
    (await read(who)).filter(({ status }) => status === 'fulfilled').length;
  expect(await readable(fleet)).toBe(0);
  w.job(fleet, { kind: 'restore', snapshotId: mine.snapshotId, sequence: null });
  expect(await readable(fleet)).toBe(1);
  expect(await readable(other)).toBe(0);
  const backup = w.job(fleet);
  expect((await failureOf(w.client(fleet).source(attemptOf(backup), signal))).code).toBe('forbidden');
});

test('a pack changed on disk breaks the download off', async () => {
  await using w = await world();
  const fleet = await w.enrol();
  const { snapshotId } = await w.backUp(fleet, randomBytes(2_000_000));
  const [pack] = await w.files('packs');
  const bytes = await readFile(pack!);
  bytes[1_500_000]! ^= 1;
  await writeFile(pack!, bytes);
  expect((await failureOf(downloaded(w, snapshotId))).code).toBe('pack_corrupt');
  await truncate(pack!, 1_000_000);
  expect((await failureOf(downloaded(w, snapshotId))).code).toBe('pack_corrupt');
});

test('a dump whose hash is not the sealed one breaks off at its end', async () => {
  await using w = await world();
  const fleet = await w.enrol();
  const job = w.job(fleet);
  const { content, dataKey } = await w.upload(fleet, randomBytes(1_000_000));
  const wrong = { ...content, streamHashes: { dump: 'ab'.repeat(32) } };
  const manifest = await w.manifest(fleet, job, { content: wrong, dataKey });
  await w.client(fleet).commit(attemptOf(job), manifest, signal);
  const { body: stream } = await w.vaults.service.download(job.snapshotId);
  let received = 0;
  const reading = (async () => {
    for await (const part of stream) received += part.length;
  })();
  expect((await failureOf(reading)).code).toBe('manifest_invalid');
  expect(received, 'the last part stays back').toBeLessThan(1_000_000);
});

test('a download that nobody wants any more stops reading', async () => {
  await using w = await world();
  const fleet = await w.enrol();
  const { snapshotId } = await w.backUp(fleet, randomBytes(3_000_000));
  const reader = (await w.vaults.service.download(snapshotId)).body.getReader();
  expect((await reader.read()).done).toBe(false);
  await reader.cancel();
  expect((await reader.read()).done).toBe(true);
});

test('what is not there says so', async () => {
  await using w = await world();
  const fleet = await w.enrol();
  const { service } = w.vaults;
  expect(service.snapshot(randomUUID())).toBeUndefined();
  expect((await failureOf(service.download(randomUUID()))).code).toBe('not_found');
  const job = await w.backUp(fleet, randomBytes(1000));
  await unlink((await w.files('packs'))[0]!);
  expect(
    (await failureOf(service.download(job.snapshotId).then(({ body }) => Array.fromAsync(body)))).code,
  ).toBe('not_found');
});
