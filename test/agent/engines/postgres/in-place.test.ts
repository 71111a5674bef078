import { readFile } from 'node:fs/promises';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { StreamOpener } from '../../../../agent/engines/driver.ts';
import { FailureError } from '../../../../protocol/failure.ts';
import type { RestorePlan } from '../../../../protocol/restore.ts';
import {
  type Captured,
  capture,
  failureOf,
  opener,
  operation,
  restoreInput,
} from '../../../contract/captured.ts';
import { fingerprint } from '../../../support/fingerprint.ts';
import { startPostgres, type TestPostgres } from '../../../support/postgres.ts';
import { driver, login, schemaOf } from './world.ts';

let postgres: TestPostgres;
let dump: Captured;
let before: Record<string, string>;

beforeAll(async () => {
  postgres = await startPostgres();
  await postgres.query('CREATE ROLE wide_owner; CREATE ROLE wide_reader LOGIN');
  await postgres.query('CREATE DATABASE wide');
  await postgres.query(await readFile('test/support/wide-schema.sql', 'utf8'), 'wide');
  dump = await capture(driver, login(postgres), 'wide');
  before = await contents('wide');
  await livedIn('target');
});
afterAll(() => postgres?.stop());

const contents = (database: string) => fingerprint((sql) => postgres.query(sql, database));
const plan = (more: Partial<RestorePlan> = {}, open?: StreamOpener) =>
  restoreInput(dump, { mode: 'in-place', targetDatabase: 'target', ...more }, open);
const restore = (input: ReturnType<typeof plan>, signal?: AbortSignal) =>
  driver.restore(login(postgres), input, operation(signal));

/** A copy of the database that was backed up, lived in since: changed, with things that came later. */
async function livedIn(name: string) {
  await driver.restore(login(postgres), restoreInput(dump, { targetDatabase: name }), operation());
  await postgres.query(
    `CREATE SCHEMA later; CREATE TABLE later.newer (a int); INSERT INTO later.newer VALUES (1);
     CREATE VIEW later.on_old AS SELECT * FROM shop.customers; CREATE TABLE public.points (id int REFERENCES shop.customers);
     CREATE TYPE public.mood AS ENUM ('good'); CREATE FUNCTION public.added() RETURNS int LANGUAGE sql AS 'SELECT 1';
     CREATE AGGREGATE later.counted(*) (SFUNC = int8inc, STYPE = int8, INITCOND = '0');
     CREATE OPERATOR later.<@> (LEFTARG = int, RIGHTARG = int, FUNCTION = int4pl);
     CREATE TEXT SEARCH DICTIONARY later.dict (TEMPLATE = simple); CREATE PUBLICATION later_on FOR TABLE later.newer;
     DROP VIEW shop.updatable; CREATE TABLE shop.updatable (now_a_table int); DROP TABLE shop.booking;
     INSERT INTO shop.unlogged VALUES (99); DELETE FROM shop.types WHERE small IS NULL; SELECT lo_from_bytea(0, 'later'), lo_unlink(77002);
     ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO wide_reader;
     ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO wide_reader; ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC`,
    name,
  );
}

/** All of a database that a failed restore may not have touched: the objects themselves, not only what they say. */
async function state() {
  return {
    contents: await contents('target'),
    schema: await schemaOf(postgres, 'target'),
    objects: await postgres.query(
      'SELECT oid, relname, relfilenode, xmin::text FROM pg_class WHERE oid >= 16384 ORDER BY 1',
      'target',
    ),
    grants: await postgres.query(
      'SELECT defaclrole, defaclnamespace, defaclobjtype, defaclacl::text FROM pg_default_acl ORDER BY 1, 2, 3',
      'target',
    ),
    roles: await postgres.query('SELECT rolname FROM pg_roles ORDER BY 1'),
    sessions: await postgres.query(
      `SELECT application_name FROM pg_stat_activity WHERE datname = 'target' AND application_name LIKE 'homeport%'`,
    ),
  };
}

/** An opener whose dump is made by `body` out of the real one. */
const tampered = (body: (bytes: Buffer) => AsyncGenerator<Uint8Array>): StreamOpener =>
  async function* (name) {
    if (name === 'dump') yield* body(dump.streams.get('dump') ?? Buffer.alloc(0));
    else yield* opener(dump)(name);
  };
const corrupt = () =>
  new FailureError({ code: 'pack_corrupt', message: 'damaged', hint: 'restore another', retryable: false });

describe('a restore in place that fails leaves the target exactly as it was', () => {
  test.each<[string, (bytes: Buffer) => AsyncGenerator<Uint8Array>]>([
    [
      'half way',
      async function* (bytes) {
        yield bytes.subarray(0, bytes.length / 2);
        throw corrupt();
      },
    ],
    [
      'after its last byte',
      async function* (bytes) {
        yield bytes;
        throw corrupt();
      },
    ],
    [
      'after its last byte, which came alone',
      async function* (bytes) {
        yield bytes.subarray(0, -1);
        yield bytes.subarray(-1);
        throw corrupt();
      },
    ],
  ])('the source breaks %s', async (_, body) => {
    const was = await state();
    expect((await failureOf(restore(plan({}, tampered(body))))).code).toBe('pack_corrupt');
    expect(await state()).toEqual(was);
  });

  test('the archive is cut where a stream could end', async () => {
    const was = await state();
    const cut = tampered(async function* (bytes) {
      yield bytes.subarray(0, -1);
    });
    expect((await failureOf(restore(plan({}, cut)))).code).toBe('dump_incomplete');
    expect(await state()).toEqual(was);
  });

  test('the archive holds other counts than the catalog', async () => {
    const was = await state();
    const input = plan();
    const { catalog } = dump.result;
    const source = {
      ...input.source,
      catalog: { ...catalog, objectCounts: { ...catalog.objectCounts, TABLE: 1 } },
    };
    expect((await failureOf(restore({ ...input, source }))).code).toBe('manifest_invalid');
    expect(await state()).toEqual(was);
  });

  test('it is cancelled while everything is dropped already', async () => {
    const was = await state();
    const stop = new AbortController();
    const body = tampered(async function* (bytes) {
      yield* [bytes.subarray(0, -1000), bytes.subarray(-1000, -500)];
      // Locked in an uncommitted transaction: so the clean-up has begun.
      const locked = `SELECT 1 FROM pg_locks WHERE relation = 'shop.types'::regclass AND mode = 'AccessExclusiveLock'`;
      while ((await postgres.query(locked, 'target')).length === 0);
      stop.abort();
      yield bytes.subarray(-500);
    });
    expect((await failureOf(restore(plan({}, body), stop.signal))).code).toBe('cancelled');
    expect(await state()).toEqual(was);
  });

  test('somebody holds a lock: who it is, is said', async () => {
    const was = await state();
    const { host, port, password } = postgres;
    const holder = new pg.Client({
      host,
      port,
      password,
      user: 'postgres',
      database: 'target',
      application_name: 'till 4',
    });
    await holder.connect();
    await holder.query('BEGIN; SELECT * FROM shop.types LIMIT 1');
    const failure = await failureOf(restore(plan()));
    expect(failure).toMatchObject({
      code: 'database_in_use',
      retryable: true,
      hint: expect.stringMatching(/“postgres” \(process \d+, till 4, 127\.0\.0\.1\)/),
    });
    await holder.end();
    expect(await state()).toEqual(was);
  });
});

test('what was there is listed, and replaced; what came later is gone', async () => {
  const answer = await driver.preflightRestore(login(postgres), plan(), operation());
  expect(answer.modes.find((one) => one.mode === 'in-place')).toMatchObject({ possible: true });
  const drops = answer.findings.find((finding) => finding.code === 'in_place_drops');
  expect(drops).toMatchObject({ severity: 'warning', modes: ['in-place'] });
  for (const name of [
    'schema later',
    'table later.newer',
    'view later.on_old',
    'table public.points',
    'function public.added()',
    'table shop.updatable',
    'publication later_on',
  ])
    expect(drops?.message).toContain(name);
  expect(drops?.message).not.toContain('shop.customers');

  // Clients that hold locks and come back at once; they are ended as often as they are in the way.
  let going = true;
  const storm = Array.from({ length: 3 }, async () => {
    while (going)
      await postgres
        .query('BEGIN; SELECT * FROM shop.types LIMIT 1; SELECT pg_sleep(5)', 'target')
        .catch(() => {});
  });
  const report = await restore(plan({ endSessions: true }));
  going = false;
  await postgres.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'target'`);
  await Promise.all(storm);
  expect(report).toMatchObject({ database: 'target', mode: 'in-place' });
  expect(report.notes.join(' ')).toContain('table later.newer');
  expect(await contents('target')).toEqual(before);
  expect(await schemaOf(postgres, 'target')).toEqual(await schemaOf(postgres, 'wide'));
});

test('once more into what is the same already, without owners', async () => {
  const report = await restore(plan({ owners: 'none' }));
  expect(report.notes.join(' ')).toContain('Owners and grants were left out.');
  expect(await contents('target')).toEqual(before);
  const schema = (await schemaOf(postgres, 'target', '--no-owner', '--no-acl')).join('\n');
  expect(schema).toEqual((await schemaOf(postgres, 'wide', '--no-owner', '--no-acl')).join('\n'));
});

test('a database that is not there cannot be filled', async () => {
  const input = plan({ targetDatabase: 'nowhere' });
  expect((await failureOf(restore(input))).code).toBe('database_missing');
});
