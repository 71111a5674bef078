import { afterAll, beforeAll, expect, test } from 'vitest';
import type { EngineDriver, ServerTarget } from '../../agent/engines/driver.ts';
import { mysqlDriver } from '../../agent/engines/mysql/driver.ts';
import { capture, failureOf, found, operation, restoreInput, whole } from '../contract/captured.ts';
import type { TestMysql } from '../support/mysql-family.ts';
import { mysqlFingerprint } from '../support/mysql-fingerprint.ts';
import { serverVersion, startMysqlVersion, toolDirectories } from '../support/servers.ts';

/** What MySQL has since 9.x: programs in other languages, libraries, views of JSON, masking policies. */
const OBJECTS = `
CREATE TABLE customers (id int PRIMARY KEY, name varchar(20)); INSERT INTO customers VALUES (1, 'a');
CREATE JSON RELATIONAL DUALITY VIEW as_json AS SELECT JSON_DUALITY_OBJECT('_id': id, 'name': name) FROM customers;
CREATE MATERIALIZED VIEW kept AS SELECT name FROM customers;
DELIMITER //
CREATE LIBRARY words COMMENT 'it''s' LANGUAGE JAVASCRIPT AS $a$ export function f(n) { return "$$" + ';;' + \`x\` + "it's" /* ; */ } // ' --
$a$//
CREATE LIBRARY numbers LANGUAGE JAVASCRIPT AS 'x;; $$ $mle$ '' \`'//
CREATE LIBRARY compiled LANGUAGE WASM AS 0x0061736d01000000//
CREATE FUNCTION spoken(n int) RETURNS int DETERMINISTIC LANGUAGE JAVASCRIPT USING (words, numbers AS n) AS $x$ return n; // ';; $$ /*
$x$//
CREATE PROCEDURE plain() BEGIN SELECT 1 AS a$b$c; END//
DELIMITER ;
`;

const version = serverVersion('mysql', '9');
const driver = mysqlDriver({ flavour: 'mysql', toolDirectories: toolDirectories(version) }) as EngineDriver;
let server: TestMysql;
let root: ServerTarget;
beforeAll(async () => {
  server = await startMysqlVersion(version);
  root = {
    connection: { host: server.host, port: server.port, user: 'root', tls: 'prefer' },
    password: server.password,
  };
  await server.query('CREATE DATABASE app');
  await server.script(OBJECTS, 'app');
}, 60_000);
afterAll(() => server?.stop());

const libraries = (database: string) =>
  server.query(
    `SELECT LIBRARY_NAME, HEX(LIBRARY_DEFINITION) AS code, LANGUAGE, SQL_MODE, LIBRARY_COMMENT FROM information_schema.LIBRARIES
      WHERE LIBRARY_SCHEMA = '${database}' ORDER BY 1`,
  );
const uses = (database: string) =>
  server.query(
    `SELECT ROUTINE_NAME, LIBRARY_SCHEMA, LIBRARY_NAME FROM information_schema.ROUTINE_LIBRARIES WHERE ROUTINE_SCHEMA = '${database}' ORDER BY 3`,
  );
const contents = async (database: string) => ({
  ...(await mysqlFingerprint((sql) => server.query(sql, database))),
  libraries: JSON.stringify(await libraries(database)),
});

test('libraries, programs in other languages, JSON and materialized views come back as they were', async () => {
  expect(found(await driver.preflightBackup(root, whole('app'), operation()))).toEqual([]);
  const dump = await capture(driver, root, 'app');
  expect(dump.result.catalog.objectCounts).toEqual({
    table: 1,
    view: 2,
    function: 1,
    procedure: 1,
    library: 3,
  });
  const was = await contents('app');
  const report = await driver.restore(root, restoreInput(dump, { targetDatabase: 'copy' }), operation());
  expect(await contents('copy')).toEqual(was);
  // A function uses the libraries that were restored with it, not those of the database it came from.
  expect((await uses('copy')).map((row) => row.LIBRARY_SCHEMA)).toEqual(['copy', 'copy']);
  expect(report.notes.join(' ')).not.toContain('spoken');
  await server.script(
    `DROP LIBRARY words; CREATE LIBRARY words LANGUAGE JAVASCRIPT AS 'other'; CREATE LIBRARY stray LANGUAGE JAVASCRIPT AS 'x'`,
    'copy',
  );
  const inPlace = restoreInput(dump, { mode: 'in-place', targetDatabase: 'copy' });
  expect((await driver.restore(root, inPlace, operation())).notes.join(' ')).toContain('library stray');
  expect(await contents('copy')).toEqual(was);
});

test('libraries that the account cannot see are told of, with the GRANT that lets them in', async () => {
  await server.query(
    `CREATE USER one@'%' IDENTIFIED BY 'pw'; GRANT SELECT, SHOW VIEW, TRIGGER, EVENT ON app.* TO one@'%'`,
  );
  const one = { connection: { ...root.connection, user: 'one' }, password: 'pw' };
  const { findings } = await driver.preflightBackup(one, whole('app'), operation());
  const [hidden] = findings;
  expect(findings).toHaveLength(1);
  expect(hidden).toMatchObject({ code: 'routines_hidden', message: expect.stringContaining('libraries') });
  await server.query(hidden?.sql ?? '');
  expect((await capture(driver, one, 'app')).result.catalog.objectCounts).toMatchObject({ library: 3 });
});

test('columns with a masking policy are named before a backup is begun', async () => {
  await server.query('CREATE DATABASE masked; CREATE TABLE masked.t (a varchar(20) MASKING POLICY p)');
  // The component that applies policies is not Debian's to give: so the server refuses to read such columns.
  const { findings } = await driver.preflightBackup(root, whole('masked'), operation());
  expect(findings).toMatchObject([
    { severity: 'blocker', code: 'masked_columns', message: expect.stringContaining('“t.a”') },
  ]);
  expect((await failureOf(capture(driver, root, 'masked'))).code).toBe('dump_incomplete');
});
