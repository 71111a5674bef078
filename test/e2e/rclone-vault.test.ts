import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { checksums } from '../support/checksums.ts';
import { cliUser } from '../support/cli.ts';
import { startHomeport } from '../support/harness.ts';
import { startPostgres } from '../support/postgres.ts';
import { addServer, backUp, protect, restore } from '../support/protect.ts';
import { startRcloneServer } from '../support/rclone-serve.ts';
import { createShop } from '../support/shop.ts';
import { documented } from '../vault-format/documents.ts';

interface ApiVault {
  id: string;
  store: string;
  snapshotCount: number;
}

test('a vault on WebDAV, by the commands of docs/storage.md: backup, restore, another section', async () => {
  await using dav = await startRcloneServer('webdav');
  await using postgres = await startPostgres();
  await using homeport = await startHomeport({
    controlPlane: { env: { HOMEPORT_LOCAL_ENDPOINTS: 'allow' } },
  });
  const { api } = homeport;
  await using user = await cliUser({ url: api.url, key: api.key });
  const { obscured, password, port, user: login } = dav;
  const lines = [
    '[dav]',
    'type = webdav',
    `url = http://127.0.0.1:${port}`,
    'vendor = other',
    `user = ${login}`,
  ];
  const configuration = [
    '[other]',
    'type = b2',
    '',
    ...lines,
    `pass = ${obscured}`,
    '',
    '[third]',
    'type = s3',
    '',
  ];
  await mkdir(join(user.home, '.config/rclone'), { recursive: true });
  await writeFile(join(user.home, '.config/rclone/rclone.conf'), configuration.join('\n'));
  const run = async (script: string) => {
    const answer = await user.shell(script);
    expect(answer.exitCode, answer.stderr).toBe(0);
    return answer.stdout;
  };
  const made = await run(documented('docs/storage.md', 'A vault anywhere else'));
  expect(made).toContain('Vault “cloud” is in webdav:backups/homeport.');
  await run('homeport use-vault cloud');
  const kept = join(dav.files, 'backups/homeport');
  expect((await readdir(kept)).sort()).toEqual(expect.arrayContaining(['recover.mjs', 'vault.json']));

  await createShop(postgres, 'shop', 10_000);
  const agent = await homeport.agent('db-host');
  const server = await addServer(api, agent, { name: 'main', server: postgres });
  const database = await protect(api, server.id, 'shop');
  const { snapshot } = await backUp(api, database.id);
  await run('homeport change-rclone cloud --path backups/homeport --section-file section');
  await restore(api, snapshot.id, { serverId: server.id, plan: { targetDatabase: 'shop_copy' } });
  expect(await checksums(postgres, 'shop_copy')).toEqual(await checksums(postgres, 'shop'));
  expect((await readdir(join(kept, 'packs'), { recursive: true })).length).toBeGreaterThan(1);

  expect(await run('homeport space cloud')).toMatch(/Grows by: +known after a week/);
  expect(await run('homeport space Default')).toMatch(/Free: +[\d.]+ [KMGT]iB/);

  const told = JSON.stringify([await api.get<ApiVault[]>('/vaults'), await api.get('/audit?limit=500')]);
  expect(told).toContain('webdav:backups/homeport');
  for (const secret of [obscured, password]) expect(told).not.toContain(secret);
}, 300_000);
