import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { StreamSink } from '../../../../agent/engines/driver.ts';
import type { Failure } from '../../../../protocol/failure.ts';
import { capture, failureOf, operation, restoreInput, whole } from '../../../contract/captured.ts';
import { startPostgres, type TestPostgres } from '../../../support/postgres.ts';
import { drain, driver, login } from './world.ts';

let postgres: TestPostgres;

beforeAll(async () => {
  postgres = await startPostgres();
  await postgres.query('CREATE DATABASE app');
  await postgres.query(
    'CREATE TABLE kept (a int); CREATE TABLE other (a int); INSERT INTO kept VALUES (1)',
    'app',
  );
});
afterAll(async () => {
  await postgres?.stop();
});

describe('servers', () => {
  test('one that takes connections and never answers times out', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const failure = await failureOf(driver.probe(login(postgres, { port }), operation()));
    expect(failure).toMatchObject({ code: 'connection_timeout', retryable: true });
    silent.close();
  });

  test('owners are mapped to roles that exist only', async () => {
    const dump = await capture(driver, login(postgres), 'app');
    const globals = JSON.parse(String(dump.streams.get('globals')));
    globals.roles[0].name = 'nobody here';
    dump.streams.set('globals', Buffer.from(JSON.stringify(globals)));
    const plan = { targetDatabase: 'mapped', owners: 'map', mapTo: 'nobody either' } as const;
    expect(
      await failureOf(driver.restore(login(postgres), restoreInput(dump, plan), operation())),
    ).toMatchObject({
      code: 'invalid_input',
    });
  });

  test('one that is killed in the middle of a dump is gone, and the dump is none', async () => {
    await using doomed = await startPostgres();
    await doomed.query(`CREATE TABLE t AS SELECT repeat('x', 1000) FROM generate_series(1, 60000)`);
    const sink: StreamSink = async (_, body) => {
      let seen = 0;
      for await (const chunk of body) {
        if (seen === 0) await doomed.kill();
        seen += chunk.length;
      }
    };
    expect(await failureOf(driver.dump(login(doomed), whole('postgres'), sink, operation()))).toMatchObject({
      code: 'server_gone',
      retryable: true,
    });
  });

  test('a dump that nobody took to its end is none', async () => {
    await postgres.query(`CREATE DATABASE half`);
    await postgres.query(`CREATE TABLE t AS SELECT repeat('x', 1000) FROM generate_series(1, 5000)`, 'half');
    const impatient: StreamSink = async (_, body) => {
      let seen = 0;
      for await (const chunk of body) {
        seen += chunk.length;
        if (seen > 500_000) break;
      }
    };
    const failure = await failureOf(driver.dump(login(postgres), whole('half'), impatient, operation()));
    expect(failure).toMatchObject({ code: 'dump_incomplete', message: expect.stringContaining('stopped') });
  });

  test('a missing privilege is named with its table', async () => {
    await postgres.query(`CREATE ROLE weak LOGIN PASSWORD 'weak'`);
    const failure = await failureOf(
      driver.dump(login(postgres, { user: 'weak' }, 'weak'), whole('app'), drain, operation()),
    );
    expect(failure).toMatchObject({
      code: 'privilege_missing',
      message: expect.stringMatching(/permission denied/),
    });
  });

  test('SQL errors make a restore fail, and nothing stays', async () => {
    await postgres.query('CREATE DATABASE fragile');
    await postgres.query(
      `CREATE TABLE limits (top int); INSERT INTO limits VALUES (10);
       CREATE FUNCTION below(int) RETURNS bool LANGUAGE plpgsql AS 'BEGIN RETURN $1 < (SELECT top FROM limits); END';
       CREATE TABLE certificates (a int CHECK (below(a))); INSERT INTO certificates VALUES (5)`,
      'fragile',
    );
    const dump = await capture(driver, login(postgres), 'fragile');
    const failure = await failureOf(
      driver.restore(login(postgres), restoreInput(dump, { targetDatabase: 'again' }), operation()),
    );
    // Not `tls_untrusted`: it is only a table's name.
    expect(failure).toMatchObject({ code: 'restore_sql_error', detail: expect.stringContaining('limits') });
    expect(await postgres.query(`SELECT datname FROM pg_database WHERE datname LIKE 'again%'`)).toEqual([]);
  });
});

describe('explain', () => {
  test.each<[string, Failure['code']]>([
    ['ETIMEDOUT', 'connection_timeout'],
    ['EHOSTUNREACH', 'connection_timeout'],
    ['ENOTFOUND', 'unknown_host'],
    ['EAI_AGAIN', 'unknown_host'],
    ['ECONNREFUSED', 'connection_refused'],
    ['ECONNRESET', 'server_gone'],
    ['CERT_HAS_EXPIRED', 'tls_untrusted'],
    ['28P01', 'access_denied'],
    ['3D000', 'database_missing'],
    ['42501', 'privilege_missing'],
    ['53100', 'disk_full'],
    ['57P01', 'server_gone'],
    ['08006', 'server_gone'],
    ['55006', 'database_in_use'],
  ])('%s is %s, with a remedy', (code, expected) => {
    const failure = driver.explain(Object.assign(new Error('words'), { code }), login(postgres));
    expect(failure.code).toBe(expected);
    expect(failure.hint.length).toBeGreaterThan(20);
    const many = new AggregateError([Object.assign(new Error('one'), { code }), new Error('two')]);
    expect(driver.explain(many, login(postgres)).code).toBe(expected);
  });
});
