import { copyFile, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { ApiSnapshot } from '../support/api-shapes.ts';
import { checksums } from '../support/checksums.ts';
import { ROOT } from '../support/child.ts';
import { type Homeport, startHomeport } from '../support/harness.ts';
import { startMariadb } from '../support/mariadb.ts';
import { postgresBinaries, startPostgres } from '../support/postgres.ts';
import { addServer, backUp, protect } from '../support/protect.ts';
import { type Desk, recoveryDesk, runIn } from '../support/recovery.ts';
import { changeShop, createShop } from '../support/shop.ts';
import { documented } from '../vault-format/documents.ts';
import { readKit, readSnapshot, snapshotIds } from '../vault-format/reader.ts';

/** Saves the kit as the page says, keeps the vault's files, and lets everything else go. */
async function disaster(homeport: Homeport): Promise<Desk> {
  const { api, directory } = homeport;
  const [vault] = await api.get<{ id: string; path: string; kitDownloadedAt: string | null }[]>('/vaults');
  expect(vault?.kitDownloadedAt).toBeNull();
  const aside = await mkdtemp(join(tmpdir(), 'homeport-kit-'));
  const path = `${join(ROOT, 'control-plane')}:/usr/bin:/bin`;
  const env = { PATH: path, HOME: aside, HOMEPORT_URL: api.url, HOMEPORT_API_KEY: api.key };
  const saved = await runIn(
    aside,
    ['/bin/sh', '-ec', documented('docs/recovery.md', 'Before it happens')],
    env,
  );
  expect(saved).toMatchObject({ code: 0, stderr: '' });
  const [after] = await api.get<{ kitDownloadedAt: string | null }[]>('/vaults');
  expect(Date.parse(String(after?.kitDownloadedAt))).toBeGreaterThan(0);
  const [entry] = await api.get<{ action: string; target: { id: string } }[]>('/audit?limit=1');
  expect(entry).toMatchObject({ action: 'vault.recovery-kit', target: { id: vault!.id } });
  const desk = await recoveryDesk(vault!.path, await readFile(join(aside, 'kit.txt'), 'utf8'));
  await rm(aside, { recursive: true });
  await homeport.stop();
  await expect(readdir(directory)).rejects.toMatchObject({ code: 'ENOENT' });
  onTestFinished(() => desk[Symbol.asyncDispose]());
  return desk;
}

test('PostgreSQL: every command of docs/recovery.md, with nothing left but the vault’s files and the kit', async () => {
  await using source = await startPostgres();
  await createShop(source, 'shop', 20_000);
  const homeport = await startHomeport();
  onTestFinished(() => homeport.stop());
  const agent = await homeport.agent('db-host');
  const server = await addServer(homeport.api, agent, { name: 'main', server: source });
  const { id } = await protect(homeport.api, server.id, 'shop');
  const before = await checksums(source, 'shop');
  const first = (await backUp(homeport.api, id)).snapshot;
  const dump = Buffer.from(await (await homeport.api.fetch(`/snapshots/${first.id}/download`)).arrayBuffer());
  await changeShop(source, 'shop');
  const second = (await backUp(homeport.api, id)).snapshot;
  const desk = await disaster(homeport);

  await using target = await startPostgres();
  const { directory } = postgresBinaries();
  const { PGHOST, PGPASSWORD, PGPORT, PGUSER } = target.psqlEnv;
  await symlink(ROOT, join(desk.path, 'homeport'));
  const env = {
    PATH: `${join(ROOT, 'node_modules/.bin')}:${directory}:/usr/bin:/bin`,
    ...{ PGHOST: PGHOST!, PGPASSWORD: PGPASSWORD!, PGPORT: PGPORT!, PGUSER: PGUSER! },
    ...{ SNAPSHOT: first.id, VAULT_FILES: desk.path },
  };
  const follow = async (block: string) => {
    const result = await desk.shell(block, env);
    expect(result, result.stderr).toMatchObject({ code: 0 });
    return result;
  };
  const listed = (await follow(documented('docs/recovery.md', 'The day it happens'))).stdout;
  for (const { id, sequence } of [first, second] as ApiSnapshot[])
    expect(listed).toMatch(new RegExp(`^${id}  .*  main/shop #${sequence}  postgresql 15`, 'm'));
  const got = await follow(documented('docs/recovery.md', 'The day it happens', 1));
  expect(got.stderr).toContain(`To put it back:  pg_restore --dbname=NAME 'shop.dump'`);
  expect(dump.equals(await readFile(join(desk.path, 'shop.dump')))).toBe(true);
  await follow(documented('docs/recovery.md', 'PostgreSQL'));
  expect(await checksums(target, 'shop')).toEqual(before);
  await follow(documented('docs/recovery.md', 'PostgreSQL', 1));
  const globals = JSON.parse(await readFile(join(desk.path, 'all.dump.globals'), 'utf8'));
  expect(globals).toBeTypeOf('object');
  const piped = await follow(documented('docs/recovery.md', 'PostgreSQL', 2));
  expect(piped.stderr).toContain('all proved');
  expect(await checksums(target, 'shop_too')).toEqual(before);
  const trusted = await follow(documented('docs/recovery.md', 'A copy of recover.mjs that you trust'));
  expect(trusted.stdout).toBe(listed);

  const kit = readKit(await readFile(join(desk.path, 'kit.txt'), 'utf8'));
  expect(snapshotIds(desk.path).toSorted()).toEqual([first.id, second.id].toSorted());
  const read = await readSnapshot(desk.path, kit, first.id);
  expect(dump.equals(read.streams.get('dump') ?? Buffer.alloc(0))).toBe(true);
  expect(read.catalog.tables).toHaveLength(3);
});

test('MariaDB: the dump comes back from files and kit alone', async () => {
  await using source = await startMariadb();
  await source.script(
    `CREATE DATABASE shop; USE shop;
     CREATE TABLE orders (id int PRIMARY KEY AUTO_INCREMENT, note text, paid bit(1), photo blob) CHARSET utf8mb4;
     INSERT INTO orders (note, paid, photo)
       SELECT CONCAT('Größe ', seq, ' “', REPEAT('x', seq % 97), '”'), seq % 2, UNHEX(SHA2(seq, 512)) FROM seq_1_to_20000;
     CREATE VIEW paid AS SELECT id FROM orders WHERE paid;`,
  );
  const homeport = await startHomeport();
  onTestFinished(() => homeport.stop());
  const agent = await homeport.agent('db-host');
  const server = await addServer(homeport.api, agent, { name: 'main', server: source });
  const before = await checksums(source, 'shop');
  const { snapshot } = await backUp(homeport.api, (await protect(homeport.api, server.id, 'shop')).id);
  const download = await homeport.api.fetch(`/snapshots/${snapshot.id}/download`);
  const dump = Buffer.from(await download.arrayBuffer());
  const desk = await disaster(homeport);

  await using target = await startMariadb();
  await copyFile(target.defaultsFile, join(desk.path, '.my.cnf'));
  const path = `${join(ROOT, 'node_modules/.bin')}:/usr/bin:/bin`;
  const env = { PATH: path, HOME: desk.path, SNAPSHOT: snapshot.id };
  const got = await desk.shell(documented('docs/recovery.md', 'The day it happens', 1), env);
  expect(got, got.stderr).toMatchObject({
    code: 0,
    stderr: expect.stringContaining(`mariadb NAME < 'shop.dump'`),
  });
  expect(dump.equals(await readFile(join(desk.path, 'shop.dump')))).toBe(true);
  const put = await desk.shell(documented('docs/recovery.md', 'MariaDB and MySQL'), env);
  expect(put, put.stderr).toMatchObject({ code: 0 });
  expect(await checksums(target, 'shop')).toEqual(before);
  const kit = readKit(await readFile(join(desk.path, 'kit.txt'), 'utf8'));
  const { streams } = await readSnapshot(desk.path, kit, snapshot.id);
  expect(dump.equals(streams.get('dump') ?? Buffer.alloc(0))).toBe(true);
});
