import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { ApiJob } from '../support/api-shapes.ts';
import { checksums } from '../support/checksums.ts';
import { cliUser } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { postgresBinaries } from '../support/postgres.ts';
import { addServer, protect } from '../support/protect.ts';
import { createShop } from '../support/shop.ts';
import { documented } from '../vault-format/documents.ts';
import { sharedHomeport, sharedPostgres } from './world.ts';

const homeport = sharedHomeport();
const postgres = sharedPostgres();

test('the example of docs/api.md backs up, downloads and restores', async () => {
  const { api } = homeport();
  await createShop(postgres(), 'shop', 2_000);
  await postgres().query('CREATE DATABASE somewhere');
  const server = await addServer(api, await homeport().agent('db-host'), {
    name: 'main',
    server: postgres(),
  });
  const database = await protect(api, server.id, 'shop');
  await using somebody = await cliUser();
  const script = documented('docs/api.md', 'Using it')
    .replace('https://backups.example.org', api.url)
    // The key is typed; a pipe takes the place of the terminal.
    .replace('read -rs KEY', `read -rs KEY <<<'${api.key}'`);
  const { directory } = postgresBinaries();
  const env = { PATH: `${directory}:${process.env.PATH}`, ...postgres().psqlEnv };
  const answer = await somebody.shell(script, { ...env, DATABASE: database.id, SERVER: server.id });
  expect(answer, answer.stderr).toMatchObject({ exitCode: 0 });
  expect(answer.stdout).toContain(`${database.id}\tmain\tshop\t`);
  expect(answer.stdout).toContain('"state": "succeeded"');
  const dump = await readFile(join(somebody.home, 'shop.dump'));
  expect(dump.subarray(0, 5).toString()).toBe('PGDMP');
  const live = await checksums(postgres(), 'shop');
  expect(await checksums(postgres(), 'somewhere')).toEqual(live);
  await eventually('the restore has succeeded', async () => {
    const jobs = await api.get<ApiJob[]>('/jobs');
    return jobs.find(({ kind }) => kind === 'restore')?.state === 'succeeded';
  });
  expect(await checksums(postgres(), 'shop_copy')).toEqual(live);
});
