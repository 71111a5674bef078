import { randomBytes } from 'node:crypto';
import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { doomedQueries } from '../../../control-plane/db/doomed-files.ts';
import { backUp, collect, dumpOf, packNames, waited } from './collecting.ts';
import { world } from './world.ts';

const MIB = 1024 * 1024;

test('a stop between the index and the store loses nothing and leaves nothing', async () => {
  await using w = await world();
  const fleet = await w.enrol();
  const dump = randomBytes(MIB);
  const first = await backUp(w, fleet, randomBytes(MIB));
  const second = await backUp(w, fleet, dump);
  // As a stop right after the index forgot it leaves things.
  const [manifest] = (await w.files('snapshots')).filter((path) => path.includes(first.snapshotId));
  w.db.$client.prepare('DELETE FROM snapshots WHERE id = ?').run(first.snapshotId);
  const name = String(manifest).slice(w.storePath.length + 1);
  doomedQueries(w.db).add({ vaultId: w.vaultId, name, length: 0 });
  await w.halt();
  await w.start();
  expect(w.reconciled).toMatchObject({ added: { snapshots: 0 }, refused: [] });
  await collect(w);
  expect(await w.files('snapshots')).toHaveLength(1);
  expect(await packNames(w)).toHaveLength(1);
  expect((await dumpOf(w, second.snapshotId)).equals(dump)).toBe(true);
});

test('where a manifest cannot be read nothing is deleted', async () => {
  await using w = await world();
  const fleet = await w.enrol();
  const first = await backUp(w, fleet, randomBytes(MIB));
  const second = await backUp(w, fleet, randomBytes(MIB));
  const [manifest] = (await w.files('snapshots')).filter((path) => path.includes(second.snapshotId));
  w.vaults.service.deleteSnapshot(first.snapshotId);
  await writeFile(String(manifest), 'not a manifest');
  w.vaults.service.collectVault(w.vaultId);
  const collection = () => w.vaults.service.vaults()[0]?.collection;
  await waited(() => expect(collection()?.finishedAt).not.toBeNull());
  expect(collection()).toMatchObject({ packs: 0, failure: { code: 'manifest_invalid' } });
  expect(await packNames(w)).toHaveLength(2);
});

test('below an empty mount point nothing counts as removed', async () => {
  await using w = await world();
  const fleet = await w.enrol();
  const first = await backUp(w, fleet, randomBytes(MIB));
  await backUp(w, fleet, randomBytes(MIB));
  const statement = join(w.storePath, 'vault.json');
  const text = w.vaults.service.statementOf(w.vaultId);
  await rm(statement);
  w.vaults.service.deleteSnapshot(first.snapshotId);
  await waited(() =>
    expect(w.db.$client.prepare('SELECT notBefore > 0 AS later FROM doomed_files').get()).toEqual({
      later: 1,
    }),
  );
  await writeFile(statement, text);
  expect(w.vaults.service.vaults()[0]?.leaving.files).toBe(1);
  expect(await w.files('snapshots')).toHaveLength(2);
});

test('what the index has lost without anybody deleting it keeps its packs, until it is given up', async () => {
  await using w = await world();
  const fleet = await w.enrol();
  const dump = randomBytes(MIB);
  const { snapshotId } = await backUp(w, fleet, dump);
  await w.halt();
  // A start at which the folder was not there: an unmounted share, a copy that was still under way.
  const [folder, away] = [join(w.storePath, 'snapshots'), join(w.dataDir, 'away')];
  await rename(folder, away);
  await w.start();
  const record = () => w.vaults.service.vaults()[0];
  expect(record()).toMatchObject({ snapshotCount: 0, forgottenCount: 1 });
  expect(await collect(w)).toMatchObject({ packs: 0, skipped: 1 });
  await w.halt();
  await rename(away, folder);
  await w.start();
  expect(record()).toMatchObject({ snapshotCount: 1, forgottenCount: 0 });
  expect((await dumpOf(w, snapshotId)).equals(dump)).toBe(true);
  await w.halt();
  await rm(folder, { recursive: true });
  await w.start();
  w.vaults.service.collectVault(w.vaultId, { giveUpForgotten: true });
  await waited(() => expect(record()?.collection).toMatchObject({ packs: 1, skipped: 0, failure: null }));
});

test('a manifest that the index does not know stops everything', async () => {
  await using w = await world();
  const fleet = await w.enrol();
  const { snapshotId } = await backUp(w, fleet, randomBytes(MIB));
  w.db.$client.prepare('DELETE FROM snapshots WHERE id = ?').run(snapshotId);
  w.vaults.service.collectVault(w.vaultId);
  const collection = () => w.vaults.service.vaults()[0]?.collection;
  await waited(() => expect(collection()?.finishedAt).not.toBeNull());
  expect(collection()).toMatchObject({ packs: 0, failure: { code: 'conflict' } });
  expect(await packNames(w)).toHaveLength(1);
});

test('a file that is needed is never removed, whatever was noted about it', async () => {
  await using w = await world();
  const fleet = await w.enrol();
  await backUp(w, fleet, randomBytes(MIB));
  const [pack] = await packNames(w);
  const name = `packs/${pack?.slice(0, 2)}/${pack}`;
  doomedQueries(w.db).add({ vaultId: w.vaultId, name, length: 1 });
  await collect(w);
  expect(await packNames(w)).toEqual([pack]);
});
