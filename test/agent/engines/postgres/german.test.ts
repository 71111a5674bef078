import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ToolError } from '../../../../agent/engines/errors.ts';
import { capture, failureOf, operation, restoreInput, whole } from '../../../contract/captured.ts';
import { startPostgres, type TestPostgres } from '../../../support/postgres.ts';
import { drain, driver, login } from './world.ts';

/** Debian's package “locales” has the sources of languages; in CI a missing one fails loudly. */
const describeGerman =
  existsSync('/usr/share/i18n/locales/de_DE') || process.env.HOMEPORT_CI ? describe : describe.skip;

describeGerman('a server that speaks German', () => {
  let locales: string;
  let german: TestPostgres;
  beforeAll(async () => {
    locales = await mkdtemp(join(tmpdir(), 'homeport-locales-'));
    await promisify(execFile)('localedef', ['-i', 'de_DE', '-f', 'UTF-8', join(locales, 'de_DE.UTF-8')]);
    await chmod(locales, 0o755);
    german = await startPostgres({
      env: { LOCPATH: locales },
      settings: { lc_messages: 'de_DE.UTF-8' },
      hba: ['host all stranger 127.0.0.1/32 reject'],
    });
    await german.query(
      `CREATE ROLE weak LOGIN PASSWORD 'weak'; CREATE ROLE weaver LOGIN PASSWORD 'weak' CREATEDB`,
    );
    await german.query('CREATE DATABASE app OWNER weaver');
    await german.query(
      `CREATE TABLE limits (top int); INSERT INTO limits VALUES (10);
       CREATE FUNCTION below(int) RETURNS bool LANGUAGE plpgsql AS 'BEGIN RETURN $1 < (SELECT top FROM public.limits); END';
       CREATE TABLE orders (total int CHECK (below(total))); INSERT INTO orders VALUES (5);
       UPDATE limits SET top = 1; GRANT SELECT ON ALL TABLES IN SCHEMA public TO weaver`,
      'app',
    );
  }, 90_000);
  afterAll(async () => {
    await german?.stop();
    await rm(locales, { recursive: true, force: true });
  });

  test('its words are German', async () => {
    const failure = await failureOf(driver.probe(login(german, {}, 'falsch'), operation()));
    expect(failure).toMatchObject({
      code: 'access_denied',
      message: expect.stringContaining('Passwort-Authentifizierung'),
      hint: expect.stringContaining('Check user and password'),
    });
  });

  test('pg_hba.conf: the address is read out of them', async () => {
    const asked = driver.probe(login(german, { user: 'stranger' }, 'x'), operation());
    expect(await failureOf(asked)).toMatchObject({
      code: 'access_denied',
      hint: expect.stringContaining('“host all stranger 127.0.0.1/32 scram-sha-256”'),
    });
  });

  test('databases and privileges', async () => {
    const none = driver.preflightBackup(login(german), whole('nirgends'), operation());
    expect(await failureOf(none)).toMatchObject({ code: 'database_missing' });
    const weak = login(german, { user: 'weak' }, 'weak');
    expect(await failureOf(driver.dump(weak, whole('app'), drain, operation()))).toMatchObject({
      code: 'privilege_missing',
    });
  });

  test.each([
    ['a superuser', 'postgres'],
    ['an account that may not choose the language', 'weaver'],
  ])('a restore that fails, by %s', async (_, user) => {
    const account = user === 'postgres' ? login(german) : login(german, { user }, 'weak');
    const dump = await capture(driver, account, 'app');
    const input = restoreInput(dump, { targetDatabase: `${user}_again`, owners: 'none' });
    const failure = await failureOf(driver.restore(account, input, operation()));
    expect(failure).toMatchObject({ code: 'restore_sql_error', message: expect.stringContaining('orders') });
    expect(await german.query(`SELECT datname FROM pg_database WHERE datname LIKE '%again%'`)).toEqual([]);
  });

  test('a full disk', () => {
    const stderr =
      'pg_restore: error: could not execute query: FEHLER:  konnte Datei »base/16384/16385« nicht erweitern: Auf dem Gerät ist kein Speicherplatz mehr verfügbar';
    const exit = { exitCode: 1, signal: null, stderr, stderrCut: false };
    expect(driver.explain(new ToolError('pg_restore 15.20', exit), login(german)).code).toBe('disk_full');
  });
});
