import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { openDb } from '../../../control-plane/db/open.ts';
import { packs as packTable, snapshots as snapshotTable } from '../../../control-plane/db/schema/vault.ts';
import { lockDataDirectory } from '../../../control-plane/lock.ts';
import { openVaultService } from '../../../control-plane/vault/open.ts';
import { rebuildIndex } from '../../../control-plane/vault/rebuild.ts';
import { failureOf } from '../../contract/store.ts';
import { allSnapshots } from '../../support/all-snapshots.ts';
import type { Fleet } from './fleet.ts';
import { type World, world } from './world.ts';

const run = promisify(execFile);
const signal = new AbortController().signal;
const downloaded = async (w: World, id: string) =>
  Buffer.concat(await Array.fromAsync((await w.vaults.service.download(id)).body));

/** Two backups of one database; the control plane is stopped then. */
async function stoppedWorld() {
  const w = await world();
  const fleet = await w.enrol();
  const dumps = [randomBytes(2_000_000), randomBytes(2_000_000)] as const;
  const jobs = [await w.backUp(fleet, dumps[0]), await w.backUp(fleet, dumps[1])] as const;
  const before = allSnapshots(w.vaults.service);
  const vaultId = w.vaultId;
  w.stop();
  return { w, fleet, dumps, jobs, before, vaultId };
}

async function loseIndex(w: World) {
  for (const suffix of ['', '-wal', '-shm']) await rm(w.databaseFile + suffix, { force: true });
}

async function rebuild(w: World) {
  w.db = openDb(w.databaseFile);
  const [rebuilt] = await rebuildIndex({ dataDir: w.dataDir, db: w.db, master: w.master, quick: false });
  w.vaults = await openVaultService(w.options());
  return rebuilt!;
}

test('with the index gone, everything comes back from the store alone', async () => {
  const { w: made, fleet, dumps, jobs, before, vaultId } = await stoppedWorld();
  await using w = made;
  await loseIndex(w);
  const rebuilt = await rebuild(w);
  expect(rebuilt.refused).toEqual([]);
  expect(rebuilt.added).toMatchObject({ agents: 1, keys: 3, snapshots: 2 });
  expect(w.vaultId).toBe(vaultId);
  const after = allSnapshots(w.vaults.service);
  const strip = (list: typeof before) =>
    list.map(({ createdAt: _, ...facts }) => facts).sort((a, b) => a.sequence - b.sequence);
  expect(strip(after)).toEqual(strip(before));
  expect(dumps[0].equals(await downloaded(w, jobs[0].snapshotId))).toBe(true);
  expect(w.db.query.databases.findFirst().sync()).toMatchObject({ id: fleet.databaseId, name: 'Shop' });
  expect(w.db.query.servers.findFirst().sync()).toMatchObject({ id: fleet.serverId, engine: 'postgresql' });
  expect(w.db.query.agents.findFirst().sync()).toMatchObject({ id: fleet.agentId, name: 'web-1' });
  const third = await w.backUp(fleet, dumps[1]);
  expect(w.vaults.service.snapshot(third.snapshotId)).toMatchObject({ sequence: 3, storedBytes: 0 });
});

test.each([
  { of: 'safety snapshots alone', safety: [true, true], isProtected: false },
  { of: 'a backup among safety snapshots', safety: [true, false, true], isProtected: true },
])('a database of $of is protected after a rebuild: $isProtected', async ({ safety, isProtected }) => {
  await using w = await world();
  const fleet = await w.enrol();
  for (const one of safety) {
    await w.backUp(fleet, randomBytes(1_000), { change: { options: one ? { safety: true } : {} } });
  }
  w.stop();
  await loseIndex(w);
  expect(await rebuild(w)).toMatchObject({ refused: [], added: { snapshots: safety.length } });
  expect(w.db.query.databases.findFirst().sync()?.protectedAt !== null).toBe(isProtected);
});

test('damaged files are named and left out, what is whole stays', async () => {
  const { w: made, dumps, jobs } = await stoppedWorld();
  await using w = made;
  const [pack] = await w.files('packs');
  const bytes = await readFile(pack!);
  bytes[100]! ^= 1;
  await writeFile(pack!, bytes);
  await writeFile(join(w.storePath, 'keys', `${'ab'.repeat(16)}.age`), 'junk');
  await writeFile(join(w.storePath, 'agents', `${crypto.randomUUID()}.json`), '{}');
  await loseIndex(w);
  const rebuilt = await rebuild(w);
  const named = rebuilt.refused.map(({ name }) => name);
  const whole = jobs.findIndex(({ snapshotId }) => named.every((name) => !name.includes(snapshotId)));
  const junk = [relative(w.storePath, pack!), `keys/${'ab'.repeat(16)}.age`];
  expect(named).toEqual(expect.arrayContaining(junk));
  expect(named).toHaveLength(4);
  expect(allSnapshots(w.vaults.service).map(({ id }) => id)).toEqual([jobs[whole]?.snapshotId]);
  expect(dumps[whole]?.equals(await downloaded(w, jobs[whole]!.snapshotId))).toBe(true);
});

test('a start with a lost index finds the snapshots by itself', async () => {
  const { w: made } = await stoppedWorld();
  await using w = made;
  await loseIndex(w);
  await w.start();
  expect(w.reconciled?.added).toMatchObject({ snapshots: 2 });
  expect(allSnapshots(w.vaults.service)).toHaveLength(2);
});

test('a start takes up what was stored but not indexed when the control plane was killed', async () => {
  const { w: made, jobs } = await stoppedWorld();
  await using w = made;
  await w.start();
  expect(w.reconciled).toEqual({
    swept: 0,
    added: { agents: 0, keys: 0, packs: 0, snapshots: 0 },
    forgotten: { packs: 0, snapshots: 0 },
    refused: [],
  });
  w.db.delete(snapshotTable).run();
  const [pack] = w.db.select().from(packTable).all();
  w.db.$client.prepare('DELETE FROM chunks WHERE packId = ?').run(pack!.id);
  w.db.$client.prepare('DELETE FROM packs WHERE id = ?').run(pack!.id);
  await mkdir(join(w.storePath, '.staging'), { recursive: true });
  await writeFile(join(w.storePath, '.staging', 'half'), 'x');
  w.stop();
  await w.start();
  expect(w.reconciled).toMatchObject({ swept: 1, added: { packs: 1, snapshots: 2 }, refused: [] });
  expect((await downloaded(w, jobs[1].snapshotId)).length).toBe(2_000_000);
});

test('a commit whose record was lost is taken up by the retry, under the same name', async () => {
  await using w = await world();
  const fleet = await w.enrol();
  const job = await w.backUp(fleet, randomBytes(200_000));
  const names = await w.files('snapshots');
  w.db.delete(snapshotTable).run();
  const again = { ...job, attempt: 2 };
  w.running.set(job.id, again);
  const manifest = await w.manifest(fleet, again, await w.upload(fleet, randomBytes(300_000)));
  await w.client(fleet).commit({ jobId: job.id, attempt: 2 }, manifest, signal);
  expect(await w.files('snapshots')).toEqual(names);
  expect(w.vaults.service.snapshot(job.snapshotId)).toMatchObject({ rawBytes: 200_000 });
});

test('snapshots that need a lost pack are no longer good; put back, they are', async () => {
  const { w: made, jobs } = await stoppedWorld();
  await using w = made;
  const [path] = await w.files('packs');
  const aside = join(w.dataDir, basename(path!));
  await rename(path!, aside);
  await w.start();
  expect(w.reconciled).toMatchObject({ forgotten: { packs: 1, snapshots: 1 } });
  expect(w.reconciled?.refused[0]?.reason).toContain('chunks are not in the vault');
  expect(allSnapshots(w.vaults.service)).toHaveLength(1);
  w.stop();
  await rename(aside, path!);
  await w.start();
  expect(allSnapshots(w.vaults.service)).toHaveLength(2);
  expect((await downloaded(w, jobs[0].snapshotId)).length).toBe(2_000_000);
});

test('a store that is not mounted stops the start and loses nothing', async () => {
  const { w: made, vaultId } = await stoppedWorld();
  await using w = made;
  const store = join(w.dataDir, 'vaults', vaultId);
  await rename(store, `${store}-away`);
  expect((await failureOf(w.start())).code).toBe('store_unavailable');
  w.stop();
  await rename(`${store}-away`, store);
  await w.start();
  expect(allSnapshots(w.vaults.service)).toHaveLength(2);
});

test('`homeport vault rebuild` refuses while a control plane runs, and sums up what it found', async () => {
  const { w: made, vaultId } = await stoppedWorld();
  await using w = made;
  await loseIndex(w);
  const commands = join(import.meta.dirname, '../../../control-plane/cli/commands/vault.ts');
  const script = `import { Command } from 'commander';
    import { addVaultCommands } from '${commands}';
    const root = new Command();
    addVaultCommands(root);
    await root.parseAsync(['vault', 'rebuild'], { from: 'user' });`;
  const masterKey = Buffer.alloc(32, 7).toString('base64');
  const env = { ...process.env, HOMEPORT_DATA: w.dataDir, HOMEPORT_MASTER_KEY: masterKey };
  const cli = () => run(process.execPath, ['--input-type=module', '-e', script], { env });
  const unlock = lockDataDirectory(w.dataDir);
  await expect(cli()).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('Another Homeport') });
  unlock();
  const { stdout } = await cli();
  expect(stdout).toContain(vaultId);
  expect(stdout).toMatch(/2 snapshots, \d+ packs and 3 keys/);
  expect(stdout).toContain('1 agent that the database did not know');
});

test('the private keys of a vault are nowhere in clear', async () => {
  await using w = await world();
  const fleet: Fleet = await w.enrol();
  await w.backUp(fleet, randomBytes(1000));
  w.db.$client.pragma('wal_checkpoint(TRUNCATE)');
  const file = await readFile(join(w.dataDir, 'keys', `vault-${w.vaultId}.json`), 'utf8');
  const clear = w.master.open(`vault ${w.vaultId}`, file);
  const { identity, signing } = JSON.parse(clear) as Record<string, string>;
  expect(identity).toMatch(/^AGE-SECRET-KEY-1/);
  const kept = [
    await readFile(w.databaseFile),
    file,
    ...(await Promise.all((await w.files('.')).map((f) => readFile(f)))),
  ];
  for (const bytes of kept) {
    expect(bytes.includes(identity!)).toBe(false);
    expect(bytes.includes(signing!.slice(30, 60))).toBe(false);
  }
});
