import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Agent } from '../support/agent.ts';
import type { ApiDatabase, ApiJob, ApiSnapshot } from '../support/api-shapes.ts';
import { checksums } from '../support/checksums.ts';
import { type CliUser, cliUser } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { createNoise } from '../support/noise.ts';
import { addServer, backUp, protect, restore, succeeded } from '../support/protect.ts';
import { recoveryDesk } from '../support/recovery.ts';
import { documented } from '../vault-format/documents.ts';
import { sharedHomeport, sharedPostgres } from './world.ts';

interface ApiVault {
  id: string;
  path: string;
  snapshotCount: number;
  replica: { path: string; state: string; snapshotCount: number } | null;
}
type CopiedSnapshot = ApiSnapshot & { copied: boolean | null };

/** One vault, its second copy, and what goes wrong with either; the tests are chapters of one story. */
const homeport = sharedHomeport();
const postgres = sharedPostgres();
let agent: Agent;
let user: CliUser;
let database: ApiDatabase;
let replica: string;
let store: string;

beforeAll(async () => {
  const { api, directory } = homeport();
  agent = await homeport().agent('db-host');
  await createNoise(postgres(), 'noise', 40);
  const server = await addServer(api, agent, { name: 'main', server: postgres() });
  database = await protect(api, server.id, 'noise');
  user = await cliUser({ url: api.url, key: api.key });
  replica = join(directory, 'nas');
  await mkdir(replica);
  store = (await vault()).path;
}, 120_000);
afterAll(() => user?.[Symbol.asyncDispose]());

const vault = async () => (await homeport().api.get<ApiVault[]>('/vaults'))[0] as ApiVault;
const snapshots = () => homeport().api.get<CopiedSnapshot[]>(`/snapshots?databaseId=${database.id}`);
const change = (word: string) =>
  postgres().query(`UPDATE noise SET body = '${word}' || body WHERE id % 50 = 0`, 'noise');

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries.filter((one) => one.isFile() && !one.parentPath.includes('.staging'));
  return files.map((one) => join(one.parentPath, one.name).slice(folder.length + 1)).sort();
}
const filesOf = async (folder: string, kind: string) =>
  (await filesIn(folder)).filter((name) => name.startsWith(kind));

test('a control plane that is killed while it copies goes on at its next start', async () => {
  const { api, controlPlane } = homeport();
  await backUp(api, database.id);
  const added = await user.run(['add-replica', 'Default', '--directory', replica]);
  expect(added, added.stderr).toMatchObject({ exitCode: 0 });
  await eventually('some packs are copied', async () => (await filesOf(replica, 'packs')).length > 0);
  await controlPlane.kill();
  expect(await filesOf(replica, 'snapshots'), 'it was killed too late').toEqual([]);
  await controlPlane.start();
  const waited = await user.run(['replica', 'Default', '--wait']);
  expect(waited, waited.stdout).toMatchObject({ exitCode: 0 });
  expect(waited.stdout).toContain('Snapshots: 1 of 1');
  expect(await filesIn(replica)).toEqual(await filesIn(store));
  expect((await snapshots()).map(({ copied }) => copied)).toEqual([true]);
});

test('every command of docs/storage.md about replicas; a new snapshot is copied by itself', async () => {
  const { api } = homeport();
  await change('one');
  await backUp(api, database.id);
  const block = documented('docs/storage.md', 'A replica').replaceAll('/mnt/nas/homeport', replica);
  const answer = await user.shell(block);
  expect(answer, answer.stderr).toMatchObject({ exitCode: 0 });
  expect(answer.stdout).toContain('Snapshots: 2 of 2');
  expect(answer.stdout).toMatch(/Whole nowhere: +0/);
  const listed = await user.run(['snapshots']);
  expect(listed.stdout.match(/copied/g)).toHaveLength(2);
});

test('a restore and a download put right what they meet damaged or missing', async () => {
  const { api } = homeport();
  const packs = await filesOf(store, 'packs');
  const before = await Promise.all(packs.map((name) => readFile(join(store, name))));
  await Promise.all(
    packs.map(async (name, n) => {
      if (n % 2 === 0) return rm(join(store, name));
      const bytes = Buffer.from(before[n]!);
      bytes[bytes.length >> 1]! ^= 1;
      return writeFile(join(store, name), bytes);
    }),
  );
  const [newest] = await snapshots();
  const plan = { targetDatabase: 'noise_copy' };
  await restore(api, newest!.id, { serverId: database.serverId, plan });
  expect(await checksums(postgres(), 'noise_copy')).toEqual(await checksums(postgres(), 'noise'));
  for (const { id } of await snapshots()) await (await api.fetch(`/snapshots/${id}/download`)).arrayBuffer();
  for (const [n, name] of packs.entries())
    expect(before[n]?.equals(await readFile(join(store, name))), name).toBe(true);
  const audit = await api.get<{ action: string }[]>('/audit');
  expect(audit.filter(({ action }) => action === 'vault.heal')).toHaveLength(1);
});

test('the vault moves while a backup runs, and every command of docs/storage.md says so', async () => {
  const { api } = homeport();
  await change('two');
  const job = await api.post<ApiJob>(`/databases/${database.id}/backup`);
  await eventually('it sends', async () => {
    const { progress } = await api.get<ApiJob>(`/jobs/${job.id}`);
    return (progress?.rawBytes ?? 0) > 0;
  });
  const answer = await user.shell(documented('docs/storage.md', 'Moving a vault to another store'));
  expect(answer, answer.stderr).toMatchObject({ exitCode: 0 });
  await succeeded(api, job);
  await eventually('the vault has moved', async () => (await vault()).path === replica);
  const waited = await user.run(['replica', 'Default', '--wait']);
  expect(waited.stdout).toContain(store);
});

test('without the old store nothing is missing: restores, backups, a start, recover.mjs', async () => {
  const { api, controlPlane } = homeport();
  const forgotten = await user.run(['forget-replica', 'Default', '--confirm', 'Default']);
  expect(forgotten, forgotten.stderr).toMatchObject({ exitCode: 0 });
  await rename(store, `${store}-away`);
  const [newest] = await snapshots();
  const plan = { targetDatabase: 'noise_moved' };
  await restore(api, newest!.id, { serverId: database.serverId, plan });
  expect(await checksums(postgres(), 'noise_moved')).toEqual(await checksums(postgres(), 'noise'));
  await controlPlane.stop();
  await controlPlane.start();
  expect((await vault()).snapshotCount).toBe(3);
  const again = await backUp(api, database.id);
  expect(again.snapshot.storedBytes).toBeLessThan(1_000_000); // the dump’s date
  const kit = await user.run(['recovery-kit', 'Default', '--out', 'kit.txt']);
  expect(kit, kit.stderr).toMatchObject({ exitCode: 0 });
  await using desk = await recoveryDesk(replica, await readFile(join(user.home, 'kit.txt'), 'utf8'));
  const got = await desk.recover('--kit', 'kit.txt', 'get', newest!.id, '--out', 'noise.dump');
  expect(got, got.stderr).toMatchObject({ code: 0 });
  const download = await api.fetch(`/snapshots/${newest!.id}/download`);
  const dump = Buffer.from(await download.arrayBuffer());
  expect(dump.equals(await readFile(join(desk.path, 'noise.dump')))).toBe(true);
});

test('misuse is told with its remedy', async () => {
  for (const [args, exitCode, text] of [
    [['add-replica', 'Default'], 2, 'one of --directory, --bucket, --host and --section-file'],
    [['add-replica', 'Default', '--directory', '/srv', '--host', 'nas'], 2, 'one of --directory'],
    [['add-replica', 'Default', '--host', 'nas', '--user', 'u'], 2, 'needs --path, --host-keys'],
    [['add-replica', 'Default', '--section-file', 'section'], 2, 'needs --path'],
    [['add-replica', 'Default', '--bucket', 'b'], 2, '--access-key'],
    [['add-replica', 'Default', '--directory', '/nowhere/at/all'], 4, 'Make it on the control plane’s host'],
    [['replica', 'Default'], 4, 'has no replica'],
    [['move-vault', 'Default', '--confirm', 'Default'], 4, 'Add one first'],
    [['move-vault', 'Default'], 2, '--confirm Default'],
    [['check-vault', 'nothing'], 4, 'homeport vaults'],
  ] as const) {
    const answer = await user.run([...args]);
    expect(answer, args.join(' ')).toMatchObject({ exitCode });
    expect(answer.stderr, args.join(' ')).toContain(text);
  }
});
