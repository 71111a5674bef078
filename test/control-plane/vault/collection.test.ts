import { randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { expect, test } from 'vitest';
import type { RunningJob } from '../../../control-plane/vault/service.ts';
import { failureOf } from '../../contract/store.ts';
import { backUp, collect, dumpOf, packNames } from './collecting.ts';
import { world } from './world.ts';

const MIB = 1024 * 1024;

test('what a deleted snapshot alone needed goes, what another one needs stays', async () => {
  await using w = await world();
  const fleet = await w.enrol();
  const [shared, old, young] = [randomBytes(3 * MIB), randomBytes(2 * MIB), randomBytes(2 * MIB)];
  const first = await backUp(w, fleet, Buffer.concat([shared, old]));
  const [firstPack] = await packNames(w);
  const second = await backUp(w, fleet, young);
  const third = await backUp(w, fleet, Buffer.concat([shared, young]));
  w.vaults.service.deleteSnapshot(second.snapshotId);
  expect(await collect(w)).toMatchObject({ packs: 0 }); // the third needs what the second brought
  w.vaults.service.deleteSnapshot(first.snapshotId);
  await collect(w);
  expect(await packNames(w)).toContain(firstPack); // its shared part is needed, and more than half of it
  const fourth = await backUp(w, fleet, young);
  w.vaults.service.deleteSnapshot(third.snapshotId);
  // How the dumps are cut decides whether what they share was rewritten before: then it is one more.
  expect((await collect(w))?.packs).toBeGreaterThanOrEqual(2);
  expect(await packNames(w)).not.toContain(firstPack);
  expect((await dumpOf(w, fourth.snapshotId)).equals(young)).toBe(true);
  expect(await w.files('snapshots')).toHaveLength(1);
});

test('a pack that is mostly not needed is rewritten, a restore under way goes on with the old one', async () => {
  await using w = await world();
  const fleet = await w.enrol();
  const [kept, gone] = [randomBytes(4 * MIB), randomBytes(10 * MIB)];
  const first = await backUp(w, fleet, Buffer.concat([gone, kept]));
  const second = await backUp(w, fleet, kept);
  const [old] = (
    await Promise.all((await w.files('packs')).map(async (path) => ({ path, ...(await stat(path)) })))
  )
    .toSorted((a, b) => b.size - a.size)
    .map(({ path }) => basename(path));
  const restore = w.job(fleet, { kind: 'restore', snapshotId: second.snapshotId, sequence: null });
  const source = await w
    .client(fleet)
    .source({ jobId: restore.id, attempt: 1 }, new AbortController().signal);
  expect(source.packs).toContain(old);
  w.vaults.service.deleteSnapshot(first.snapshotId);
  expect(await collect(w)).toMatchObject({ rewritten: 1, packs: 0 });
  expect(await collect(w)).toMatchObject({ rewritten: 0, packs: 0 }); // the restore may need it
  const at = { agentId: fleet.agentId, vaultId: w.vaultId };
  for (const name of [...source.packs, ...(await packNames(w))])
    await expect(w.vaults.agents.getPack(at, name, undefined)).resolves.toBeDefined();
  expect(await packNames(w)).toContain(old);
  w.end(restore);
  expect(await collect(w)).toMatchObject({ packs: 1 });
  expect(await packNames(w)).not.toContain(old);
  expect((await dumpOf(w, second.snapshotId)).equals(kept)).toBe(true);
  await w.halt();
  await w.start();
  expect(w.reconciled).toMatchObject({ refused: [], added: { packs: 0 } });
});

test('a backup that began earlier may use what was condemned, one that begins later uploads it again', async () => {
  await using w = await world();
  const fleet = await w.enrol();
  const dump = randomBytes(2 * MIB);
  const first = await backUp(w, fleet, dump);
  const [pack] = await packNames(w);
  // It has asked what is missing, and uploads nothing.
  const early = w.job(fleet);
  w.db.$client.prepare('UPDATE jobs SET createdAt = ? WHERE id = ?').run(Date.now() + 1, early.id);
  const upload = await w.upload(fleet, dump);
  w.vaults.service.deleteSnapshot(first.snapshotId);
  await collect(w);
  expect(await packNames(w)).toEqual([pack]);

  const late = w.job(fleet);
  const again = await w.upload(fleet, dump);
  expect(again.content.storedBytes).toBeGreaterThan(dump.length);
  const commit = async (job: RunningJob, made: typeof upload) =>
    w
      .client(fleet)
      .commit(
        { jobId: job.id, attempt: 1 },
        await w.manifest(fleet, job, made),
        new AbortController().signal,
      );
  await commit(late, again);
  w.end(late);
  await commit(early, { ...upload });
  w.end(early);
  await collect(w);
  expect((await dumpOf(w, early.snapshotId)).equals(dump)).toBe(true);
  expect((await dumpOf(w, late.snapshotId)).equals(dump)).toBe(true);
});

test('a backup cannot commit what was condemned before it began', async () => {
  await using w = await world();
  const fleet = await w.enrol();
  const dump = randomBytes(MIB);
  const first = await backUp(w, fleet, dump);
  const restore = w.job(fleet, { kind: 'restore', snapshotId: first.snapshotId, sequence: null });
  const upload = await w.upload(fleet, dump).catch((error) => error);
  expect(upload).toMatchObject({ failure: { code: 'lease_lost' } });
  const early = w.job(fleet);
  const known = await w.upload(fleet, dump);
  w.end(early);
  w.end(restore);
  w.vaults.service.deleteSnapshot(first.snapshotId);
  // A reader keeps the pack where it is.
  const reader = w.job(fleet, { kind: 'restore', sequence: null });
  await collect(w);
  expect(await packNames(w)).toHaveLength(1);
  const late = w.job(fleet);
  const manifest = await w.manifest(fleet, late, known);
  const refused = await failureOf(
    w.client(fleet).commit({ jobId: late.id, attempt: 1 }, manifest, new AbortController().signal),
  );
  expect(refused.code).toBe('chunks_missing');
  w.end(reader);
  w.end(late);
  await collect(w);
  expect(await packNames(w)).toEqual([]);
});

test('what is restored, downloaded or copied cannot be deleted', async () => {
  await using w = await world();
  const fleet = await w.enrol();
  const { snapshotId } = await backUp(w, fleet, randomBytes(MIB));
  const refusal = () => {
    try {
      w.vaults.service.deleteSnapshot(snapshotId);
    } catch (error) {
      return (error as { failure: { code: string } }).failure.code;
    }
    return undefined;
  };
  const restore = w.job(fleet, { kind: 'restore', snapshotId, sequence: null });
  expect(refusal()).toBe('conflict');
  w.end(restore);
  const { body } = await w.vaults.service.download(snapshotId);
  expect(refusal()).toBe('conflict');
  await body.cancel();
  expect(refusal()).toBeUndefined();
});

test('what an interrupted backup has uploaded stays while it may go on, and goes on demand', async () => {
  await using w = await world();
  const fleet = await w.enrol();
  await backUp(w, fleet, randomBytes(MIB));
  const broken = w.job(fleet);
  await w.upload(fleet, randomBytes(MIB));
  await collect(w);
  expect(await packNames(w)).toHaveLength(2); // the next attempt builds on it
  w.end(broken);
  await collect(w);
  expect(await packNames(w)).toHaveLength(1);
});
