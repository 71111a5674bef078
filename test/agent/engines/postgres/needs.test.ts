import { chown, mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect, type PostgresServer } from '../../../../agent/engines/postgres/connect.ts';
import { createDatabase } from '../../../../agent/engines/postgres/database.ts';
import type { RestorePlan } from '../../../../protocol/restore.ts';
import {
  type Captured,
  capture,
  failureOf,
  operation,
  restoreInput,
  whole,
} from '../../../contract/captured.ts';
import { fingerprint } from '../../../support/fingerprint.ts';
import { startPostgres, type TestPostgres } from '../../../support/postgres.ts';
import { databases, driver, login } from './world.ts';

let from: TestPostgres;
let to: TestPostgres;
let scratch: string;
beforeAll(async () => {
  [from, to] = await Promise.all([startPostgres(), startPostgres()]);
  scratch = await mkdtemp(join(tmpdir(), 'homeport-spaces-'));
  const { uid, gid } = await stat(from.directory);
  await chown(scratch, uid, gid);
  for (const name of ['here', 'there']) {
    await mkdir(join(scratch, name));
    await chown(join(scratch, name), uid, gid);
  }
});
afterAll(async () => {
  await Promise.all([from?.stop(), to?.stop()]);
  await rm(scratch, { recursive: true, force: true });
});

const preflight = (dump: Captured, plan: Partial<RestorePlan> & { targetDatabase: string }) =>
  driver.preflightRestore(login(to), restoreInput(dump, plan), operation());
const contents = (postgres: TestPostgres, database: string) =>
  fingerprint((sql) => postgres.query(sql, database));

test('tablespaces: a missing one is named and stops the restore; made, and opened, it is used', async () => {
  await from.query(`CREATE TABLESPACE "Fast disk" LOCATION '${join(scratch, 'here')}'`);
  await from.query('CREATE DATABASE spread TABLESPACE "Fast disk"');
  await from.query(
    `CREATE TABLE fast (a int PRIMARY KEY); CREATE TABLE slow (a int) TABLESPACE pg_default; INSERT INTO fast VALUES (1)`,
    'spread',
  );
  const dump = await capture(driver, login(from), 'spread');
  const plan = { targetDatabase: 'spread', owners: 'none' } as const;
  const first = await preflight(dump, plan);
  expect(first.missing).toEqual([{ kind: 'Tablespaces', names: ['Fast disk'] }]);
  const found = first.findings.find((finding) => finding.code === 'tablespace_missing');
  expect(found).toMatchObject({ severity: 'blocker', message: expect.stringContaining('“Fast disk”') });
  const before = await databases(to);
  const failure = await failureOf(driver.restore(login(to), restoreInput(dump, plan), operation()));
  expect(failure).toMatchObject({ code: 'restore_not_possible', sql: found?.sql });
  expect(await databases(to)).toEqual(before);

  await to.query((found?.sql ?? '').replace('/path/to/directory', join(scratch, 'there')));
  await to.query(`CREATE ROLE maker LOGIN CREATEDB PASSWORD 'pw'`);
  const maker = login(to, { user: 'maker' }, 'pw');
  const closed = await driver.preflightRestore(maker, restoreInput(dump, plan), operation());
  const grants = closed.findings.find((finding) => finding.code === 'tablespace_privilege');
  expect(grants).toMatchObject({ severity: 'blocker', message: expect.stringContaining('“Fast disk”') });
  await to.query(grants?.sql ?? '');
  await driver.restore(maker, restoreInput(dump, plan), operation());
  const spaces = `SELECT relname, coalesce(spcname, 'of the database') AS space FROM pg_class
    LEFT JOIN pg_tablespace t ON t.oid = reltablespace WHERE relname IN ('fast', 'slow') ORDER BY 1`;
  expect(await to.query(spaces, 'spread')).toEqual(await from.query(spaces, 'spread'));
  const ofDatabase = `SELECT spcname FROM pg_database JOIN pg_tablespace t ON t.oid = dattablespace WHERE datname = 'spread'`;
  expect(await to.query(ofDatabase)).toEqual([{ spcname: 'Fast disk' }]);
});

test('a locale that the server does not know is named, and stops the restore', async () => {
  await from.query('CREATE DATABASE far');
  const dump = await capture(driver, login(from), 'far');
  const needs = dump.result.catalog.requirements as { locale: object };
  needs.locale = { ...needs.locale, collate: 'tlh_QO.UTF-8', ctype: 'tlh_QO.UTF-8' };
  const answer = await preflight(dump, { targetDatabase: 'far' });
  expect(answer.missing).toEqual([{ kind: 'Locales', names: ['tlh_QO.UTF-8'] }]);
  expect(answer.findings).toContainEqual(
    expect.objectContaining({ severity: 'blocker', code: 'locale_missing' }),
  );
  const input = restoreInput(dump, { targetDatabase: 'far' });
  expect(await failureOf(driver.restore(login(to), input, operation()))).toMatchObject({
    code: 'restore_not_possible',
    message: expect.stringContaining('tlh_QO.UTF-8'),
  });
  expect(await databases(to)).not.toContain('far');
});

test('what an interrupted restore left is announced, and may be dropped', async () => {
  const server = login(to) as PostgresServer;
  {
    await using session = await connect(server, 'postgres', new AbortController().signal);
    const locale = { encoding: 'UTF8', provider: 'libc', collate: 'C', ctype: 'C' } as const;
    await createDatabase(session, {
      name: 'shop_homeport_1',
      owner: undefined,
      locale: { ...locale, locale: null, icuRules: null },
      tablespace: undefined,
    });
  }
  await from.query('CREATE DATABASE small');
  const dump = await capture(driver, login(from), 'small');
  const { findings } = await preflight(dump, { targetDatabase: 'small' });
  expect(findings).toContainEqual(
    expect.objectContaining({ code: 'leftover', message: expect.stringContaining('shop_homeport_1') }),
  );
  await driver.dropScratch(login(to), 'shop_homeport_1', operation());
  expect(await databases(to)).not.toContain('shop_homeport_1');
  await driver.restore(login(to), restoreInput(dump, { targetDatabase: 'small' }), operation());
  const failure = await failureOf(driver.dropScratch(login(to), 'small', operation()));
  expect(failure.code).toBe('conflict'); // somebody owns it now
});

test('a newer collation library is a warning, and no reason for a backup to fail', async () => {
  await from.query(`CREATE DATABASE "old ""icu" TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US'`);
  await from.query(`CREATE TABLE t (a text PRIMARY KEY); INSERT INTO t VALUES ('ä'), ('z')`, 'old "icu');
  await from.query(`UPDATE pg_database SET datcollversion = '1.2' WHERE datname = 'old "icu'`);
  const { findings } = await driver.preflightBackup(login(from), whole('old "icu'), operation());
  const found = findings.find((finding) => finding.code === 'collation_version');
  expect(found).toMatchObject({ severity: 'warning', message: expect.stringContaining('1.2') });
  const dump = await capture(driver, login(from), 'old "icu');
  await driver.restore(login(to), restoreInput(dump, { targetDatabase: 'new icu' }), operation());
  expect(await contents(to, 'new icu')).toEqual(await contents(from, 'old "icu'));
  for (const sql of found?.sql?.split('\n') ?? []) await from.query(sql, 'old "icu');
  const after = await driver.preflightBackup(login(from), whole('old "icu'), operation());
  expect(after.findings.map((finding) => finding.code)).not.toContain('collation_version');
});

describe('what only some accounts can restore', () => {
  test('owners in a schema of another role’s take a superuser; the preflight knows', async () => {
    for (const server of [from, to]) {
      await server.query('CREATE ROLE host; CREATE ROLE guest; CREATE ROLE "re store" LOGIN CREATEDB');
      await server.query(`GRANT host, guest TO "re store"; ALTER ROLE "re store" PASSWORD 'pw'`);
    }
    await from.query('CREATE DATABASE hotel OWNER host');
    await from.query(
      `CREATE SCHEMA rooms AUTHORIZATION host; GRANT ALL ON SCHEMA rooms TO guest;
       SET ROLE guest; CREATE TABLE rooms.one (a int)`,
      'hotel',
    );
    const dump = await capture(driver, login(from), 'hotel');
    const restorer = login(to, { user: 're store' }, 'pw');
    const input = restoreInput(dump, { targetDatabase: 'hotel' });
    const { ownerChoices } = await driver.preflightRestore(restorer, input, operation());
    expect(ownerChoices.filter((one) => one.possible).map((one) => one.choice)).toEqual(['none']);
    expect(ownerChoices[0]?.reason).toMatch(/“guest”.*“rooms”/);
    // A snapshot that does not say so fails the same way, with what helps.
    (dump.result.catalog.requirements as { guests: unknown }).guests = [];
    expect(await failureOf(driver.restore(restorer, input, operation()))).toMatchObject({
      code: 'privilege_missing',
      message: expect.stringContaining('permission denied for schema rooms'),
      hint: expect.stringContaining('without owners'),
    });
    await driver.restore(restorer, restoreInput(dump, { ...input.plan, owners: 'none' }), operation());
    await to.query('ALTER ROLE "re store" SUPERUSER');
    await driver.restore(restorer, restoreInput(dump, { ...input.plan, targetDatabase: 'inn' }), operation());
    expect(await to.query(`SELECT tableowner FROM pg_tables WHERE tablename = 'one'`, 'inn')).toEqual([
      { tableowner: 'guest' },
    ]);
  });

  test('settings that the account may not make are announced, left out and printed', async () => {
    await from.query('CREATE ROLE bound; CREATE ROLE keeper');
    await from.query('CREATE DATABASE tuned OWNER keeper');
    await from.query(
      `ALTER DATABASE tuned SET log_min_duration_statement = '1s'; ALTER DATABASE tuned SET work_mem = '9MB';
       ALTER ROLE bound IN DATABASE tuned SET search_path = x; GRANT CONNECT ON DATABASE tuned TO bound`,
    );
    const dump = await capture(driver, login(from), 'tuned');
    await to.query('CREATE ROLE bound; CREATE ROLE keeper');
    await to.query(`CREATE ROLE tuner LOGIN CREATEDB PASSWORD 'pw' IN ROLE keeper`);
    const tuner = login(to, { user: 'tuner' }, 'pw');
    const input = restoreInput(dump, { targetDatabase: 'tuned "2"' });
    const { findings } = await driver.preflightRestore(tuner, input, operation());
    expect(findings.find((one) => one.code === 'settings_withheld')?.message).toMatch(
      /“log_min_duration_statement” and .*“bound”/,
    );
    const report = await driver.restore(tuner, input, operation());
    const statements = report.notes.join(' ').split('superuser run: ')[1] ?? '';
    const settings = `SELECT setrole::regrole::text AS role, setconfig FROM pg_db_role_setting s
      JOIN pg_database d ON d.oid = setdatabase WHERE datname LIKE 'tuned%' ORDER BY 1`;
    expect(await to.query(settings)).toEqual([{ role: '-', setconfig: ['work_mem=9MB'] }]);
    await to.query(statements);
    const sorted = (rows: { role: string; setconfig: string[] }[]) =>
      rows.map((row) => ({ ...row, setconfig: row.setconfig.sort() }));
    expect(sorted(await to.query(settings))).toEqual(sorted(await from.query(settings)));
  });

  test('triggers of foreign keys that a partition has switched off do not stop a restore', async () => {
    await from.query('CREATE DATABASE parts');
    await from.query(
      `CREATE TABLE up (id int PRIMARY KEY); INSERT INTO up VALUES (1);
       CREATE TABLE p (id int REFERENCES up, k int) PARTITION BY LIST (k);
       CREATE TABLE "p 1" PARTITION OF p FOR VALUES IN (1); CREATE TABLE p2 PARTITION OF p FOR VALUES IN (2);
       INSERT INTO p VALUES (1, 1), (1, 2); ALTER TABLE "p 1" DISABLE TRIGGER ALL`,
      'parts',
    );
    const { findings } = await driver.preflightBackup(login(from), whole('parts'), operation());
    expect(findings).toContainEqual(
      expect.objectContaining({
        code: 'switched_partitions',
        message: expect.stringContaining('“public.p 1”'),
      }),
    );
    const dump = await capture(driver, login(from), 'parts');
    const report = await driver.restore(
      login(to),
      restoreInput(dump, { targetDatabase: 'parts' }),
      operation(),
    );
    expect(report.notes.join(' ')).toContain('“public.p 1”');
    expect(await contents(to, 'parts')).toEqual(await contents(from, 'parts'));
    await expect(to.query('INSERT INTO p VALUES (7, 1)', 'parts')).rejects.toThrow('foreign key');
  });
});
