import { randomBytes } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { openVaultService } from '../../../control-plane/vault/open.ts';
import type { Damage } from '../../../control-plane/vault/replicas/damage.ts';
import { failureOf } from '../../contract/store.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { waited } from './collecting.ts';
import type { Fleet } from './fleet.ts';
import { type World, world } from './world.ts';

const MIB = 1024 * 1024;
const DAY = 86_400_000;

async function backUp(w: World, fleet: Fleet, dump: Buffer): Promise<string> {
  const job = await w.backUp(fleet, dump);
  w.end(job);
  return job.snapshotId;
}

async function check(w: World) {
  const { service } = w.vaults;
  service.checkVault(w.vaultId);
  const last = () => service.vaults().find(({ id }) => id === w.vaultId)?.check;
  await waited(() => expect(last()?.finishedAt).not.toBeNull());
  expect(last()?.failure).toBeNull();
  return last();
}

const damaged = (w: World, id: string) => w.vaults.service.snapshot(id)?.damagedAt !== null;

async function flip(path: string): Promise<Buffer> {
  const bytes = await readFile(path);
  const wrong = Buffer.from(bytes);
  wrong[1000] = (wrong[1000] ?? 0) ^ 1;
  await writeFile(path, wrong);
  return bytes;
}

test('one bit that turned over marks what needs it, and the next backup is whole again', async () => {
  await using w = await world();
  const fleet = await w.enrol();
  const dump = randomBytes(MIB);
  const first = await backUp(w, fleet, dump);
  const [path] = await w.files('packs');
  const other = await backUp(w, fleet, randomBytes(MIB));
  const whole = await flip(String(path));
  expect(await check(w)).toMatchObject({ lost: 1 });
  expect([damaged(w, first), damaged(w, other)]).toEqual([true, false]);
  expect((await failureOf(w.vaults.service.download(first))).code).toBe('chunks_missing');

  const again = await backUp(w, fleet, dump);
  await check(w);
  expect([damaged(w, first), damaged(w, again)]).toEqual([true, false]);
  const { body } = await w.vaults.service.download(again);
  const bytes = Buffer.concat(await Array.fromAsync(body as unknown as AsyncIterable<Uint8Array>));
  expect(bytes.equals(dump)).toBe(true);

  await writeFile(String(path), whole);
  expect(await check(w)).toMatchObject({ lost: 0 });
  expect(damaged(w, first)).toBe(false);
});

test('what repaired damage stays when space is freed', async () => {
  await using w = await world();
  const fleet = await w.enrol();
  const dump = randomBytes(20 * MIB);
  const first = await backUp(w, fleet, dump);
  const [path] = await w.files('packs');
  await flip(String(path));
  await check(w);
  const again = await backUp(w, fleet, dump);
  expect([damaged(w, first), damaged(w, again)]).toEqual([true, false]);
  const record = () => w.vaults.service.vaults()[0];
  for (let times = 0; times < 2; times += 1) {
    w.vaults.service.collectVault(w.vaultId);
    await waited(() => expect(record()?.collection?.finishedAt).not.toBeNull());
    expect(record()?.collection).toMatchObject({ packs: 0, failure: null });
  }
  await check(w);
  expect(damaged(w, again)).toBe(false);
});

test('nothing new depends on a key that is lost', async () => {
  await using w = await world();
  const fleet = await w.enrol();
  const dump = randomBytes(MIB);
  await backUp(w, fleet, dump);
  const own = fleet.idKey.id;
  const [lost] = (await w.files('keys')).filter((path) => !path.includes(own));
  await rm(String(lost));
  await check(w);
  const again = await backUp(w, fleet, dump);
  await check(w);
  expect(damaged(w, again)).toBe(false);
});

test('a lost key or manifest marks its snapshots; what is put back counts again', async () => {
  await using w = await world();
  const fleet = await w.enrol();
  const id = await backUp(w, fleet, randomBytes(MIB));
  for (const folder of ['keys', 'snapshots']) {
    const [path] = await w.files(folder);
    const bytes = await readFile(String(path));
    await rm(String(path));
    await check(w);
    expect(damaged(w, id), folder).toBe(true);
    await writeFile(String(path), bytes);
    await check(w);
    expect(damaged(w, id), folder).toBe(false);
  }
});

test('space is freed beside damage, and what the damaged snapshot needs stays', async () => {
  await using w = await world();
  const fleet = await w.enrol();
  const first = await backUp(w, fleet, randomBytes(MIB));
  const second = await backUp(w, fleet, randomBytes(MIB));
  const paths = await w.files('packs');
  for (const path of paths) await flip(path);
  await check(w);
  w.vaults.service.deleteSnapshot(first);
  w.vaults.service.collectVault(w.vaultId);
  const record = () => w.vaults.service.vaults()[0];
  await waited(() => expect(record()?.collection?.finishedAt).not.toBeNull());
  expect(record()?.collection).toMatchObject({ packs: 1, skipped: 0, failure: null });
  await waited(async () => expect(await w.files('packs')).toHaveLength(1));
  expect(damaged(w, second)).toBe(true);
});

test('checks begin by themselves, as often as is chosen', async () => {
  await using w = await world();
  const clock = createFakeClock();
  clock.jump(Date.now());
  const found: Damage[] = [];
  const replicas = { onDamage: (_: unknown, damage: Damage) => found.push(damage) };
  await w.vaults.stop();
  w.vaults = await openVaultService({ ...w.options(), clock, replicas });
  const fleet = await w.enrol();
  const id = await backUp(w, fleet, randomBytes(MIB));
  const [path] = await w.files('packs');
  await flip(String(path));
  const record = () => w.vaults.service.vaults()[0];
  clock.jump(29 * DAY);
  clock.advance(60_000);
  expect(record()?.check).toBeNull();
  clock.jump(DAY);
  clock.advance(60_000);
  await waited(() => expect(record()?.check?.finishedAt).not.toBeNull());
  expect(found.map((one) => one.found.map((row) => row.id))).toEqual([[id]]);
  w.vaults.service.checkEvery(w.vaultId, 0);
  const before = record()?.check?.startedAt;
  clock.jump(400 * DAY);
  clock.advance(60_000);
  expect(record()?.check?.startedAt).toBe(before);
});
