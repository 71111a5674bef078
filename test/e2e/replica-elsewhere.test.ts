import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ApiDatabase } from '../support/api-shapes.ts';
import { type CliUser, cliUser } from '../support/cli.ts';
import { processesWith } from '../support/processes.ts';
import { addServer, backUp, protect } from '../support/protect.ts';
import { startRcloneServer } from '../support/rclone-serve.ts';
import { startSftpServer } from '../support/sftp.ts';
import { createShop } from '../support/shop.ts';
import { documented } from '../vault-format/documents.ts';
import { sharedHomeport, sharedPostgres } from './world.ts';

/** One vault whose second copy is put into one place after the other, from a terminal. */
const homeport = sharedHomeport({ controlPlane: { env: { HOMEPORT_LOCAL_ENDPOINTS: 'allow' } } });
const postgres = sharedPostgres();
let user: CliUser;
let database: ApiDatabase;

beforeAll(async () => {
  const { api } = homeport();
  await createShop(postgres(), 'shop', 5_000);
  const agent = await homeport().agent('db-host');
  const server = await addServer(api, agent, { name: 'main', server: postgres() });
  database = await protect(api, server.id, 'shop');
  await backUp(api, database.id);
  user = await cliUser({ url: api.url, key: api.key });
}, 120_000);
afterAll(() => user?.[Symbol.asyncDispose]());

async function run(script: string): Promise<string> {
  const answer = await user.shell(script);
  expect(answer, `${script}\n${answer.stderr}`).toMatchObject({ exitCode: 0 });
  return answer.stdout;
}
const packs = (folder: string) => readdir(join(folder, 'packs'), { recursive: true });
const audited = async () => JSON.stringify(await homeport().api.get('/audit?limit=100'));

test('a replica on an SFTP server, by the command of docs/storage.md; the same again is another login', async () => {
  await using sftp = await startSftpServer();
  await writeFile(join(user.home, 'key'), sftp.privateKey, { mode: 0o600 });
  await writeFile(join(user.home, 'host-keys'), sftp.hostKeys);
  const command = documented('docs/storage.md', 'A replica', 1)
    .replace('/srv/backups/copy', join(sftp.files, 'copy'))
    .replace('backup.example.org', '127.0.0.1')
    .replace('--port 22', `--port ${sftp.port}`)
    .replace('--user homeport', `--user ${sftp.user}`)
    .replace('~/.ssh/backup', 'key');
  expect(await run(command)).toContain(`is copied to sftp://${sftp.user}@127.0.0.1:${sftp.port}`);
  expect(await run('homeport replica Default --wait')).toContain('Snapshots: 1 of 1');
  expect(await packs(join(sftp.files, 'copy'))).not.toHaveLength(0);
  await run(command.replace('--key-file key', '--key-file - <key'));
  const wrong = await user.shell(
    `echo nobody >wrong && chmod 600 wrong && ${command.replace('file key', 'file wrong')}`,
  );
  expect(wrong.exitCode).not.toBe(0);
  expect(wrong.stderr).toContain('key');
  const secret = sftp.privateKey.split('\n')[2] as string;
  expect(await audited()).not.toContain(secret);
  expect(processesWith(secret)).toEqual([]);
  await backUp(homeport().api, database.id);
  expect(await run('homeport replica Default --wait')).toContain('Snapshots: 2 of 2');
  await run('homeport forget-replica Default --confirm Default');
});

test('a replica on WebDAV, by the command of docs/storage.md', async () => {
  await using dav = await startRcloneServer('webdav');
  const { obscured, port, user: login } = dav;
  const section = ['[dav]', 'type = webdav', `url = http://127.0.0.1:${port}`, 'vendor = other'];
  const lines = [...section, `user = ${login}`, `pass = ${obscured}`, ''];
  await writeFile(join(user.home, 'section'), lines.join('\n'), { mode: 0o600 });
  const command = documented('docs/storage.md', 'A replica', 2);
  expect(await run(command)).toContain('is copied to webdav:backups/copy');
  expect(await run('homeport replica Default --wait')).toContain('Snapshots: 2 of 2');
  expect(await packs(join(dav.files, 'backups/copy'))).not.toHaveLength(0);
  expect(await audited()).not.toContain(obscured);
});
