import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ServerTarget } from '../../../../agent/engines/driver.ts';
import { driverFor } from '../../../../agent/engines/registry.ts';
import { postgresql } from '../../../../protocol/engines/postgres.ts';
import type { BackupPreflight } from '../../../../protocol/restore.ts';
import { capture, failureOf, operation, restoreInput, whole } from '../../../contract/captured.ts';
import { fingerprint } from '../../../support/fingerprint.ts';
import { startPostgres, type TestPostgres } from '../../../support/postgres.ts';

const driver = driverFor('postgresql');
let postgres: TestPostgres;
let account: ServerTarget;
let count = 0;

beforeAll(async () => {
  postgres = await startPostgres();
  await postgres.query('CREATE ROLE app LOGIN');
  await postgres.query('CREATE DATABASE plain OWNER app');
  await postgres.query(
    `SET ROLE app; CREATE TABLE t (id serial PRIMARY KEY, b text); INSERT INTO t (b) SELECT g FROM generate_series(1, 20) g;
     CREATE VIEW v AS SELECT * FROM t; CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'`,
    'plain',
  );
  // Restores start from a database that no test grants anything in.
  await postgres.query('CREATE DATABASE untouched TEMPLATE plain OWNER app');
  await postgres.query('CREATE DATABASE guarded OWNER app');
  await postgres.query(
    `CREATE SCHEMA "Hidden one" AUTHORIZATION app; SET ROLE app; CREATE TABLE "Hidden one"."T 1" (id serial); CREATE TABLE "Hidden one".p (a int) PARTITION BY LIST (a);
     CREATE TABLE public.secured (a int); ALTER TABLE public.secured ENABLE ROW LEVEL SECURITY; INSERT INTO public.secured VALUES (1);
     CREATE SEQUENCE public.lone; SELECT lo_from_bytea(0, 'x'), lo_from_bytea(0, 'y')`,
    'guarded',
  );
});
afterAll(() => postgres?.stop());

beforeEach(async () => {
  count += 1;
  const user = `Account ${count}`;
  await postgres.query(`CREATE ROLE "${user}" LOGIN PASSWORD 'it:s\\secret'`);
  account = {
    connection: { host: postgres.host, port: postgres.port, user, tls: 'off' },
    password: 'it:s\\secret',
  };
});

const user = () => `"${account.connection.user}"`;
const backup = (database: string) => driver.preflightBackup(account, whole(database), operation());
const blockers = (preflight: Pick<BackupPreflight, 'findings'>) =>
  preflight.findings.filter((finding) => finding.severity === 'blocker');
const codes = (preflight: Pick<BackupPreflight, 'findings'>) =>
  blockers(preflight)
    .map((finding) => finding.code)
    .sort();

/** Runs the documented statements of an account recipe. */
async function grant(recipe: string, database: string) {
  const sql = postgresql.descriptor.accounts.find((one) => one.id === recipe)?.sql ?? '';
  const [server = '', inside] = sql
    .replace(/^CREATE USER .*;$/m, '')
    .replaceAll('{user}', user())
    .replaceAll('{database}', `"${database}"`)
    .split(/^\\c .*$/m);
  await postgres.query(server || 'SELECT 1');
  if (inside) await postgres.query(inside, database);
}

describe('backup', () => {
  test.each(['superuser', 'createdb', 'single'])(
    'the documented account “%s” backs a plain schema up',
    async (recipe) => {
      await grant(recipe, 'plain');
      expect(codes(await backup('plain'))).toEqual([]);
      const { result } = await capture(driver, account, 'plain');
      expect(result.catalog.tables).toMatchObject([{ schema: 'public', name: 't', rows: 20 }]);
    },
  );

  test('a naked account is told each GRANT; pasting them makes the dump work', async () => {
    expect(codes(await backup('guarded'))).toEqual([
      'large_object_unreadable',
      'row_security',
      'schema_unreadable',
      'sequence_unreadable',
      'table_unreadable',
    ]);
    const failure = await failureOf(capture(driver, account, 'guarded'));
    expect(failure.code).toBe('privilege_missing');
    for (const finding of blockers(await backup('guarded'))) {
      expect(finding.hint).toBeTruthy();
      await postgres.query(finding.sql ?? '', 'guarded');
    }
    expect(codes(await backup('guarded'))).toEqual([]);
    const { result } = await capture(driver, account, 'guarded');
    expect(result.catalog.tables.find((table) => table.name === 'secured')).toMatchObject({ rows: 1 });
    expect(result.catalog.objectCounts['large objects']).toBe(2);
  });

  test('pg_read_all_data covers all but large objects and row security', async () => {
    await postgres.query(`GRANT pg_read_all_data TO ${user()}`);
    expect(codes(await backup('guarded'))).toEqual(['large_object_unreadable', 'row_security']);
  });

  test('no CONNECT: the GRANT for it comes first', async () => {
    await postgres.query('REVOKE CONNECT ON DATABASE plain FROM PUBLIC');
    const preflight = await backup('plain');
    expect(codes(preflight)).toEqual(['connect_missing']);
    expect(
      (await driver.listDatabases(account, operation())).find((one) => one.name === 'plain'),
    ).toMatchObject({ connectable: false });
    await postgres.query(blockers(preflight)[0]?.sql ?? '');
    expect(codes(await backup('plain'))).not.toContain('connect_missing');
    await postgres.query('GRANT CONNECT ON DATABASE plain TO PUBLIC');
  });
});

describe('restore', () => {
  const plainDump = () =>
    capture(
      driver,
      { connection: { ...account.connection, user: 'postgres' }, password: postgres.password },
      'untouched',
    );
  const verdicts = async (input: ReturnType<typeof restoreInput>) => {
    const { modes, ownerChoices } = await driver.preflightRestore(account, input, operation());
    return Object.fromEntries([
      ...modes.map((one) => [one.mode, one]),
      ...ownerChoices.map((one) => [one.choice, one]),
    ]);
  };

  test('nothing is possible without CREATEDB; the printed SQL makes it so, and then it works', async () => {
    const input = restoreInput(await plainDump(), { targetDatabase: `copy ${count}`, owners: 'none' });
    const before = await verdicts(input);
    expect(before.new).toMatchObject({ possible: false, sql: `ALTER ROLE ${user()} CREATEDB;` });
    expect(await failureOf(driver.restore(account, input, operation()))).toMatchObject({
      code: 'privilege_missing',
      sql: before.new?.sql,
    });
    await postgres.query(before.new?.sql ?? '');
    expect((await verdicts(input)).new).toMatchObject({ possible: true });
    await driver.restore(account, input, operation());
    const contents = (database: string) => fingerprint((sql) => postgres.query(sql, database));
    expect(await contents(`copy ${count}`)).toEqual(await contents('untouched'));
    const [owner] = await postgres.query(
      `SELECT pg_get_userbyid(relowner) AS owner FROM pg_class WHERE relname = 't'`,
      `copy ${count}`,
    );
    expect(owner.owner).toBe(account.connection.user);
  });

  test('keeping owners takes membership; the printed SQL makes it so, and then it works', async () => {
    await postgres.query(`ALTER ROLE ${user()} CREATEDB`);
    const input = restoreInput(await plainDump(), { targetDatabase: `kept ${count}`, owners: 'keep' });
    const before = await verdicts(input);
    expect(before.keep).toMatchObject({ possible: false, sql: `GRANT "app" TO ${user()};` });
    await postgres.query(before.keep?.sql ?? '');
    await driver.restore(account, input, operation());
    const [owner] = await postgres.query(
      `SELECT pg_get_userbyid(relowner) AS owner FROM pg_class WHERE relname = 't'`,
      `kept ${count}`,
    );
    expect(owner.owner).toBe('app');
  });

  test('swap takes ownership; the printed SQL makes it so, and then it works', async () => {
    await postgres.query(`ALTER ROLE ${user()} CREATEDB; `);
    await postgres.query(`CREATE DATABASE "swapped ${count}"`);
    const input = restoreInput(await plainDump(), {
      mode: 'swap',
      targetDatabase: `swapped ${count}`,
      owners: 'none',
    });
    const before = await verdicts(input);
    expect(before.swap).toMatchObject({
      possible: false,
      sql: `ALTER DATABASE "swapped ${count}" OWNER TO ${user()};`,
    });
    expect(before.new).toMatchObject({ possible: false, reason: expect.stringContaining('exists') });
    await postgres.query(before.swap?.sql ?? '');
    const report = await driver.restore(account, input, operation());
    expect(report.keptAs).toMatch(new RegExp(`^swapped ${count}_before_\\d{14}$`));
  });

  test('creating roles takes CREATEROLE; the printed SQL makes it so, and then it works', async () => {
    await using fresh = await startPostgres();
    const dump = await plainDump();
    account = { connection: { ...account.connection, port: fresh.port }, password: 'pw' };
    await fresh.query(`CREATE ROLE ${user()} LOGIN PASSWORD 'pw' CREATEDB`);
    const input = restoreInput(dump, { targetDatabase: 'plain', owners: 'create-roles' });
    const before = await verdicts(input);
    expect(before['create-roles']).toMatchObject({
      possible: false,
      sql: `ALTER ROLE ${user()} CREATEROLE;`,
    });
    await fresh.query(before['create-roles']?.sql ?? '');
    const report = await driver.restore(account, input, operation());
    expect(report.notes.join(' ')).toContain('“app”');
    const [owner] = await fresh.query(
      `SELECT pg_get_userbyid(relowner) AS owner FROM pg_class WHERE relname = 't'`,
      'plain',
    );
    expect(owner.owner).toBe('app');
  });

  test('names too long, and the maintenance database, are refused with a reason', async () => {
    await postgres.query(`ALTER ROLE ${user()} SUPERUSER`);
    const dump = await plainDump();
    const long = await verdicts(restoreInput(dump, { targetDatabase: 'ü'.repeat(32) }));
    expect(long.new).toMatchObject({ possible: false, reason: expect.stringContaining('64 bytes') });
    const own = await verdicts(restoreInput(dump, { targetDatabase: 'postgres' }));
    expect(own.swap).toMatchObject({ possible: false, reason: expect.stringContaining('maintenance') });
  });
});
