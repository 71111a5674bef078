import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { checksums } from '../support/checksums.ts';
import { cliUser } from '../support/cli.ts';
import { postgresBinaries } from '../support/postgres.ts';
import { addServer, protect } from '../support/protect.ts';
import { createShop } from '../support/shop.ts';
import { documentedPage } from '../vault-format/documents.ts';
import { sharedHomeport, sharedPostgres } from './world.ts';

const homeport = sharedHomeport();
const postgres = sharedPostgres();

// Some fifty commands, each a program of its own: on busy cores that takes minutes.
test('the examples of docs/cli.md do what it says', async () => {
  const { api } = homeport();
  await createShop(postgres(), 'shop', 5_000);
  const server = await addServer(api, await homeport().agent('db-host'), {
    name: 'main',
    server: postgres(),
  });
  await protect(api, server.id, 'shop');
  await using newcomer = await cliUser();
  const secrets = [
    ['key', api.key],
    ['admin-password', postgres().password],
    ['server-password', postgres().password],
  ] as const;
  for (const [name, text] of secrets)
    await writeFile(join(newcomer.home, name), `${text}\n`, { mode: 0o600 });
  await postgres().query(`CREATE ROLE admin SUPERUSER LOGIN PASSWORD '${postgres().password}'`);
  const blocks = documentedPage('docs/cli.md');
  expect(blocks.length).toBeGreaterThan(8);
  const path = `${postgresBinaries().directory}:${process.env.PATH}`;
  for (const block of blocks) {
    const script = block.replaceAll('https://backups.example.org', api.url);
    const answer = await newcomer.shell(script, { PATH: path });
    expect(answer, script).toMatchObject({ exitCode: 0 });
    expect(answer.stdout + answer.stderr).not.toContain(api.key);
  }
  const live = await checksums(postgres(), 'shop');
  for (const copy of ['shop_copy', 'shop_too']) expect(await checksums(postgres(), copy)).toEqual(live);
  const sql = await readFile(join(newcomer.home, 'shop.sql'), 'utf8');
  expect(sql).toContain('COPY public.orders ');
  const login = join(newcomer.home, '.config/homeport/cli.json');
  for (const file of [login, join(newcomer.home, 'shop.dump'), join(newcomer.home, 'kit.txt')])
    expect((await stat(file)).mode & 0o777, file).toBe(0o600);
  const { stdout } = await newcomer.shell('homeport logout; homeport whoami || echo "ended with $?"');
  expect(stdout).toContain('ended with 3');
}, 300_000);
