import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EngineDriver, ServerTarget } from '../../agent/engines/driver.ts';
import { mysqlDriver } from '../../agent/engines/mysql/driver.ts';
import { FailureError } from '../../protocol/failure.ts';
import { type Captured, capture, failureOf, operation, restoreInput } from '../contract/captured.ts';
import type { TestMysql } from '../support/mysql-family.ts';
import { enabledEvents, mysqlFingerprint } from '../support/mysql-fingerprint.ts';
import {
  MARIADB,
  MYSQL,
  type ServerVersion,
  serverVersion,
  startMysqlVersion,
  toolDirectories,
} from '../support/servers.ts';
import { createWideMysql } from '../support/wide-schema.ts';

const VERSIONS = [...MARIADB, ...MYSQL];
const everyTool = VERSIONS.flatMap((one) => toolDirectories(one));
const driver = (flavour: 'mariadb' | 'mysql', directories = everyTool) =>
  mysqlDriver({ flavour, toolDirectories: directories }) as EngineDriver;
const target = (server: TestMysql): ServerTarget => ({
  connection: { host: server.host, port: server.port, user: server.superuser, tls: 'prefer' },
  password: server.password,
});

describe('MariaDB and MySQL from version to version', () => {
  const servers = new Map<ServerVersion, TestMysql>();
  const dumps = new Map<ServerVersion, Captured>();
  const old = serverVersion('mariadb', '10.11');
  const young = serverVersion('mariadb', '11.8');
  const other = serverVersion('mysql', '9');
  const server = (version: ServerVersion) => servers.get(version) as TestMysql;
  const dump = (version: ServerVersion) => dumps.get(version) as Captured;
  const contents = (version: ServerVersion, database: string) =>
    mysqlFingerprint((sql) => server(version).query(sql, database));
  const databases = async (version: ServerVersion) =>
    (
      await server(version).query('SELECT SCHEMA_NAME AS name FROM information_schema.SCHEMATA ORDER BY 1')
    ).map((row) => String(row.name));

  beforeAll(async () => {
    for (const version of VERSIONS) {
      const started = await startMysqlVersion(version, { log_bin_trust_function_creators: '1' });
      servers.set(version, started);
      await createWideMysql(started, 'wide');
      const flavour = version.engine === 'mysql' ? 'mysql' : 'mariadb';
      dumps.set(version, await capture(driver(flavour), target(started), 'wide'));
    }
  }, 120_000);
  afterAll(() => Promise.all([...servers.values()].map((one) => one.stop())));

  test('what 10.11 held is in 11.8: every row, every object', async () => {
    const plan = { targetDatabase: 'from_old', switches: ['enable-events' as const] };
    await driver('mariadb').restore(target(server(young)), restoreInput(dump(old), plan), operation());
    const [was, is] = [await contents(old, 'wide'), await contents(young, 'from_old')];
    // Statements are spelled differently from version to version; what the rows hold is not.
    expect(Object.keys(is)).toEqual(Object.keys(was));
    for (const key of Object.keys(was).filter((one) => one.startsWith('rows ')))
      expect([key, is[key]]).toEqual([key, was[key]]);
    const events = (version: ServerVersion, database: string) =>
      enabledEvents((sql) => server(version).query(sql, database));
    expect(await events(young, 'from_old')).toEqual(await events(old, 'wide'));
    expect(await events(young, 'from_old')).not.toEqual([]);
  });

  test('what 11.8 held either is in 10.11 afterwards, or nothing of it is and the reason is named', async () => {
    const before = await databases(old);
    const input = restoreInput(dump(young), { targetDatabase: 'from_young' });
    const outcome = await driver('mariadb')
      .restore(target(server(old)), input, operation())
      .catch((error) => error);
    if (outcome instanceof FailureError) {
      expect(outcome.failure.code).toMatch(/^restore_(not_possible|sql_error)$/);
      expect(await databases(old)).toEqual(before);
    } else {
      const [was, is] = [await contents(young, 'wide'), await contents(old, 'from_young')];
      for (const key of Object.keys(was).filter((one) => one.startsWith('rows ')))
        expect([key, is[key]]).toEqual([key, was[key]]);
    }
  });

  test.each([
    ['a MariaDB snapshot', 'MySQL', old, other],
    ['a MySQL snapshot', 'MariaDB', other, young],
  ])('%s is refused on %s, and nothing is made', async (_what, _where, from, to) => {
    const flavour = to.engine === 'mysql' ? 'mysql' : 'mariadb';
    const before = await databases(to);
    const input = restoreInput(dump(from), { targetDatabase: 'across' });
    const place = target(server(to));
    const { preflightRestore, restore } = driver(flavour);
    for (const attempt of [preflightRestore, restore])
      expect((await failureOf(attempt(place, input, operation()))).code).toBe('restore_not_possible');
    expect(await databases(to)).toEqual(before);
  });

  test.each([
    ['MariaDB', 'MySQL', old, 'mysql'],
    ['MySQL', 'MariaDB', other, 'mariadb'],
  ] as const)('a %s server that was added as %s is the wrong engine', async (_is, _as, version, flavour) => {
    const added = driver(flavour);
    const codes = await Promise.all([
      failureOf(added.probe(target(server(version)), operation())),
      failureOf(added.listDatabases(target(server(version)), operation())),
      failureOf(capture(added, target(server(version)), 'wide')),
    ]);
    expect(codes.map((failure) => failure.code)).toEqual(['wrong_engine', 'wrong_engine', 'wrong_engine']);
  });

  test('a mariadb-dump that is older than the server is refused, both versions named', async () => {
    const aged = driver('mariadb', toolDirectories(old));
    const failure = await failureOf(capture(aged, target(server(young)), 'wide'));
    expect(failure).toMatchObject({ code: 'tool_too_old', message: expect.stringMatching(/10\.11.*11\.8/) });
  });

  test('only the other product’s tools are as good as none, and it says whose are there', async () => {
    const foreign = driver('mysql', toolDirectories(young));
    const failure = await failureOf(capture(foreign, target(server(other)), 'wide'));
    expect(failure).toMatchObject({ code: 'tool_missing', message: expect.stringContaining('mariadb-dump') });
  });
});
