import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { StreamSink } from '../../../../agent/engines/driver.ts';
import { EVERYTHING } from '../../../../protocol/selection.ts';
import { capture, failureOf, operation, whole } from '../../../contract/captured.ts';
import type { TestMysql } from '../../../support/mysql-family.ts';
import { driver, driverWithTool, dumpTool, flavour, login, start } from './world.ts';

let server: TestMysql;
let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'homeport-dump-'));
  server = await start();
  await server.query('CREATE DATABASE app; CREATE DATABASE big');
  await server.script(
    `CREATE TABLE kept (a int, s text); CREATE TABLE other (a int);
     INSERT INTO kept VALUES (1, 'x'), (2, 'two\\nlines;\\nINSERT INTO \`other\` VALUES (1);'); INSERT INTO other VALUES (1);`,
    'app',
  );
  await server.script(
    `CREATE TABLE t (id int PRIMARY KEY AUTO_INCREMENT, s varchar(2000));
     CREATE TABLE few (a int); INSERT INTO few VALUES ${Array(180).fill('(1)').join()};
     INSERT INTO t (s) SELECT REPEAT('x', 1000) FROM few a, few b`,
    'big',
  );
}, 60_000);
afterAll(async () => {
  await server?.stop();
  await rm(directory, { recursive: true, force: true });
});

const dumped = async (database: string, selection = EVERYTHING) => {
  const { result, streams } = await capture(driver, login(server), database, selection);
  return { ...result, sql: streams.get('dump')?.toString('utf8') ?? '' };
};

test('rows are counted, one to a statement, and the same data gives the same bytes', async () => {
  const { catalog, sql, options } = await dumped('app');
  expect(catalog.tables.map(({ name, rows }) => [name, rows])).toEqual([
    ['kept', 2],
    ['other', 1],
  ]);
  expect(catalog.objectCounts).toEqual({ table: 2 });
  expect(options).toMatchObject({ selection: 'all' });
  expect((await dumped('app')).sql).toBe(sql);
});

test('an excluded table is defined, and has no rows', async () => {
  const { catalog, sql, options } = await dumped('app', { include: ['o*'], exclude: [] });
  expect(catalog.tables.map(({ name, rows }) => [name, rows])).toEqual([['other', 1]]);
  expect(catalog.objectCounts).toEqual({ table: 2 });
  expect(catalog.requirements).toMatchObject({ excludedTables: ['kept'] });
  expect(options).toMatchObject({ selection: 'partial' });
  expect(sql).toContain('CREATE TABLE `kept`');
  expect(sql).not.toContain('INSERT INTO `kept`');
});

test('options of the user’s own files and environment have no effect', async () => {
  const home = await mkdtemp(join(directory, 'home-'));
  const file = `[client]\npassword=wrong\n[mysqldump]\nwhere=0\nno-data\n[mariadb-dump]\nwhere=0\n`;
  for (const name of ['.my.cnf', '.mylogin.cnf']) await writeFile(join(home, name), file, { mode: 0o600 });
  const before = {
    HOME: process.env.HOME,
    MYSQL_HOME: process.env.MYSQL_HOME,
    MYSQL_PWD: process.env.MYSQL_PWD,
  };
  Object.assign(process.env, { HOME: home, MYSQL_HOME: home, MYSQL_PWD: 'wrong' });
  try {
    expect((await dumped('app')).catalog.tables[0]).toMatchObject({ name: 'kept', rows: 2 });
  } finally {
    for (const [name, value] of Object.entries(before)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
});

describe('a dump that is not whole is none', () => {
  const attempt = async (script: string, database = 'app') =>
    failureOf(capture(await driverWithTool(directory, script), login(server), database));
  const versionOr = (otherwise: string) =>
    `case "$*" in *--version*) exec ${dumpTool} --version;; *) ${otherwise};; esac`;

  test('cut short, though the tool ends well', async () => {
    expect(await attempt(versionOr(`${dumpTool} "$@" | head -n -3`))).toMatchObject({
      code: 'dump_incomplete',
      message: expect.stringContaining('last line'),
    });
  });

  test('a table is missing', async () => {
    const failure = await attempt(versionOr(`exec ${dumpTool} "$@" other`));
    expect(failure).toMatchObject({
      code: 'dump_incomplete',
      message: expect.stringContaining('table: 1 dumped, 2'),
    });
  });

  test('its rows are missing', async () => {
    const failure = await attempt(versionOr(`${dumpTool} "$@" | sed '/^LOCK TABLES .kept/,/^UNLOCK/d'`));
    expect(failure).toMatchObject({ code: 'dump_incomplete', message: expect.stringContaining('kept') });
  });

  test('the tool complains, though it ends well', async () => {
    const failure = await attempt(versionOr(`${dumpTool} "$@"; echo "something odd" >&2`));
    expect(failure).toMatchObject({ code: 'dump_incomplete', detail: 'something odd' });
  });

  test('somebody changed definitions meanwhile', async () => {
    const sink: StreamSink = async (_, body) => {
      let seen = 0;
      for await (const chunk of body) {
        if (seen === 0) await server.query('CREATE TABLE big.late (a int)');
        seen += chunk.length;
      }
    };
    expect(await failureOf(driver.dump(login(server), whole('big'), sink, operation()))).toMatchObject({
      code: 'dump_incomplete',
      retryable: true,
    });
    await server.query('DROP TABLE big.late');
  });

  test('nobody took it to its end', async () => {
    const impatient: StreamSink = async (_, body) => {
      let seen = 0;
      for await (const chunk of body) {
        seen += chunk.length;
        if (seen > 500_000) break;
      }
    };
    expect(await failureOf(driver.dump(login(server), whole('big'), impatient, operation()))).toMatchObject({
      code: 'dump_incomplete',
      message: expect.stringContaining('stopped reading'),
    });
  });

  test('the server is killed in the middle', async () => {
    await using doomed = await start();
    await doomed.script(
      `CREATE DATABASE d; USE d; CREATE TABLE t (s text); CREATE TABLE few (a int);
       INSERT INTO few VALUES ${Array(256).fill('(1)').join()}; INSERT INTO t SELECT REPEAT('x', 1000) FROM few a, few b`,
    );
    const sink: StreamSink = async (_, body) => {
      let seen = 0;
      for await (const chunk of body) {
        if (seen === 0) await doomed.kill();
        seen += chunk.length;
      }
    };
    expect(await failureOf(driver.dump(login(doomed), whole('d'), sink, operation()))).toMatchObject({
      code: 'server_gone',
      retryable: true,
    });
  }, 60_000);
});

test('the password is in no argument', async () => {
  const spy = await driverWithTool(
    directory,
    `printf '%s\\n' "$@" >> ${directory}/seen; env >> ${directory}/seen; exec ${dumpTool} "$@"`,
  );
  await capture(spy, login(server), 'app');
  const seen = await readFile(join(directory, 'seen'), 'utf8');
  expect(seen).toContain('--defaults-file=');
  expect(seen).not.toContain(server.password);
});

const onlyMariadb = flavour === 'mariadb' ? test : () => {}; // MySQL has no such tables
onlyMariadb('former rows of versioned tables are dumped', async () => {
  await server.query(
    `CREATE DATABASE versions; CREATE TABLE versions.v (a int) WITH SYSTEM VERSIONING;
     INSERT INTO versions.v VALUES (1); UPDATE versions.v SET a = 2`,
  );
  const { catalog, options } = await dumped('versions');
  expect(catalog.tables).toMatchObject([{ name: 'v', rows: 2 }]);
  expect(options).toMatchObject({ history: true });
});
