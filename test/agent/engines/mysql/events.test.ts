import { afterAll, beforeAll, expect, test } from 'vitest';
import { capture, operation, restoreInput } from '../../../contract/captured.ts';
import type { TestMysql } from '../../../support/mysql-family.ts';
import { driver, login, start } from './world.ts';

let server: TestMysql;
beforeAll(async () => {
  server = await start();
  await server.script(
    `CREATE USER app@'%'; GRANT ALL ON *.* TO app@'%'; CREATE DATABASE shop; USE shop;
     SET SESSION sql_mode = 'ANSI_QUOTES', time_zone = '+05:00';
     CREATE DEFINER = app@'%' EVENT often ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01 00:00:00' DO SELECT "x";
     CREATE DEFINER = app@'%' EVENT once ON SCHEDULE AT '2037-06-01 00:00:00' DO SELECT 1;`,
  );
}, 60_000);
afterAll(() => server?.stop());

test('events run again as they did, in their own definer’s name; one whose time has passed is left out', async () => {
  const dump = await capture(driver, login(server), 'shop');
  // As if it were restored a hundred years later.
  const late = String(dump.streams.get('dump')).replace("AT '2037-", "AT '1999-");
  dump.streams.set('dump', Buffer.from(late));
  const report = await driver.restore(
    login(server),
    restoreInput(dump, { targetDatabase: 'copy', switches: ['enable-events'] }),
    operation(),
  );
  const facts = (name: string) =>
    server.query(
      `SELECT DEFINER AS definer, STATUS AS status, SQL_MODE AS mode, TIME_ZONE AS zone, CAST(STARTS AS CHAR) AS starts
       FROM information_schema.EVENTS WHERE EVENT_SCHEMA = '${name}' AND EVENT_NAME = 'often'`,
    );
  expect(await facts('copy')).toEqual(await facts('shop'));
  expect(await facts('copy')).toMatchObject([{ definer: 'app@%', status: 'ENABLED', zone: '+05:00' }]);
  expect(report.notes.join(' ')).toContain('their time has passed: the events “once”');
}, 30_000);
