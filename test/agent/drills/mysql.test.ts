import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { processesIn } from '../../../agent/drills/processes.ts';
import type { EngineDriver } from '../../../agent/engines/driver.ts';
import { mysqlDriver } from '../../../agent/engines/mysql/driver.ts';
import { capture, failureOf } from '../../contract/captured.ts';
import type { TestMysql } from '../../support/mysql-family.ts';
import { driver, login, start } from '../engines/mysql/world.ts';
import { NOTHING, openPlace, rehearse, remainsOf } from './world.ts';

let server: TestMysql;
beforeAll(async () => {
  server = await start();
});
afterAll(() => server?.stop());

/** A dump of a new database that `sql` filled. */
async function dumpOf(database: string, sql: string) {
  await server.query(`CREATE DATABASE \`${database}\``);
  await server.script(sql, database);
  return capture(driver, login(server), database);
}

const SHOP = `
CREATE TABLE orders (id int PRIMARY KEY, note text);
INSERT INTO orders SELECT seq, 'canary' FROM seq_1_to_1234;
CREATE TABLE prices (id int PRIMARY KEY, price int) WITH SYSTEM VERSIONING;
INSERT INTO prices VALUES (1, 1); UPDATE prices SET price = 2;
CREATE TABLE nothing (id int); CREATE SEQUENCE numbers;
CREATE DEFINER = gone@nowhere VIEW paid AS SELECT * FROM orders WHERE id < 10;
CREATE DEFINER = gone@nowhere EVENT tidy ON SCHEDULE EVERY 1 SECOND DO DELETE FROM orders;
DELIMITER //
CREATE DEFINER = gone@nowhere FUNCTION twice(a int) RETURNS int DETERMINISTIC RETURN a * 2 //
CREATE DEFINER = gone@nowhere TRIGGER noting BEFORE INSERT ON orders FOR EACH ROW SET NEW.note = 'x' //
DELIMITER ;
`;

test('a snapshot is restored, counted and asked on a server of its own, of which nothing stays', async () => {
  const dump = await dumpOf('drill_sh op', SHOP);
  const place = await openPlace();
  const rehearsal = await rehearse(driver, dump, place);
  expect(rehearsal.serverVersion).toMatch(/^\d+\.\d+\.\d+$/);
  expect(rehearsal.notes).toEqual([]);
  const { tables } = dump.result.catalog;
  expect(tables.map(({ name }) => name).sort()).toEqual(['nothing', 'orders', 'prices']);
  for (const table of tables)
    expect([table.name, await rehearsal.count(table)]).toEqual([table.name, table.rows]);
  expect(await rehearsal.count({ schema: '', name: 'nowhere' })).toBeNull();
  expect(await rehearsal.count({ schema: '', name: 'paid' })).toBeNull();

  expect(Number(await rehearsal.ask('SELECT COUNT(*) = 9 FROM paid;', 5000))).toBe(1);
  expect(Number(await rehearsal.ask('SELECT twice(2) -- four', 5000))).toBe(4);
  const refused = [
    ['SELECT * FROM orders', 'more than one row'],
    ['SELECT 1 FROM orders WHERE id = 0', 'no row'],
    ['SELECT 1; DROP TABLE orders', 'SQL syntax'],
    ['SELECT 1) AS a; DROP TABLE orders; SELECT (1', 'SQL syntax'],
    ['DELETE FROM orders', 'SQL syntax'],
    ['SELECT NEXTVAL(numbers)', 'READ ONLY transaction'],
    ['SELECT * FROM nowhere', "doesn't exist"],
    [`SELECT LOAD_FILE('/etc/passwd') IS NOT NULL AND 1 / 0 FROM mysql.user`, 'denied'],
    ['SELECT SLEEP(60)', 'longer than 0.5 s'],
  ] as const;
  for (const [query, message] of refused) {
    const failure = await failureOf(rehearsal.ask(query, 500));
    expect([query, failure.message]).toEqual([query, expect.stringContaining(message)]);
    expect(JSON.stringify(failure)).not.toContain('canary');
  }
  const [pid] = await processesIn(place.directory);
  for (const file of ['tcp', 'tcp6']) {
    const lines = (await readFile(`/proc/${pid}/net/${file}`, 'utf8')).trim().split('\n').slice(1);
    expect(lines.filter((line) => / 0A /.test(line))).toEqual([]);
  }
  await rehearsal[Symbol.asyncDispose]();
  await place[Symbol.asyncDispose]();
  expect(await remainsOf(place)).toEqual(NOTHING);
});

test.each([
  ['writes a file', (file: string) => `SELECT 1 INTO OUTFILE '${file}'`],
  ['reads a file', () => `LOAD DATA INFILE '/etc/passwd' INTO TABLE bait`],
  ['makes an account', () => `CREATE USER intruder@localhost`],
  ['takes rights', () => `GRANT ALL ON *.* TO homeport_drill_reader@localhost`],
  ['changes the server', () => `SET GLOBAL general_log_file = '/tmp/canary'`],
])('a dump that %s is refused', async (name, act) => {
  const dump = await dumpOf(`hostile ${name}`, 'CREATE TABLE bait (id int); INSERT INTO bait VALUES (1);');
  const place = await openPlace();
  const file = join(place.directory, 'files', 'canary');
  const text = String(dump.streams.get('dump'));
  expect(text).toContain('INSERT INTO `bait`');
  const at = text.indexOf('INSERT INTO `bait`');
  dump.streams.set('dump', Buffer.from(`${text.slice(0, at)}${act(file)};\n${text.slice(at)}`));
  const failure = await failureOf(rehearse(driver, dump, place));
  expect(failure.code).toMatch(/manifest_invalid|restore_sql_error|privilege_missing|dump_incomplete/);
  await expect(readFile(file)).rejects.toThrow('ENOENT');
  await place[Symbol.asyncDispose]();
  expect(await remainsOf(place)).toEqual(NOTHING);
});

test('where no server is installed, it says which to install', async () => {
  const dump = await dumpOf('small', 'CREATE TABLE t (id int)');
  const other = { ...dump.result.catalog.requirements, serverVersion: 990_000 };
  dump.result.catalog.requirements = other;
  const bare = mysqlDriver({ flavour: 'mariadb' }) as EngineDriver;
  expect(await failureOf(rehearse(bare, dump, await openPlace()))).toMatchObject({
    code: 'drill_not_possible',
    message: expect.stringContaining('needs 99.0 or newer'),
    hint: expect.stringContaining('apt-get install mariadb-server'),
  });
});
