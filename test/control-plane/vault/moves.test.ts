import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rename, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { failureOf } from '../../contract/store.ts';
import { eventually } from '../../support/eventually.ts';
import { current, downloaded, filesIn, record, replicated } from './replicated.ts';

test('a vault moves to its replica while backups go on, and the files it leaves stay', async () => {
  await using one = await replicated();
  const { w, path, fleet, dumps, jobs } = one;
  const before = w.storePath;
  // One pack is on its way from before the move until after it.
  const job = w.job(fleet);
  let letGo = () => {};
  const held = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const client = w.client(fleet);
  const slow: typeof client = {
    ...client,
    putPack: (sha256, parts, signal) => {
      async function* slowly() {
        yield* parts;
        await held;
      }
      const at = { agentId: fleet.agentId, vaultId: w.vaultId };
      signal.throwIfAborted();
      return w.vaults.agents.putPack(at, { sha256, body: slowly() });
    },
  };
  const uploading = w.upload(fleet, randomBytes(300_000), slow);
  await eventually('the pack is on its way', async () => {
    return (await readdir(join(before, '.staging'))).length > 0 || undefined;
  });
  await w.vaults.service.moveVault(w.vaultId, { leaveBehind: false });
  await eventually('the vault has moved', () => record(w).path === path);
  letGo();
  const manifest = await w.manifest(fleet, job, await uploading);
  await client.commit({ jobId: job.id, attempt: 1 }, manifest, new AbortController().signal);
  expect(record(w)).toMatchObject({ path, store: 'local', replica: { path: before, moving: false } });
  // All of the vault is there: without what was its store nothing is missing.
  await w.vaults.service.forgetReplica(w.vaultId);
  const left = await filesIn(before);
  await rename(before, `${before}-away`);
  for (const n of [0, 1] as const)
    expect(dumps[n].equals(await downloaded(w, jobs[n].snapshotId))).toBe(true);
  await downloaded(w, job.snapshotId);
  await w.halt();
  await w.start();
  expect(w.reconciled).toMatchObject({ refused: [], forgotten: { packs: 0, snapshots: 0 } });
  expect(record(w)).toMatchObject({ path, replica: null, snapshotCount: 3 });
  expect(await filesIn(`${before}-away`)).toEqual(left);
  await rename(`${before}-away`, before);
});

test('where the disk of a vault that has moved is not mounted, nothing is written below its mount point', async () => {
  await using one = await replicated();
  const { w, path, fleet, dumps, jobs } = one;
  await w.vaults.service.moveVault(w.vaultId, { leaveBehind: false });
  await eventually('the vault has moved', () => record(w).path === path);
  await w.vaults.service.forgetReplica(w.vaultId);
  await rename(path, `${path}-away`);
  await mkdir(path);
  const refused = await failureOf(w.backUp(fleet, randomBytes(1000)));
  expect(refused).toMatchObject({ code: 'store_unavailable', retryable: true });
  expect(await readdir(path)).toEqual([]);
  await rmdir(path);
  await rename(`${path}-away`, path);
  await w.backUp(fleet, randomBytes(1000));
  expect(dumps[0].equals(await downloaded(w, jobs[0].snapshotId))).toBe(true);
});

test('a move that fails leaves the vault where it is, goes on after a start, and can be ended', async () => {
  await using one = await replicated();
  const { w, path } = one;
  const before = w.storePath;
  await rename(path, `${path}-away`);
  await w.vaults.service.moveVault(w.vaultId, { leaveBehind: false });
  await eventually('it fails', async () => record(w).replica?.failure ?? undefined);
  expect(record(w)).toMatchObject({ path: before, replica: { moving: true, state: 'waiting' } });
  expect(w.vaults.service.stayVault(w.vaultId).replica?.moving).toBe(false);
  expect(() => w.vaults.service.stayVault(w.vaultId)).toThrow('not moving');
  await w.vaults.service.moveVault(w.vaultId, { leaveBehind: false });
  await w.halt();
  await rename(`${path}-away`, path);
  await w.start();
  await eventually('the vault has moved', () => record(w).path === path);
  await w.halt();
  await w.start();
  await current(w);
  expect(record(w)).toMatchObject({ path, replica: { path: before, moving: false } });
});
