import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ServerTarget } from '../../../../agent/engines/driver.ts';
import { MARK } from '../../../../agent/engines/mysql/database.ts';
import type { Finding } from '../../../../protocol/restore.ts';
import { EVERYTHING } from '../../../../protocol/selection.ts';
import { capture, failureOf, operation, restoreInput } from '../../../contract/captured.ts';
import type { TestMysql } from '../../../support/mysql-family.ts';
import { account, drain, driver, flavour, login, start } from './world.ts';

let server: TestMysql;
beforeAll(async () => {
  server = await start();
  await server.query('CREATE DATABASE `my_app`; CREATE DATABASE `myxapp`');
  await server.script(
    `CREATE TABLE t (id int PRIMARY KEY, d double); INSERT INTO t VALUES (1, 0.1);
     CREATE VIEW v AS SELECT id FROM t;
     CREATE FUNCTION f() RETURNS int DETERMINISTIC RETURN 1;
     CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET NEW.d = 1;
     CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO SET @x = 1;`,
    'my_app',
  );
}, 60_000);
afterAll(() => server?.stop());

async function findings(target: ServerTarget, database: string, selection = EVERYTHING): Promise<Finding[]> {
  return (await driver.preflightBackup(target, { database, selection }, operation())).findings;
}
const codes = (found: Finding[], severity: Finding['severity']) =>
  found.filter((one) => one.severity === severity).map((one) => one.code);
const routines = flavour === 'mysql' ? 'SHOW_ROUTINE ON *.*' : 'SELECT ON mysql.proc';

describe('what the account lacks', () => {
  test('the database itself, or there is none', async () => {
    const outsider = await account(server, 'outsider');
    const [finding] = await findings(outsider, 'my_app');
    expect(finding).toMatchObject({ severity: 'blocker', code: 'connect_missing' });
    expect(finding?.sql).toContain("ON `my\\_app`.* TO 'outsider'@'%'");
    expect((await failureOf(findings(login(server), 'no such'))).code).toBe('database_missing');
  });

  test('each GRANT that is printed helps, and covers no other database', async () => {
    const poor = await account(server, 'poor', 'SELECT (id) ON my_app.t');
    const met = new Set<string>();
    for (let round = 0; round < 3; round += 1) {
      const found = (await findings(poor, 'my_app')).filter((one) => one.sql);
      for (const { code, sql } of found) {
        met.add(code);
        await server.query(sql ?? '');
      }
    }
    expect([...met].sort()).toEqual([
      'event_unreadable',
      'routines_hidden',
      'table_unreadable',
      'triggers_hidden',
      'view_unreadable',
    ]);
    expect(await findings(poor, 'my_app')).toEqual([]);
    expect(codes(await findings(poor, 'myxapp'), 'blocker')).toContain('connect_missing');
    const { objectCounts } = (await capture(driver, poor, 'my_app')).result.catalog;
    expect(objectCounts).toEqual({ table: 1, view: 1, function: 1, trigger: 1, event: 1 });
  });

  test('what is hidden is said in the job’s log as well', async () => {
    const blind = await account(server, 'blind', 'SELECT, SHOW VIEW, EVENT ON `my\\_app`.*');
    expect(codes(await findings(blind, 'my_app'), 'warning')).toEqual(['routines_hidden', 'triggers_hidden']);
    const context = operation();
    await driver.dump(blind, { database: 'my_app', selection: EVERYTHING }, drain, context);
    expect(context.lines.filter((line) => line.includes('cannot see every'))).toHaveLength(2);
  });

  test('a routine that may be run but not read', async () => {
    const runner = await account(
      server,
      'runner',
      'SELECT, SHOW VIEW, EVENT, TRIGGER, EXECUTE ON `my\\_app`.*',
    );
    const found = await findings(runner, 'my_app');
    expect(codes(found, 'blocker')).toEqual(['routine_unreadable']);
    expect((await failureOf(capture(driver, runner, 'my_app'))).code).toBe('dump_incomplete');
    await server.query(`GRANT ${routines} TO 'runner'@'%'`);
    expect(await findings(runner, 'my_app')).toEqual([]);
  });

  test('a role’s privileges are its members’', async () => {
    const of = flavour === 'mysql' ? "TO 'member'@'%'" : "FOR 'member'@'%'";
    const member = await account(server, 'member');
    await server.query(`CREATE ROLE readers; GRANT SELECT, SHOW VIEW, EVENT, TRIGGER ON *.* TO readers;
      GRANT readers TO 'member'@'%'; SET DEFAULT ROLE readers ${of}`);
    expect(await findings(member, 'my_app')).toEqual([]);
  });
});

describe('what the database holds', () => {
  beforeAll(async () => {
    await server.query('CREATE DATABASE odd');
    await server.script(
      `CREATE TABLE gone (a int); CREATE VIEW \`in\`\`valid\` AS SELECT a FROM gone; DROP TABLE gone;
       CREATE TABLE old (f float, e float(7, 3), a int) ENGINE = MyISAM;
       CREATE TABLE parents (id int PRIMARY KEY); CREATE TABLE children (p int, FOREIGN KEY (p) REFERENCES parents (id));
       CREATE TABLE \`line\nbreak\` (a int);
       CREATE TABLE one (a int) ENGINE = MyISAM; CREATE TABLE merged (a int) ENGINE = MERGE UNION = (one);`,
      'odd',
    );
    await server.query(`CREATE EVENT endless ON SCHEDULE EVERY 1 DAY DO SET @x = ';;'`, 'odd');
  });

  test('what no tool can dump is refused, with its remedy, before anything is begun', async () => {
    const found = await findings(login(server), 'odd');
    expect(codes(found, 'blocker')).toEqual(['event_undumpable', 'name_with_line_break', 'view_invalid']);
    for (const remedy of ['DROP EVENT endless', 'DROP TABLE `line\nbreak`']) {
      expect((await failureOf(capture(driver, login(server), 'odd'))).code).toBe('dump_incomplete');
      await server.query(remedy, 'odd');
    }
    const failure = await failureOf(capture(driver, login(server), 'odd'));
    expect(failure).toMatchObject({ code: 'dump_incomplete', message: expect.stringContaining('view') });
    await server.query(found.find((one) => one.code === 'view_invalid')?.sql ?? '', 'odd');
    expect(codes(await findings(login(server), 'odd'), 'blocker')).toEqual([]);
  });

  test('what a restore left unfinished is no database to back up', async () => {
    await server.query(`CREATE DATABASE \`half\`\`1\`; CREATE TABLE \`half\`\`1\`.${MARK} (id int)`);
    const [found] = await findings(login(server), 'half`1');
    expect(found).toMatchObject({ severity: 'blocker', code: 'database_unfinished' });
    expect(await failureOf(capture(driver, login(server), 'half`1'))).toMatchObject({ sql: found?.sql });
    await server.query(found?.sql ?? '');
    expect((await failureOf(findings(login(server), 'half`1'))).code).toBe('database_missing');
  });

  test('of tables that reach elsewhere a restore is told, too', async () => {
    const dump = await capture(driver, login(server), 'odd');
    const input = restoreInput(dump, { targetDatabase: 'odd2' });
    const preflight = await driver.preflightRestore(login(server), input, operation());
    const found = preflight.findings.find(({ code }) => code === 'reaches_elsewhere');
    expect(found).toMatchObject({ severity: 'warning', message: expect.stringContaining('“MRG_M') });
    await driver.restore(login(server), input, operation());
    expect(await server.query('SELECT a FROM odd2.merged')).toEqual([]);
  });

  test('what a backup does not hold as it is', async () => {
    const found = await findings(login(server), 'odd');
    expect(codes(found, 'warning').sort()).toEqual(['float_rounded', 'non_transactional', 'rows_elsewhere']);
    expect(found.find((one) => one.code === 'float_rounded')?.message).toContain('“old.f”.');
  });

  test('selections', async () => {
    const torn = await findings(login(server), 'odd', { include: [], exclude: ['par*', 'nothing*'] });
    expect(codes(torn, 'blocker')).toEqual(['reference_left_out']);
    expect(codes(torn, 'warning')).toContain('pattern_unmatched');
    const both = await findings(login(server), 'odd', { include: [], exclude: ['par*', 'children'] });
    expect(codes(both, 'blocker')).toEqual([]);
    expect(both.find((one) => one.code === 'rows_left_out')?.message).toContain('“children”, “parents”');
  });
});
