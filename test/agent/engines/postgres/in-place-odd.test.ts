import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type Captured,
  capture,
  failureOf,
  found,
  operation,
  restoreInput,
} from '../../../contract/captured.ts';
import { fingerprint } from '../../../support/fingerprint.ts';
import { startPostgres, type TestPostgres } from '../../../support/postgres.ts';
import { driver, login, schemaOf } from './world.ts';

let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await startPostgres({ settings: { max_prepared_transactions: '1' } });
  await postgres.query(`CREATE ROLE lesser LOGIN PASSWORD 'pw'`);
});
afterAll(() => postgres?.stop());

/** Makes a database, by `sql` where some is given, and backs it up. */
async function made(name: string, sql = 'CREATE TABLE t (a int)', exclude: string[] = []): Promise<Captured> {
  await postgres.query(`CREATE DATABASE ${name}`);
  await postgres.query(sql, name);
  return await capture(driver, login(postgres), name, { include: [], exclude });
}
const input = (dump: Captured, targetDatabase: string, endSessions = false) =>
  restoreInput(dump, { mode: 'in-place', targetDatabase, endSessions });
const restore = (dump: Captured, target: string, endSessions = false) =>
  driver.restore(login(postgres), input(dump, target, endSessions), operation());
const preflight = (dump: Captured, target: string, account = login(postgres)) =>
  driver.preflightRestore(account, input(dump, target), operation());
const contents = (database: string) => fingerprint((sql) => postgres.query(sql, database));

test('kinds of objects hardly anybody has are dropped and made again', async () => {
  await postgres.query('CREATE DATABASE exotic');
  for (const line of (await readFile('test/support/exotic-schema.sql', 'utf8')).split('\n'))
    if (line !== '' && !line.startsWith('--')) await postgres.query(line, 'exotic');
  await postgres.query('ALTER SUBSCRIPTION sb SET (slot_name = NONE)', 'exotic');
  await postgres.query('DROP SUBSCRIPTION sb', 'exotic');
  const dump = await capture(driver, login(postgres), 'exotic');
  await driver.restore(login(postgres), restoreInput(dump, { targetDatabase: 'fresh' }), operation());
  expect((await preflight(dump, 'exotic')).findings.map((one) => one.code)).not.toContain('in_place_drops');
  await restore(dump, 'exotic');
  expect(await schemaOf(postgres, 'exotic')).toEqual(await schemaOf(postgres, 'fresh'));
  expect(await contents('exotic')).toEqual(await contents('fresh'));
});

test('names that SQL would run are names, of what is dropped and of what stays', async () => {
  const names = [
    '--',
    ';',
    "'",
    '"',
    '\\',
    '$homeport$',
    '/*',
    `';DROP TABLE t;--`,
    '%I%s',
    'a.b',
    'line\nbreak',
    ' on language ',
  ];
  names.push('x'.repeat(63), 'Ü'.repeat(31), '😀', 'select', 'null', '{a}');
  const quoted = names.map((name) => `"${name.replaceAll('"', '""')}"`);
  const sql = quoted.map(
    (
      n,
    ) => `CREATE SCHEMA ${n}; CREATE TABLE ${n}.${n} (${n} serial PRIMARY KEY); CREATE VIEW ${n}.v AS SELECT * FROM ${n}.${n};
      CREATE DOMAIN ${n}.d AS text; CREATE COLLATION ${n}.${n} FROM "C"; CREATE CAST (${n}.d AS box) WITH INOUT; CREATE PUBLICATION ${n} FOR TABLE ${n}.${n};
      CREATE FUNCTION ${n}.${n}(${n}.d[], ${n}.${n}) RETURNS int LANGUAGE sql AS 'SELECT 1'; COMMENT ON SCHEMA ${n} IS 'x';
      CREATE TABLE public.${n} (a ${n}.d, b int CONSTRAINT ${n} REFERENCES ${n}.${n}); CREATE STATISTICS ${n}.s ON a, b FROM public.${n};
      CREATE RULE ${n} AS ON UPDATE TO public.${n} DO ALSO NOTHING; CREATE POLICY ${n} ON public.${n} USING (true); INSERT INTO ${n}.${n} VALUES (1)`,
  );
  const all = await made('named', sql.join(';'));
  const was = await schemaOf(postgres, 'named');
  expect((await preflight(all, 'named')).findings.map((one) => one.code)).not.toContain('in_place_drops');
  await restore(all, 'named');
  expect(await schemaOf(postgres, 'named')).toEqual(was);

  const selection = { include: [], exclude: names.map((name) => `public.${name}`) };
  const part = await capture(driver, login(postgres), 'named', selection);
  for (const n of quoted) await postgres.query(`INSERT INTO public.${n} VALUES ('mine', 1)`, 'named');
  const full = await contents('named');
  await restore(part, 'named');
  expect(await schemaOf(postgres, 'named')).toEqual(was);
  expect(await contents('named')).toEqual(full);
});

test('what lies in information_schema is none of ours', async () => {
  const dump = await made('standard', 'CREATE TABLE information_schema.mine (a int); CREATE TABLE t (a int)');
  await restore(dump, 'standard');
  expect(await postgres.query('SELECT * FROM information_schema.mine', 'standard')).toEqual([]);
});

test('settings of the target that write names otherwise change no answer', async () => {
  const dump = await made('quoting');
  await postgres.query(
    `ALTER DATABASE quoting SET quote_all_identifiers = on; ALTER DATABASE quoting SET search_path = ''`,
  );
  expect(found(await preflight(dump, 'quoting'))).toEqual([]);
  await restore(dump, 'quoting');
});

test('what only superusers can own takes one', async () => {
  const dump = await made('owned', 'ALTER DATABASE owned OWNER TO lesser');
  const sql = [
    `CREATE FUNCTION e() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'; CREATE EVENT TRIGGER armed ON ddl_command_end EXECUTE FUNCTION e()`,
    'CREATE CAST (int AS point) WITH INOUT',
    'CREATE FOREIGN DATA WRAPPER w',
    'CREATE PUBLICATION p FOR ALL TABLES',
    'CREATE ACCESS METHOD heap2 TYPE TABLE HANDLER heap_tableam_handler',
  ];
  for (const one of sql) await postgres.query(one, 'owned');
  const { modes } = await preflight(dump, 'owned', login(postgres, { user: 'lesser' }, 'pw'));
  expect(modes.find((one) => one.mode === 'in-place')?.sql).toBe(
    'ALTER ROLE "lesser" SUPERUSER; -- and NOSUPERUSER afterwards',
  );
  await restore(dump, 'owned');
  expect(await postgres.query('SELECT 1 FROM pg_event_trigger', 'owned')).toEqual([]);
});

test('large objects that go are announced', async () => {
  const dump = await made('large', 'CREATE TABLE t (a int); CREATE TABLE log (a oid)', ['public.log']);
  await postgres.query(`INSERT INTO log SELECT lo_from_bytea(0, 'x')`, 'large');
  const { findings } = await preflight(dump, 'large');
  expect(findings.find((one) => one.code === 'in_place_large_objects')).toMatchObject({
    message: '1 large objects will be dropped; the snapshot has none.',
    hint: expect.stringContaining('Rows that stay'),
  });
});

test('a database that takes no writes says so', async () => {
  const dump = await made('locked');
  await postgres.query('ALTER DATABASE locked SET default_transaction_read_only = on');
  expect(await failureOf(restore(dump, 'locked'))).toMatchObject({
    code: 'restore_not_possible',
    hint: expect.stringContaining('default_transaction_read_only'),
  });
});

describe('a lock that is not given up', () => {
  test('of a prepared transaction: which it is, is said', async () => {
    const dump = await made('prepared');
    await postgres.query(`BEGIN; INSERT INTO t VALUES (1); PREPARE TRANSACTION 'held'`, 'prepared');
    expect(await failureOf(restore(dump, 'prepared', true))).toMatchObject({
      code: 'database_in_use',
      hint: expect.stringContaining(`a prepared transaction ('held'`),
    });
    await postgres.query(`ROLLBACK PREPARED 'held'`, 'prepared');
  });

  test('on a table that stays ends the restore as well', async () => {
    const sql = 'CREATE TABLE log (a int); CREATE TABLE t (a int); CREATE PUBLICATION p FOR TABLE log';
    const dump = await made('publishing', sql, ['public.log']);
    const held = postgres
      .query('BEGIN; LOCK TABLE log IN SHARE MODE; SELECT pg_sleep(60)', 'publishing')
      .catch(() => {});
    const waiting = `SELECT 1 FROM pg_locks WHERE relation = 'log'::regclass AND mode = 'ShareLock'`;
    while ((await postgres.query(waiting, 'publishing')).length === 0);
    expect(await failureOf(restore(dump, 'publishing'))).toMatchObject({ code: 'database_in_use' });
    await restore(dump, 'publishing', true);
    await held;
  });
});
