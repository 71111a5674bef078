import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { quoteIdent } from '../../../../agent/engines/mysql/quote.ts';
import { capture, found, operation, whole } from '../../../contract/captured.ts';
import type { TestMysql } from '../../../support/mysql-family.ts';
import { driver, login, start } from './world.ts';

let server: TestMysql;
beforeAll(async () => {
  server = await start();
}, 60_000);
afterAll(() => server?.stop());

const NAMES = [
  '-h',
  '--help',
  'a=b',
  'two words',
  'back`tick',
  `it's`,
  'dou"ble',
  '..',
  'a/b',
  '#x',
  '%s',
  'naïve 表',
  '$(id)',
  'x;y',
  'a.b',
];

describe('databases called', () => {
  test.each(NAMES)('%s', async (name) => {
    await server.query(`CREATE DATABASE ${quoteIdent(name)}`);
    await server.query(
      `CREATE TABLE ${quoteIdent(name)} (a int); INSERT INTO ${quoteIdent(name)} VALUES (1)`,
      name,
    );
    await server.query(`CREATE TABLE gone_out (a int); INSERT INTO gone_out VALUES (1)`, name);
    const listed = await driver.listDatabases(login(server), operation());
    expect(listed.map((one) => one.name)).toContain(name);
    expect(found(await driver.preflightBackup(login(server), whole(name), operation()))).toEqual([]);
    const { result } = await capture(driver, login(server), name, { include: [], exclude: ['gone*'] });
    expect(result.catalog.tables).toMatchObject([{ name, rows: 1 }]);
    expect(result.catalog.objectCounts).toEqual({ table: 2 });
  });

  test('names that differ in case only are two', async () => {
    await server.query(
      'CREATE DATABASE Twin; CREATE DATABASE twin; CREATE TABLE Twin.T (a int); CREATE TABLE twin.t (a int)',
    );
    await server.query('CREATE TABLE twin.T (a int); INSERT INTO twin.T VALUES (1)');
    const { catalog } = (await capture(driver, login(server), 'twin')).result;
    expect(catalog.tables.map(({ name, rows }) => [name, rows]).sort()).toEqual([
      ['T', 1],
      ['t', 0],
    ]);
    expect((await capture(driver, login(server), 'Twin')).result.catalog.objectCounts).toEqual({ table: 1 });
  });

  test('the server’s own are not offered', async () => {
    const listed = await driver.listDatabases(login(server), operation());
    for (const name of ['mysql', 'sys', 'information_schema', 'performance_schema'])
      expect(listed.map((one) => one.name)).not.toContain(name);
  });
});
