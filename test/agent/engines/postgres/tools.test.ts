import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EngineDriver } from '../../../../agent/engines/driver.ts';
import { postgresDriver } from '../../../../agent/engines/postgres/driver.ts';
import { capture, failureOf, operation, restoreInput, whole } from '../../../contract/captured.ts';
import { startPostgres, type TestPostgres } from '../../../support/postgres.ts';
import { drain, driver, driverWithTool, login, realTool } from './world.ts';

let postgres: TestPostgres;
let scratch: string;

beforeAll(async () => {
  postgres = await startPostgres();
  scratch = await mkdtemp(join(tmpdir(), 'homeport-tools-'));
  await postgres.query('CREATE DATABASE app');
  await postgres.query(
    'CREATE TABLE kept (a int); CREATE TABLE other (a int); INSERT INTO kept VALUES (1)',
    'app',
  );
});
afterAll(async () => {
  await postgres?.stop();
  await rm(scratch, { recursive: true, force: true });
});

const versioned = (script: string) =>
  `[ "$1" = --version ] && exec ${realTool('pg_dump')} --version\n${script}`;

describe('client tools', () => {
  test('too old: both versions are named, before any work', async () => {
    const old = await driverWithTool(scratch, 'echo "pg_dump (PostgreSQL) 12.22"');
    const failure = await failureOf(old.dump(login(postgres), whole('app'), drain, operation()));
    expect(failure).toMatchObject({
      code: 'tool_too_old',
      message: expect.stringMatching(/12\.22.*15/),
      hint: expect.stringContaining('postgresql-client-15'),
    });
    const preflight = await old.preflightBackup(login(postgres), whole('app'), operation());
    expect(preflight.findings).toContainEqual(
      expect.objectContaining({ severity: 'blocker', code: 'tool_too_old' }),
    );
  });

  test('missing: the package is named', async () => {
    const none = postgresDriver({ toolDirectories: [scratch] }) as EngineDriver;
    expect(await failureOf(none.dump(login(postgres), whole('app'), drain, operation()))).toMatchObject({
      code: 'tool_missing',
      hint: expect.stringContaining('apt-get install'),
    });
  });

  test.each([
    [
      'leaves a table out',
      `exec ${realTool('pg_dump')} "$@" --exclude-table=other`,
      /TABLE: 1 dumped, 2 in the catalogue/,
    ],
    ['ends early with status 0', `${realTool('pg_dump')} "$@" | head -c -1`, /not whole/],
    ['says something unknown', `${realTool('pg_dump')} "$@"; echo "pg_dump: warning: odd" >&2`, /odd/],
    ['fails', 'exit 3', /exit status 3/],
    ['is killed', 'kill -9 $$', /SIGKILL/],
  ])('a pg_dump that %s is no backup', async (_, script, message) => {
    const tool = await driverWithTool(scratch, versioned(script));
    const failure = await failureOf(tool.dump(login(postgres), whole('app'), drain, operation()));
    expect(failure).toMatchObject({ code: 'dump_incomplete', message: expect.stringMatching(message) });
  });

  test('see the password in no argument and no variable', async () => {
    const seen = join(scratch, 'seen');
    const tool = await driverWithTool(
      scratch,
      versioned(
        `{ printf '%s\\n' "$@"; env; ls -l "$PGPASSFILE"; } > ${seen}\nexec ${realTool('pg_dump')} "$@"`,
      ),
    );
    await capture(tool, login(postgres), 'app');
    const text = await readFile(seen, 'utf8');
    expect(text).toContain("dbname='app'");
    expect(text).toMatch(/-rw-------.*pgpass/);
    expect(text).not.toContain(postgres.password);
  });
});

describe('a pg_restore newer than the server', () => {
  const setting = [
    'pg_restore: error: could not execute query: ERROR:  unrecognized configuration parameter "transaction_timeout"',
    'Command was: SET transaction_timeout = 0;',
  ];
  const summary = 'pg_restore: warning: errors ignored on restore: 1';
  const newer = (lines: string[]) => {
    const words = lines.map((line) => `echo '${line}' >&2`).join('\n');
    const restore = realTool('pg_restore');
    const version = '[ "$1" = --version ] && { echo "pg_restore (PostgreSQL) 17.11"; exit; }';
    return driverWithTool(scratch, `${version}\n${restore} "$@" || exit\n${words}\nexit 1`, 'pg_restore');
  };

  test('may fail to switch off what the server does not have', async () => {
    const dump = await capture(driver, login(postgres), 'app');
    const tool = await newer([...setting, summary]);
    await tool.restore(login(postgres), restoreInput(dump, { targetDatabase: 'from newer' }), operation());
    expect(await postgres.query('SELECT a FROM kept', 'from newer')).toEqual([{ a: 1 }]);
  });

  test('may fail in nothing else', async () => {
    const dump = await capture(driver, login(postgres), 'app');
    const other = ['pg_restore: error: could not execute query: ERROR:  odd', 'Command was: SET odd = 0;'];
    const tool = await newer([...setting, ...other, summary]);
    const failure = await failureOf(
      tool.restore(login(postgres), restoreInput(dump, { targetDatabase: 'never' }), operation()),
    );
    expect(failure).toMatchObject({ code: 'restore_sql_error', detail: expect.stringContaining('SET odd') });
    expect(await postgres.query(`SELECT 1 FROM pg_database WHERE datname LIKE 'never%'`)).toEqual([]);
  });
});
