import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Agent } from '../support/agent.ts';
import type { ApiDatabase, ApiJob, ApiSnapshot } from '../support/api-shapes.ts';
import { checksums } from '../support/checksums.ts';
import { type CliUser, cliUser } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { type Homeport, startHomeport } from '../support/harness.ts';
import { createNoise } from '../support/noise.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { listening, processesWith } from '../support/processes.ts';
import { addServer, backUp, protect, restore, succeeded } from '../support/protect.ts';
import { type SftpServer, startSftpServer } from '../support/sftp.ts';
import { changeShop, createShop } from '../support/shop.ts';
import { documented } from '../vault-format/documents.ts';

interface ApiVault {
  id: string;
  name: string;
  store: string;
  path: string;
  isDefault: boolean;
  snapshotCount: number;
}

/** One Homeport with a vault on an OpenSSH server; the tests are chapters of one story. */
let sftp: SftpServer;
let postgres: TestPostgres;
let homeport: Homeport;
let agent: Agent;
let user: CliUser;
let database: ApiDatabase;
let failed = false;

beforeAll(async () => {
  [sftp, postgres] = await Promise.all([startSftpServer(), startPostgres()]);
  homeport = await startHomeport({ controlPlane: { env: { HOMEPORT_LOCAL_ENDPOINTS: 'allow' } } });
  agent = await homeport.agent('db-host');
  user = await cliUser({ url: homeport.api.url, key: homeport.api.key });
  await createShop(postgres, 'shop', 20_000);
  const server = await addServer(homeport.api, agent, { name: 'main', server: postgres });
  database = await protect(homeport.api, server.id, 'shop');
}, 180_000);
afterEach(({ task }) => {
  failed ||= task.result?.state === 'fail';
});
afterAll(async () => {
  await homeport?.stop({ keep: failed });
  await user?.[Symbol.asyncDispose]();
  await Promise.all([sftp?.stop(), postgres?.stop()]);
});

const vaults = () => homeport.api.get<ApiVault[]>('/vaults');
const remote = async () => (await vaults()).find(({ store }) => store === 'rclone') as ApiVault;
const snapshots = () => homeport.api.get<ApiSnapshot[]>(`/snapshots?databaseId=${database.id}`);
const stored = async (folder: string) => {
  const found = await readdir(join(sftp.files, 'homeport', folder), {
    recursive: true,
    withFileTypes: true,
  }).catch(() => []);
  return found.filter((entry) => entry.isFile()).map(({ name }) => name);
};
/** rclone, and its companion that begins as a shell. */
const rclones = () => processesWith(join(homeport.controlPlane.data, 'rclone', 'htpasswd'));
const rclone = () => rclones().find(({ command }) => command.startsWith('rclone\0'));

const CHANGE = `homeport change-sftp nas --host backup.example.org --port 22 --user homeport \\
  --path /srv/backups/homeport --host-keys host-keys --key-file ~/.ssh/backup`;

/** A line of the documents, for the server of this test. */
function here(script: string): string {
  return script
    .replaceAll('/srv/backups/homeport', join(sftp.files, 'homeport'))
    .replaceAll('backup.example.org', '127.0.0.1')
    .replaceAll('--port 22', `--port ${sftp.port}`)
    .replaceAll('-p 22', `-p ${sftp.port}`)
    .replaceAll('--user homeport', `--user ${sftp.user}`)
    .replaceAll('~/.ssh/backup', 'key');
}

async function run(script: string, env?: Record<string, string>): Promise<string> {
  const answer = await user.shell(here(script), env);
  expect(answer, script).toMatchObject({ exitCode: 0 });
  expect(answer.stdout + answer.stderr).not.toContain('PRIVATE KEY');
  return answer.stdout;
}

test('every command of docs/storage.md that makes a vault on an SFTP server', async () => {
  await backUp(homeport.api, database.id);
  await writeFile(join(user.home, 'key'), sftp.privateKey, { mode: 0o600 });
  expect(await run(documented('docs/storage.md', 'A vault on an SFTP server'))).toContain('SHA256:');
  expect(await remote()).toMatchObject({ name: 'nas', isDefault: true, snapshotCount: 0 });
  const kit = await readFile(join(user.home, 'nas-kit.txt'), 'utf8');
  expect(kit).toContain(
    `The vault's files: sftp://${sftp.user}@127.0.0.1:${sftp.port}${sftp.files}/homeport`,
  );
  expect((await stored('')).sort()).toEqual(['RECOVERY.md', 'recover.mjs', 'vault.json']);
});

test('backups go there, and the second one sends what changed', async () => {
  const { api } = homeport;
  const first = await backUp(api, database.id);
  await changeShop(postgres, 'shop');
  const second = await backUp(api, database.id);
  expect(first.snapshot.sequence).toBe(2);
  expect(second.snapshot.storedBytes).toBeLessThan(first.snapshot.storedBytes / 2);
  expect(await stored('packs')).not.toHaveLength(0);
  expect(await stored('.staging')).toHaveLength(0);
  expect((await remote()).snapshotCount).toBe(2);
});

test('a restore and a download read from there', async () => {
  const { api } = homeport;
  const [newest] = await snapshots();
  const plan = { targetDatabase: 'shop_copy' };
  await restore(api, newest!.id, { serverId: database.serverId, plan });
  expect(await checksums(postgres, 'shop_copy')).toEqual(await checksums(postgres, 'shop'));
  const download = await api.fetch(`/snapshots/${newest!.id}/download`);
  const dump = Buffer.from(await download.arrayBuffer());
  expect(dump.subarray(0, 5).toString()).toBe('PGDMP');
  expect(dump.length).toBe(Number(download.headers.get('content-length')));
});

test('neither keys nor passwords are in an argument, an environment, a log, the API or on disk', async () => {
  const { api, directory } = homeport;
  const secret = sftp.privateKey.split('\n')[2] as string;
  expect(secret.length).toBeGreaterThan(40);
  expect(rclones()).toHaveLength(2);
  expect(rclone()?.environment).not.toMatch(/PASS|USER|RCLONE/);
  for (const { command, environment } of processesWith('')) {
    expect(command).not.toContain(secret);
    expect(environment).not.toContain(secret);
  }
  const told = JSON.stringify([await vaults(), await api.get('/audit?limit=500')]);
  expect(told).toContain('vault.create');
  expect(told).not.toContain(secret);
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    expect((await readFile(path)).includes(secret), path).toBe(false);
  }
  // What it listens on answers nobody without its password.
  const [host, hex = ''] = listening(rclone()!.pid)?.split(':') ?? [];
  expect(host).toBe('0100007F');
  const port = Number.parseInt(hex, 16);
  for (const path of ['core/version', 'config/dump', `[nas:]/vault.json`])
    expect((await fetch(`http://127.0.0.1:${port}/${path}`, { method: 'POST' })).status).toBe(401);
});

test('a backup outlives the death of the server, and of rclone, in the middle of it', async () => {
  const { api } = homeport;
  await createNoise(postgres, 'noise', 56);
  const noise = await protect(api, database.serverId, 'noise');
  const before = await stored('packs');
  const job = await api.post<ApiJob>(`/databases/${noise.id}/backup`);
  const arrived = async (count: number) => (await stored('packs')).length >= before.length + count;
  await eventually('the first pack is there', () => arrived(1));
  sftp.kill();
  await sftp.start();
  await eventually('another pack is there', () => arrived(2));
  process.kill(rclone()!.pid, 'SIGKILL');
  await succeeded(api, job);
  expect(await stored('.staging')).toHaveLength(0);
  const { snapshotId } = await api.get<ApiJob>(`/jobs/${job.id}`);
  await restore(api, snapshotId!, { serverId: database.serverId, plan: { targetDatabase: 'noise_copy' } });
  expect(await checksums(postgres, 'noise_copy')).toEqual(await checksums(postgres, 'noise'));
}, 300_000);

test('a server with other host keys is not used; the backup says why and goes on once they are given', async () => {
  const { api } = homeport;
  sftp.kill();
  await sftp.start({ newHostKeys: true });
  await postgres.query(`UPDATE orders SET note = 'three' WHERE id % 50 = 0`, 'shop');
  const job = await api.post<ApiJob>(`/databases/${database.id}/backup`);
  await eventually('the job says why it waits', async () => {
    const { log } = await api.get<{ log: { text: string }[] }>(`/jobs/${job.id}`);
    const why = 'The store is away: waiting for it.';
    const what = 'shows another host key than the pinned ones';
    return log.some(({ text }) => text.startsWith(why) && text.includes(what));
  });
  const refused = await user.shell(here(CHANGE));
  expect(refused.stderr).toContain('shows another host key than the pinned ones');
  expect(refused.stderr).toContain('Somebody may stand between');
  await writeFile(join(user.home, 'host-keys'), sftp.hostKeys);
  await run(CHANGE);
  await succeeded(api, job);
});

test('without its database the control plane comes back from the server’s files', async () => {
  const { controlPlane } = homeport;
  const before = await snapshots();
  await controlPlane.stop();
  expect(rclones()).toEqual([]);
  for (const suffix of ['', '-wal', '-shm'])
    await rm(join(controlPlane.data, `homeport.sqlite${suffix}`), { force: true });
  expect(await controlPlane.cli('vault', 'rebuild')).toMatch(/Vault “nas” .*the index has 4 snapshots/);
  expect(rclones()).toEqual([]);
  await controlPlane.start();
  homeport = { ...homeport, api: await controlPlane.createApi('again') };
  expect((await snapshots()).map(({ id }) => id).sort()).toEqual(before.map(({ id }) => id).sort());
  await eventually('the agent is back', async () => {
    return (await homeport.api.get<{ state: string }[]>('/agents')).some(({ state }) => state === 'online');
  });
  await backUp(homeport.api, database.id);
});

test('a control plane starts while the server is away, and one that is killed takes rclone along', async () => {
  const { api, controlPlane } = homeport;
  await controlPlane.kill();
  await eventually('rclone has ended', () => rclones().length === 0);
  sftp.kill();
  await expect(controlPlane.cli('vault', 'rebuild')).rejects.toThrow('is not reachable');
  await controlPlane.start();
  expect((await remote()).snapshotCount).toBe(5);
  const job = await api.post<ApiJob>(`/databases/${database.id}/backup`);
  await sftp.start();
  await succeeded(api, job);
  expect((await remote()).snapshotCount).toBe(6);
});

test('with the server’s files and the kit alone a snapshot comes back without Homeport', async () => {
  const [newest] = await snapshots();
  const download = await homeport.api.fetch(`/snapshots/${newest!.id}/download`);
  const dump = Buffer.from(await download.arrayBuffer());
  const config = join(user.home, 'rclone.conf');
  // The system’s own Node may be older than what recover.mjs wants.
  const programs = `${dirname(process.execPath)}:${process.env.PATH}`;
  const section = { type: 'sftp', host: '127.0.0.1', port: sftp.port, user: sftp.user, key_file: 'key' };
  const lines = Object.entries(section).map(([option, value]) => `${option} = ${value}\n`);
  await writeFile(config, `[nas]\n${lines.join('')}`);
  const fetching = documented('docs/storage.md', 'Getting the files back without Homeport');
  const folder = await mkdtemp(join(tmpdir(), 'homeport-fetched-'));
  const listed = await run(
    `${fetching}\nnode recover.mjs --kit ../nas-kit.txt get ${newest!.id} --out ${folder}/dump`,
    {
      RCLONE_CONFIG: config,
      PATH: programs,
    },
  );
  expect(listed).toContain(newest!.id);
  expect(dump.equals(await readFile(join(folder, 'dump')))).toBe(true);
  await rm(folder, { recursive: true });
});
