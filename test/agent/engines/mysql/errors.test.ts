import { describe, expect, test } from 'vitest';
import { ToolError } from '../../../../agent/engines/errors.ts';
import { explain, withholdValues } from '../../../../agent/engines/mysql/errors.ts';

const where = { host: 'db', port: 3306, user: 'u', tls: 'prefer' as const };
const server = (errno: number, message: string) =>
  explain(Object.assign(new Error(message), { errno }), where);
const tool = (stderr: string, name = 'mariadb-dump 10.11.19') =>
  explain(new ToolError(name, { exitCode: 2, signal: null, stderr, stderrCut: false }), where);

test.each([
  [1045, `Access denied for user 'u'@'h' (using password: YES)`, 'access_denied'],
  [1698, `Access denied for user 'u'@'h'`, 'access_denied'],
  [1130, `Host 'h' is not allowed to connect to this MariaDB server`, 'access_denied'],
  [1129, `Host 'h' is blocked because of many connection errors`, 'access_denied'],
  [1049, `Unknown database 'x'`, 'database_missing'],
  [1044, `Access denied for user 'u'@'h' to database 'x'`, 'privilege_missing'],
  [1227, 'you need (at least one of) the SUPER privilege(s)', 'privilege_missing'],
  [1040, 'Too many connections', 'server_gone'],
  [1053, 'Server shutdown in progress', 'server_gone'],
  [1205, 'Lock wait timeout exceeded', 'database_in_use'],
  [1114, `The table 't' is full`, 'disk_full'],
  [3, `Error writing file '/x' (Errcode: 28 "No space left on device")`, 'disk_full'],
  [3, `Error writing file '(Errcode: 28)' (Errcode: 5 "Input/output error")`, 'internal'],
  [3159, 'Connections using insecure transport are prohibited', 'tls_required'],
  [1007, `Can't create database 'x'; database exists`, 'database_exists'],
  [9999, 'something new', 'internal'],
])('the server’s %i %s', (errno, message, code) => {
  expect(server(errno, message).code).toBe(code);
});

describe('what tools say', () => {
  test.each([
    [
      `mariadb-dump: Got error: 1045: "Access denied for user 'u'@'h'" when trying to connect`,
      'access_denied',
    ],
    [
      `mysqldump: Got error: 2003: Can't connect to MySQL server on 'db:3306' (111) when trying to connect`,
      'connection_refused',
    ],
    [
      `mysqldump: Got error: 2005: Unknown MySQL server host 'db' (-2) when trying to connect`,
      'unknown_host',
    ],
    [
      `mariadb-dump: Error 2013: Lost connection to server during query when dumping table \`t\` at row: 5`,
      'server_gone',
    ],
    [
      `mariadb-dump: Couldn't execute 'show events': Access denied for user 'u'@'%' to database 'd' (1044)`,
      'privilege_missing',
    ],
    [
      `mariadb-dump: Couldn't execute 'SHOW FIELDS FROM \`v\`': View 'd.v' references invalid table(s) (1356)`,
      'dump_incomplete',
    ],
    [
      `mariadb-dump: Error 1412: Table definition has changed, please retry transaction when dumping table \`t\` at row: 0`,
      'dump_incomplete',
    ],
    [
      `mysqldump: [Warning] something\nmysqldump: Got error: 1049: Unknown database 'x' when selecting the database`,
      'database_missing',
    ],
  ])('%s', (stderr, code) => {
    expect(tool(stderr).code).toBe(code);
  });

  test.each([
    [`mariadb-dump: Couldn't execute 'SELECT 1 /* (1045) */': Query was odd (1064)`],
    [`mariadb-dump: a table called Got error: 1045: is not there`],
    [`mariadb-dump: odd\nmariadb-dump: Got error: 1045: Access denied`],
  ])('is not taken from names and statements: %s', (stderr) => {
    expect(tool(stderr)).toMatchObject({ code: 'dump_incomplete', detail: stderr });
  });

  test('a client’s error is one of restoring', () => {
    const stderr = `ERROR 1062 (23000) at line 12: Duplicate entry 'can'ary' for key 'PRIMARY'`;
    const failure = tool(stderr, 'mariadb 10.11.19');
    expect(failure).toMatchObject({
      code: 'restore_sql_error',
      message: expect.stringContaining(`Duplicate entry '…' for key 'PRIMARY'`),
    });
    // What a row holds is for nobody who only looks at jobs.
    expect(JSON.stringify(failure)).not.toContain('ary');
  });

  test.for([
    "Truncated incorrect DOUBLE value: '%'",
    "Incorrect datetime value: '%' for function str_to_date",
    "Incorrect integer value: '%' for column `shop`.`t`.`n` at row 7",
  ])('%s', (form) => {
    const stderr = `ERROR 1292 (22007) at line 12: ${form.replace('%', "can'ary")}`;
    expect(JSON.stringify(tool(stderr, 'mariadb 10.11.19'))).not.toMatch(/can|ary/);
    expect(withholdValues(stderr)).toContain(form.replace('%', '…'));
  });
});
