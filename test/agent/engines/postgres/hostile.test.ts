import { access, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Captured, capture, operation, restoreInput } from '../../../contract/captured.ts';
import { startPostgres, type TestPostgres } from '../../../support/postgres.ts';
import { driver, login } from './world.ts';

let postgres: TestPostgres;
let scratch: string;
let count = 0;
beforeAll(async () => {
  postgres = await startPostgres();
  scratch = await mkdtemp(join(tmpdir(), 'homeport-canary-'));
  await postgres.query(`CREATE ROLE lesser; CREATE ROLE maker LOGIN CREATEDB PASSWORD 'pw' IN ROLE lesser`);
});
afterAll(async () => {
  await postgres?.stop();
  await rm(scratch, { recursive: true, force: true });
});
beforeEach(async () => {
  count += 1;
  await postgres.query(`CREATE DATABASE hostile_${count} OWNER lesser`);
});

/** Dumps the test's database after `sql` was run in it, and gives the codes a preflight as `account` answers. */
async function codes(sql: string, account = login(postgres)): Promise<string[]> {
  await postgres.query(sql, `hostile_${count}`);
  const dump = await capture(driver, login(postgres), `hostile_${count}`);
  const input = restoreInput(dump, { targetDatabase: 'never' });
  const { findings } = await driver.preflightRestore(account, input, operation());
  return findings.map((finding) => finding.code);
}

describe('a superuser is warned of code that a lesser role owns', () => {
  test.each([
    ['a function', `SET ROLE lesser; CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'`],
    [
      'a CHECK that calls what is built in',
      `SET ROLE lesser; CREATE TABLE t (a text CHECK (query_to_xml(a, true, true, '') IS NOT NULL))`,
    ],
    [
      'a domain’s CHECK',
      `SET ROLE lesser; CREATE DOMAIN d AS text CHECK (query_to_xml(value, true, true, '') IS NOT NULL)`,
    ],
    [
      'a materialized view',
      `SET ROLE lesser; CREATE MATERIALIZED VIEW m AS SELECT query_to_xml('SELECT 1', true, true, '')::text AS a`,
    ],
    [
      'the function of a superuser’s event trigger',
      `CREATE FUNCTION e() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'; ALTER FUNCTION e() OWNER TO lesser;
       CREATE EVENT TRIGGER armed ON ddl_command_end EXECUTE FUNCTION e()`,
    ],
  ])('%s', async (_, sql) => {
    expect(await codes(sql)).toContain('runs_foreign_code');
  });

  test('but not where nobody lesser owns any, and not an account that is no superuser', async () => {
    const mine = `CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE TABLE t (a int CHECK (a > f()))`;
    expect(await codes(mine)).not.toContain('runs_foreign_code');
    const theirs = `SET ROLE lesser; CREATE FUNCTION g() RETURNS int LANGUAGE sql AS 'SELECT 1'`;
    expect(await codes(theirs, login(postgres, { user: 'maker' }, 'pw'))).not.toContain('runs_foreign_code');
  });

  test('event triggers stop an account that is no superuser', async () => {
    const sql = `CREATE FUNCTION e() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
      CREATE EVENT TRIGGER armed ON ddl_command_end EXECUTE FUNCTION e()`;
    expect(await codes(sql, login(postgres, { user: 'maker' }, 'pw'))).toContain('event_triggers');
    await postgres.query('DROP EVENT TRIGGER armed', `hostile_${count}`);
  });
});

test('names and texts that a shell or psql would run are names and texts', async () => {
  const canary = join(scratch, 'canary');
  const evil = [
    `x\n\\! touch ${canary}\n`,
    `$(touch ${canary})`,
    `'; \\! touch ${canary}; --`,
    `"\`touch a\``,
  ];
  const ident = (name: string) => `"${name.replaceAll('"', '""').slice(0, 60)}"`;
  const literal = (text: string) => `'${text.replaceAll("'", "''")}'`;
  for (const [index, name] of evil.entries()) {
    const sql = `SET standard_conforming_strings = on; CREATE SCHEMA ${ident(name)}; CREATE TABLE ${ident(name)}.${ident(name)} (${ident(name)} text);
      INSERT INTO ${ident(name)}.${ident(name)} VALUES (${literal(`\\.\n\\! touch ${canary}\n${name}`)});
      COMMENT ON TABLE ${ident(name)}.${ident(name)} IS ${literal(name)}; CREATE TYPE ${ident(`e${index}`)} AS ENUM (${literal(name.slice(0, 60))});
      COMMENT ON DATABASE hostile_${count} IS ${literal(name)}; ALTER DATABASE hostile_${count} SET "app.evil" = ${literal(name)}`;
    await postgres.query(sql, `hostile_${count}`);
  }
  const target = evil[0]?.slice(0, 60) ?? '';
  const dump = await capture(driver, login(postgres), `hostile_${count}`);
  await driver.restore(login(postgres), restoreInput(dump, { targetDatabase: target }), operation());
  const rows = `SELECT nspname, relname, obj_description(c.oid) AS comment, (xpath('//*/text()', query_to_xml(format('SELECT * FROM %I.%I', nspname, relname), true, true, '')))[2]::text
    FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE relkind = 'r' AND nspname !~ '^pg_|information_schema' ORDER BY 1`;
  expect(await postgres.query(rows, target)).toHaveLength(evil.length);
  expect(await postgres.query(rows, target)).toEqual(await postgres.query(rows, `hostile_${count}`));
  await expect(access(canary)).rejects.toThrow('ENOENT');
});

test('roles made for a restore become no superusers by a role that is one here', async () => {
  await using from = await startPostgres();
  await using to = await startPostgres();
  await from.query(`CREATE ROLE staff; CREATE ROLE boss; CREATE ROLE clerk IN ROLE staff, boss, pg_monitor;
    CREATE ROLE agent IN ROLE pg_execute_server_program; `);
  await from.query('CREATE DATABASE office OWNER clerk');
  await from.query('GRANT CONNECT ON DATABASE office TO agent');
  await to.query('CREATE ROLE boss SUPERUSER; CREATE ROLE staff IN ROLE boss');
  const dump: Captured = await capture(driver, login(from), 'office');
  const input = restoreInput(dump, { targetDatabase: 'office', owners: 'create-roles' });
  const report = await driver.restore(login(to), input, operation());
  const memberships = `SELECT roleid::regrole::text AS role FROM pg_auth_members WHERE member IN ('clerk'::regrole, 'agent'::regrole)`;
  expect(await to.query(memberships)).toEqual([{ role: 'pg_monitor' }]);
  expect(report.notes.join(' ')).toContain('“clerk” of “boss”');
  expect(report.notes.join(' ')).toContain('“agent” of “pg_execute_server_program”');
});
