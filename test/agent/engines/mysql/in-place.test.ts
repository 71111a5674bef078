import { createConnection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { capture, failureOf, operation, restoreInput } from '../../../contract/captured.ts';
import { type RestoreWorld, restoreWorld } from './restore-world.ts';
import { flavour } from './world.ts';

describe('in place', () => {
  let it: RestoreWorld;
  beforeAll(async () => {
    it = await restoreWorld();
  }, 60_000);
  afterAll(() => it?.[Symbol.asyncDispose]());

  const inPlace = (name: string, endSessions = false) =>
    restoreInput(it.dump, { mode: 'in-place', targetDatabase: name, endSessions });

  test('with rights on one database only, grants on it stay', async () => {
    await it.server.query(
      `CREATE DATABASE one_1; CREATE TABLE one_1.extra (a int); SET GLOBAL log_bin_trust_function_creators = 1`,
    );
    const single =
      'SELECT, SHOW VIEW, TRIGGER, LOCK TABLES, EVENT, CREATE, DROP, ALTER, INDEX, INSERT, UPDATE, DELETE, REFERENCES, CREATE VIEW, CREATE ROUTINE, ALTER ROUTINE';
    const definers =
      flavour === 'mysql' ? 'SET_ANY_DEFINER, SYSTEM_USER, ALLOW_NONEXISTENT_DEFINER' : 'SET USER';
    const target = await it.account(
      'single',
      `GRANT ${single} ON \`one\\_1\`.* TO single@'%'; GRANT ${definers} ON *.* TO single@'%'`,
    );
    const preflight = await it.driver.preflightRestore(target, inPlace('one_1'), operation());
    expect(preflight.modes.find(({ mode }) => mode === 'in-place')).toMatchObject({ possible: true });
    expect(preflight.findings.find(({ code }) => code === 'in_place_drops')?.message).toContain(
      'table extra',
    );
    const report = await it.driver.restore(target, inPlace('one_1'), operation());
    expect(report.notes.join(' ')).toContain('table extra');
    expect(await it.server.query('SELECT COUNT(*) AS n FROM orders', 'one_1')).toEqual([{ n: '2' }]);
    await it.driver.restore(target, inPlace('one_1'), operation()); // and again over what it made
    await it.server.query('SET GLOBAL log_bin_trust_function_creators = 0');
  }, 30_000);

  test('a session that uses a table is met while nothing has changed, or ended if that is wanted', async () => {
    await it.server.query(
      'CREATE DATABASE busy; CREATE TABLE busy.used (a int); INSERT INTO busy.used VALUES (1)',
    );
    const user = await createConnection({
      host: it.server.host,
      port: it.server.port,
      user: 'root',
      password: it.server.password,
      database: 'busy',
    });
    user.on('error', () => {});
    await user.query('BEGIN');
    await user.query('SELECT * FROM used');
    const failure = await failureOf(it.driver.restore(it.root, inPlace('busy'), operation()));
    expect(failure).toMatchObject({
      code: 'database_in_use',
      hint: expect.stringContaining('Nothing was changed'),
    });
    expect(await it.server.query('SELECT * FROM busy.used')).toEqual([{ a: 1 }]);
    await it.driver.restore(it.root, inPlace('busy', true), operation());
    expect(await it.server.query('SELECT COUNT(*) AS n FROM orders', 'busy')).toEqual([{ n: '2' }]);
    user.destroy();
  }, 60_000);

  test('a table whose rows the snapshot lacks stays as it is', async () => {
    const partial = await capture(it.driver, it.root, 'shop', { include: [], exclude: ['audit'] });
    await it.server.query(
      `CREATE DATABASE part; CREATE TABLE part.audit (id int PRIMARY KEY, what varchar(20)); INSERT INTO part.audit VALUES (7, 'mine'); CREATE TABLE part.orders (a int)`,
    );
    const input = restoreInput(partial, { mode: 'in-place', targetDatabase: 'part' });
    const report = await it.driver.restore(it.root, input, operation());
    expect(await it.server.query('SELECT * FROM audit', 'part')).toEqual([{ id: 7, what: 'mine' }]);
    expect(await it.server.query('SELECT COUNT(*) AS n FROM orders', 'part')).toEqual([{ n: '2' }]);
    expect(report.notes.join(' ')).toContain('Left as they are');
  });
});
