import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CliUser, cliUser } from '../support/cli.ts';
import { startMariadb, type TestMariadb } from '../support/mariadb.ts';
import { createMariadbShop } from '../support/mariadb-shop.ts';
import { enabledEvents, mysqlFingerprint } from '../support/mysql-fingerprint.ts';
import { addServer, protect } from '../support/protect.ts';
import { sharedHomeport } from './world.ts';

/** The command line with MariaDB: there and back in every way it has. */
const homeport = sharedHomeport();
let mariadb: TestMariadb;
let user: CliUser;

beforeAll(async () => {
  mariadb = await startMariadb();
  await mariadb.query(`CREATE USER app@'%'; GRANT SELECT ON *.* TO app@'%'; CREATE USER standin@'%'`);
  await createMariadbShop(mariadb, 'shop', 5000);
  await mariadb.query(
    `CREATE DEFINER = app@'%' VIEW recent AS SELECT id FROM orders WHERE id > 4900`,
    'shop',
  );
  const { api } = homeport();
  const agent = await homeport().agent('host');
  const server = await addServer(api, agent, { name: 'main', server: mariadb });
  await protect(api, server.id, 'shop');
  user = await cliUser(api);
}, 90_000);
afterAll(async () => {
  await user?.[Symbol.asyncDispose]();
  await mariadb?.stop();
});

const contents = (database: string) => mysqlFingerprint((sql) => mariadb.query(sql, database));
const running = (database: string) => enabledEvents((sql) => mariadb.query(sql, database));
const restore = (...args: string[]) =>
  user.run(['restore', 'latest', '--of', 'main/shop', '--to', 'main', ...args, '--wait']);

test('backup --wait', async () => {
  const { exitCode, stdout } = await user.run(['backup', 'main/shop', '--wait']);
  expect(exitCode).toBe(0);
  const { event, job } = JSON.parse(stdout.split('\n').at(-1) ?? '');
  expect(event).toBe('finished');
  expect(job).toMatchObject({ state: 'succeeded', result: { kind: 'backup' } });
  const shown = await user.run(['snapshot', job.snapshotId]);
  for (const words of ['3 × table', '2 × view', '1 × event']) expect(shown.stdout).toContain(words);
});

test('restore as a new database: events stay off, and that is said', async () => {
  await mariadb.query(`ALTER EVENT tidy ENABLE`, 'shop');
  const { exitCode, stderr, stdout } = await restore('--as', 'copy');
  expect(exitCode, stderr).toBe(0);
  expect(await contents('copy')).toEqual(await contents('shop'));
  expect(await running('copy')).toEqual([]);
  expect(stdout).toContain('ALTER EVENT');
});

test('--enable-events lets them run, --map-to gives definers’ parts to another account', async () => {
  const { exitCode, stderr } = await restore('--as', 'mapped', '--enable-events', '--map-to', 'standin@%');
  expect(exitCode, stderr).toBe(0);
  expect(await running('mapped')).toEqual(['tidy']);
  const definers = await mariadb.query(
    `SELECT DISTINCT DEFINER AS account FROM information_schema.VIEWS WHERE TABLE_SCHEMA = 'mapped'`,
  );
  expect(definers).toEqual([{ account: 'standin@%' }]);
});

test('in place: it wants the name, takes a safety snapshot first, and replaces what is there', async () => {
  const before = await contents('copy');
  await mariadb.query('DELETE FROM orders WHERE id > 100; CREATE TABLE newcomer (n int)', 'copy');
  const unconfirmed = await restore('--in-place', '--into', 'copy');
  expect(unconfirmed).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('--confirm copy') });
  expect(unconfirmed.stderr).toContain('newcomer');
  const { exitCode, stderr, stdout } = await restore('--in-place', '--into', 'copy', '--confirm', 'copy');
  expect(exitCode, stderr).toBe(0);
  expect(await contents('copy')).toEqual(before);
  const { job } = JSON.parse(stdout.split('\n').at(-1) ?? '');
  const safety = await user.run(['snapshot', job.safetySnapshotId]);
  expect(safety.stdout).toContain('4 × table');
});

test('swap is none of MariaDB’s ways, and says so', async () => {
  const { exitCode, stderr } = await restore('--swap', '--into', 'copy', '--confirm', 'copy');
  expect(exitCode).toBe(1);
  expect(stderr).toContain('restore_not_possible');
  expect(stderr).toContain('no mode “swap”');
});

test('a download goes back in with the stock client', async () => {
  const file = join(user.home, 'shop.sql');
  expect((await user.run(['download', 'latest', '--of', 'main/shop', '--out', file])).exitCode).toBe(0);
  await mariadb.query('CREATE DATABASE stock CHARACTER SET utf8mb4');
  await mariadb.script(await readFile(file), 'stock');
  expect(await contents('stock')).toEqual(await contents('shop'));
});
