import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MARK } from '../../../../agent/engines/mysql/database.ts';
import { type Captured, failureOf, operation, restoreInput } from '../../../contract/captured.ts';
import { type RestoreWorld, restoreWorld } from './restore-world.ts';
import { flavour } from './world.ts';

describe('restores', () => {
  let it: RestoreWorld;
  beforeAll(async () => {
    it = await restoreWorld();
  }, 60_000);
  afterAll(() => it?.[Symbol.asyncDispose]());

  test('under another name: what is named there belongs to it, what still names the old one is told', async () => {
    const context = operation();
    const report = await it.driver.restore(
      it.root,
      restoreInput(it.dump, { targetDatabase: 'shop 2`' }),
      context,
    );
    expect(
      await it.server.query('SELECT note, CAST(LENGTH(big) AS CHAR) AS n FROM orders ORDER BY id', 'shop 2`'),
    ).toEqual([
      { note: 'ünï', n: '700000' },
      { note: null, n: '900000' },
    ]);
    expect(report.notes.join(' ')).toContain('“procedure list”');
    expect(report.notes.join(' ')).toContain('Events are disabled: “often”');
    const [trigger] = await it.server.query(
      `SELECT EVENT_OBJECT_SCHEMA AS s, DEFINER AS d FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = 'shop 2\`'`,
    );
    expect(trigger).toEqual({ s: 'shop 2`', d: 'app@%' });
    const marks = await it.server.query(
      `SELECT 1 FROM information_schema.TABLES WHERE TABLE_NAME = '${MARK}'`,
    );
    expect(marks).toEqual([]);
  });

  test('events run again only if that is wanted, and only those that did', async () => {
    const states = async (name: string) =>
      (
        await it.server.query(
          `SELECT EVENT_NAME AS n, STATUS AS s FROM information_schema.EVENTS WHERE EVENT_SCHEMA = ? ORDER BY 1`,
          undefined,
          [name],
        )
      ).map((row) => `${row.n} ${row.s}`);
    await it.driver.restore(it.root, restoreInput(it.dump, { targetDatabase: 'ev1' }), operation());
    expect(await states('ev1')).toEqual(['never DISABLED', 'often DISABLED']);
    const switches = ['enable-events' as const];
    await it.driver.restore(it.root, restoreInput(it.dump, { targetDatabase: 'ev2', switches }), operation());
    expect(await states('ev2')).toEqual(['never DISABLED', 'often ENABLED']);
    const definers = await it.server.query(
      `SELECT DISTINCT DEFINER AS d FROM information_schema.EVENTS WHERE EVENT_SCHEMA = 'ev2'`,
    );
    expect(definers).toEqual([{ d: 'app@%' }]);
  });

  test('definers are mapped to the account named, never to the restoring one', async () => {
    const plan = { targetDatabase: 'mapped', owners: 'map' as const };
    const own = restoreInput(it.dump, { ...plan, mapTo: 'root@%' });
    expect((await failureOf(it.driver.restore(it.root, own, operation()))).code).toBe('invalid_input');
    const absent = restoreInput(it.dump, { ...plan, mapTo: 'nobody@%' });
    expect((await failureOf(it.driver.restore(it.root, absent, operation()))).message).toContain('nobody@%');
    await it.driver.restore(it.root, restoreInput(it.dump, { ...plan, mapTo: 'weak@%' }), operation());
    const definers = await it.server.query(
      `SELECT DEFINER AS d FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = 'mapped' UNION SELECT DEFINER FROM information_schema.VIEWS WHERE TABLE_SCHEMA = 'mapped'
       UNION SELECT DEFINER FROM information_schema.EVENTS WHERE EVENT_SCHEMA = 'mapped' UNION SELECT DEFINER FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = 'mapped'`,
    );
    expect(definers).toEqual([{ d: 'weak@%' }]);
  });

  test('a definer that the catalog does not name is refused', async () => {
    const forged: Captured = { ...it.dump, streams: new Map() };
    forged.streams.set(
      'dump',
      Buffer.from(String(it.dump.streams.get('dump')).replaceAll('`app`@`%`', '`root`@`%`')),
    );
    const failure = await failureOf(
      it.driver.restore(it.root, restoreInput(forged, { targetDatabase: 'forged' }), operation()),
    );
    expect(failure).toMatchObject({ code: 'manifest_invalid', message: expect.stringContaining('root@%') });
    expect(await it.databases()).not.toContain('forged');
  });

  test('a hostile statement is not run, whatever hides it; nothing is left', async () => {
    await it.server.query(
      'CREATE DATABASE IF NOT EXISTS victim; CREATE TABLE IF NOT EXISTS victim.t (a int)',
    );
    const clean = String(it.dump.streams.get('dump'));
    for (const hostile of [
      '\\! touch /tmp/homeport-canary\n',
      'DROP DATABASE victim;\n',
      'INSERT INTO `victim`.`t` VALUES (1);\n',
      'DELIMITER ;;\nCREATE DEFINER=`app`@`%` FUNCTION `f`() RETURNS int RETURN 1; INSERT INTO victim.t VALUES (1);;\nDELIMITER ;\n',
      "CREATE TABLE `z` (`a` int); -- '\nDELETE FROM mysql.user;\n",
    ]) {
      const bytes = Buffer.from(clean.replace('\nUNLOCK TABLES;\n', `\nUNLOCK TABLES;\n${hostile}`));
      const captured: Captured = { ...it.dump, streams: new Map([['dump', bytes]]) };
      const failure = await failureOf(
        it.driver.restore(it.root, restoreInput(captured, { targetDatabase: 'evil' }), operation()),
      );
      expect(['manifest_invalid', 'restore_sql_error']).toContain(failure.code);
      expect(await it.databases()).not.toContain('evil');
    }
    expect(await it.server.query('SELECT * FROM victim.t')).toEqual([]);
    expect(existsSync('/tmp/homeport-canary')).toBe(false);
  });

  test('a row larger than max_allowed_packet is met before anything is made', async () => {
    await it.server.query('SET GLOBAL max_allowed_packet = 524288');
    try {
      const input = restoreInput(it.dump, { targetDatabase: 'small' });
      const failure = await failureOf(it.driver.restore(it.root, input, operation()));
      expect(failure).toMatchObject({
        code: 'restore_not_possible',
        sql: expect.stringMatching(/^SET GLOBAL max_allowed_packet = \d+;$/),
      });
      await it.server.query(failure.sql ?? '');
      await it.driver.restore(it.root, input, operation());
    } finally {
      await it.server.query('SET GLOBAL max_allowed_packet = 16777216');
    }
  });

  test('what the account lacks is printed as a GRANT; pasted, it works', async () => {
    const floor =
      'SELECT, SHOW VIEW, TRIGGER, LOCK TABLES, PROCESS, EVENT, RELOAD, CREATE, DROP, ALTER, INDEX, INSERT, UPDATE, DELETE, REFERENCES';
    const target = await it.account('floor', `GRANT ${floor} ON *.* TO floor@'%'`);
    const input = restoreInput(it.dump, { targetDatabase: 'floored' });
    const seen: string[] = [];
    for (let round = 0; round < 6; round += 1) {
      const failure = await it.driver.restore(target, input, operation()).then(
        () => undefined,
        (error) => error.failure,
      );
      if (!failure) break;
      expect(failure).toMatchObject({ code: 'privilege_missing', sql: expect.any(String) });
      seen.push(failure.sql);
      await it.server.query(failure.sql.replace(/--.*$/, ''));
    }
    expect(seen).toEqual([
      "GRANT CREATE VIEW, CREATE ROUTINE, ALTER ROUTINE ON `floored`.* TO 'floor'@'%';\nSET GLOBAL log_bin_trust_function_creators = 1; -- and in the server’s configuration file",
      `GRANT ${flavour === 'mysql' ? 'SET_ANY_DEFINER, SYSTEM_USER' : 'SET USER'} ON *.* TO 'floor'@'%';`,
    ]);
    expect(await it.databases()).toContain('floored');
    await it.server.query('SET GLOBAL log_bin_trust_function_creators = 0');
  });

  test('an interrupted restore’s database carries the mark, and only such a one is dropped', async () => {
    await it.server.query(`CREATE DATABASE half; CREATE TABLE half.${MARK} (id int)`);
    await it.driver.dropScratch(it.root, 'half', operation());
    expect(await it.databases()).not.toContain('half');
    expect((await failureOf(it.driver.dropScratch(it.root, 'shop', operation()))).code).toBe('conflict');
  });
});
