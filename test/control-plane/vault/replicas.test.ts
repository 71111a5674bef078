import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { openDb } from '../../../control-plane/db/open.ts';
import { rebuildIndex } from '../../../control-plane/vault/rebuild.ts';
import { failureOf } from '../../contract/store.ts';
import { allSnapshots } from '../../support/all-snapshots.ts';
import { eventually } from '../../support/eventually.ts';
import { recoveryDesk } from '../../support/recovery.ts';
import { addReplica, current, downloaded, filesIn, place, record, replicated } from './replicated.ts';
import { world } from './world.ts';

async function flip(file: string): Promise<void> {
  const bytes = await readFile(file);
  bytes[100]! ^= 1;
  await writeFile(file, bytes);
}

test('what was there and what comes is copied; the replica is a vault that recover.mjs restores from', async () => {
  await using one = await replicated();
  const { w, path, dumps, jobs } = one;
  expect(await filesIn(path)).toEqual(await filesIn(w.storePath));
  expect(allSnapshots(w.vaults.service).map(({ copied }) => copied)).toEqual([true, true]);
  expect(record(w).replica).toMatchObject({ store: 'local', path, snapshotCount: 2, moving: false });
  const { text } = w.vaults.service.recoveryKit(w.vaultId, 'https://cp.example.org');
  expect(text).toContain(path);
  await using desk = await recoveryDesk(path, text);
  const got = await desk.recover('--kit', 'kit.txt', 'get', jobs[1].snapshotId, '--out', 'shop.dump');
  expect(got, got.stderr).toMatchObject({ code: 0 });
  expect(dumps[1].equals(await readFile(join(desk.path, 'shop.dump')))).toBe(true);
});

test('a snapshot counts as copied only with its manifest, which comes last; a stop in between is made up for', async () => {
  await using one = await replicated();
  const { w, path } = one;
  await w.halt();
  const [pack] = (await filesIn(path)).filter((name) => name.startsWith('packs/'));
  const folder = dirname(join(path, pack!));
  await rm(folder, { recursive: true });
  // A file in the place of the folder: nothing can be written below it.
  await writeFile(folder, '');
  await w.start();
  await eventually('copying fails', async () => record(w).replica?.failure ?? undefined);
  expect(record(w).replica).toMatchObject({ state: 'waiting', failure: { code: 'store_unavailable' } });
  // The other one may do without that pack.
  expect(allSnapshots(w.vaults.service).map(({ copied }) => copied)).toContain(false);
  await w.halt();
  await rm(folder);
  await w.start();
  await current(w);
  expect(await filesIn(path)).toEqual(await filesIn(w.storePath));
});

test.each(['damaged', 'lost'] as const)('a %s pack is read from the replica, and comes back', async (how) => {
  await using one = await replicated();
  const { w, dumps, jobs } = one;
  const packs = await w.files('packs');
  const before = await Promise.all(packs.map((pack) => readFile(pack)));
  for (const pack of packs) await (how === 'lost' ? rm(pack) : flip(pack));
  for (const n of [0, 1] as const)
    expect(dumps[n].equals(await downloaded(w, jobs[n].snapshotId)), `dump ${n}`).toBe(true);
  for (const [n, pack] of packs.entries()) expect(before[n]!.equals(await readFile(pack))).toBe(true);
});

test('what was lost while nothing ran stays in the index, and comes back at the start', async () => {
  await using one = await replicated();
  const { w } = one;
  await w.halt();
  const [pack, manifest] = [(await w.files('packs'))[0]!, (await w.files('snapshots'))[0]!];
  await Promise.all([rm(pack), rm(manifest)]);
  await w.start();
  expect(w.reconciled).toMatchObject({ forgotten: { packs: 0, snapshots: 0 } });
  expect(w.reconciled?.lost?.map((name) => basename(name)).sort()).toEqual(
    [basename(pack), basename(manifest)].sort(),
  );
  await eventually('both are back', async () => {
    const files = [...(await w.files('packs')), ...(await w.files('snapshots'))];
    return (files.includes(pack) && files.includes(manifest)) || undefined;
  });
});

test('with the store gone altogether snapshots are restored from the replica, nothing is written where it was, and the vault can go on there', async () => {
  await using one = await replicated();
  const { w, path, fleet, dumps, jobs } = one;
  await w.halt();
  const store = w.storePath;
  await rm(store, { recursive: true });
  await w.start();
  expect(record(w)).toMatchObject({ snapshotCount: 2, unreachable: { code: 'store_unavailable' } });
  expect(dumps[1].equals(await downloaded(w, jobs[1].snapshotId))).toBe(true);
  expect((await failureOf(w.backUp(fleet, randomBytes(1000)))).code).toBe('store_unavailable');
  await expect(readdir(store)).rejects.toThrow('ENOENT');
  await w.vaults.service.moveVault(w.vaultId, { leaveBehind: true });
  expect(record(w)).toMatchObject({ path, unreachable: null, snapshotCount: 2, replica: { path: store } });
  await eventually('the lost store is named', async () => record(w).replica?.failure ?? undefined);
  expect(record(w).replica?.failure?.code).toBe('store_unavailable');
  await w.vaults.service.forgetReplica(w.vaultId);
  const third = await w.backUp(fleet, dumps[1]);
  expect(w.vaults.service.snapshot(third.snapshotId)).toMatchObject({ sequence: 3, storedBytes: 0 });
  await w.halt();
  await w.start();
  expect(record(w)).toMatchObject({ path, replica: null, snapshotCount: 3 });
});

test.each(['gone', 'without its packs'])(
  'a rebuild takes the replica’s files where the store is %s',
  async (how) => {
    await using one = await replicated();
    const { w, dumps, jobs } = one;
    await w.halt();
    await rm(how === 'gone' ? w.storePath : join(w.storePath, 'packs'), { recursive: true });
    for (const suffix of ['', '-wal', '-shm']) await rm(w.databaseFile + suffix, { force: true });
    w.db = openDb(w.databaseFile);
    const [rebuilt] = await rebuildIndex({ dataDir: w.dataDir, db: w.db, master: w.master, quick: false });
    expect(rebuilt).toMatchObject({ refused: [], added: { snapshots: 2, agents: 1 } });
    w.stop();
    await w.start();
    expect(dumps[0].equals(await downloaded(w, jobs[0].snapshotId))).toBe(true);
  },
);

test('places that cannot be a replica are refused, and nothing is kept of them', async () => {
  await using w = await world();
  await using other = await replicated();
  const full = await place();
  await writeFile(join(full, 'letter.txt'), 'dear');
  const wanted: [path: string, code: string][] = [
    ['backups', 'invalid_input'],
    [join(full, 'nowhere'), 'not_found'],
    [join(full, 'letter.txt'), 'not_found'],
    [full, 'conflict'],
    [w.dataDir, 'conflict'],
    [join(w.dataDir, 'keys'), 'conflict'],
    [w.storePath, 'conflict'],
    ['/', 'conflict'],
    [other.path, 'conflict'],
  ];
  for (const [path, code] of wanted) expect((await failureOf(addReplica(w, path))).code, path).toBe(code);
  expect(record(w).replica).toBeNull();
  expect(await filesIn(full)).toEqual(['letter.txt']);
  await mkdir(join(full, 'good'));
  await addReplica(w, join(full, 'good'));
  const another = await place();
  expect((await failureOf(addReplica(w, another))).code).toBe('conflict');
  await rm(another, { recursive: true });
});

test('a replica that is not there is named, nothing is written in its place, and copying goes on later', async () => {
  await using one = await replicated();
  const { w, path, fleet } = one;
  await rename(path, `${path}-away`);
  await w.backUp(fleet, randomBytes(1000));
  await eventually('it is named', async () => record(w).replica?.failure ?? undefined);
  expect(record(w).replica).toMatchObject({ state: 'waiting', failure: { code: 'store_unavailable' } });
  expect(record(w).replica?.failure?.message).toContain(path);
  await expect(readdir(path)).rejects.toThrow('ENOENT');
  await rename(`${path}-away`, path);
  // Its next try comes with the next backup, if not by itself.
  await w.backUp(fleet, randomBytes(1000));
  await current(w);
});

test('a check puts right what is damaged on either side, and names what is whole nowhere', async () => {
  await using one = await replicated();
  const { w, path, fleet } = one;
  await w.backUp(fleet, randomBytes(1000));
  await current(w);
  const packs = await w.files('packs');
  const keys = await w.files('keys');
  expect(packs.length).toBeGreaterThan(2);
  const twin = (file: string) => join(path, file.slice(w.storePath.length));
  await flip(packs[0]!);
  await rm(twin(packs[1]!));
  await Promise.all([rm(packs[2]!), flip(twin(packs[2]!))]);
  await writeFile(keys[0]!, 'not a key');
  w.vaults.service.checkVault(w.vaultId);
  const check = await eventually('the check has ended', async () => {
    const { check } = record(w);
    return check?.finishedAt ? check : undefined;
  });
  expect(check).toMatchObject({ failure: null, healed: 2, recopied: 1, lost: 1 });
  expect(check.lostNames).toEqual([packs[2]!.slice(w.storePath.length + 1)]);
  expect(check.checked).toBe(check.files);
  for (const file of [packs[0]!, packs[1]!, keys[0]!])
    expect((await readFile(file)).equals(await readFile(twin(file))), file).toBe(true);
});
