import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TableSelection } from '../../../../protocol/selection.ts';
import {
  type Captured,
  capture,
  failureOf,
  found,
  operation,
  restoreInput,
} from '../../../contract/captured.ts';
import { fingerprint } from '../../../support/fingerprint.ts';
import { startPostgres, type TestPostgres } from '../../../support/postgres.ts';
import { drain, driver, login, schemaOf } from './world.ts';

let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await startPostgres();
  await postgres.query('CREATE DATABASE app');
  await postgres.query(
    `CREATE TYPE level AS ENUM ('info', 'error');
     CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
     CREATE TABLE users (id serial PRIMARY KEY, name text); INSERT INTO users (name) SELECT 'user ' || g FROM generate_series(1, 20) g;
     CREATE TABLE audit_log (id bigserial PRIMARY KEY, at level DEFAULT 'info' CHECK (at IS NOT NULL), by int REFERENCES users);
     INSERT INTO audit_log (by) SELECT 1 + g % 20 FROM generate_series(1, 300) g;
     CREATE INDEX audit_by ON audit_log (by); CREATE TRIGGER stamped BEFORE INSERT ON audit_log FOR EACH ROW EXECUTE FUNCTION stamp();
     COMMENT ON COLUMN audit_log.at IS 'how bad'; CREATE VIEW errors AS SELECT * FROM audit_log WHERE at = 'error';
     CREATE TABLE audit_tags (log bigint REFERENCES audit_log, tag text); INSERT INTO audit_tags VALUES (1, 'x');
     CREATE TABLE events (id int, at date) PARTITION BY RANGE (at);
     CREATE TABLE events_old PARTITION OF events FOR VALUES FROM ('2020-01-01') TO ('2024-01-01') PARTITION BY LIST (id);
     CREATE TABLE events_old_1 PARTITION OF events_old FOR VALUES IN (1); CREATE TABLE events_new PARTITION OF events DEFAULT;
     INSERT INTO events VALUES (1, '2021-01-01'), (1, '2025-01-01');
     CREATE TABLE base (a int); CREATE TABLE derived () INHERITS (base); INSERT INTO base VALUES (1); INSERT INTO derived VALUES (2);
     CREATE SCHEMA "odd.one"; CREATE TABLE "odd.one"."a*b ""q"" $x|(y)" (a int); INSERT INTO "odd.one"."a*b ""q"" $x|(y)" VALUES (1);
     CREATE TABLE "odd.one"."aXb" (a int); INSERT INTO "odd.one"."aXb" VALUES (1)`,
    'app',
  );
});
afterAll(() => postgres?.stop());

const select = (selection: Partial<TableSelection>): TableSelection => ({
  include: [],
  exclude: [],
  ...selection,
});
const preflight = async (selection: Partial<TableSelection>) =>
  found(
    await driver.preflightBackup(
      login(postgres),
      { database: 'app', selection: select(selection) },
      operation(),
    ),
  );
const take = (selection: Partial<TableSelection>) =>
  capture(driver, login(postgres), 'app', select(selection));
const rows = (dump: Captured) =>
  Object.fromEntries(dump.result.catalog.tables.map((one) => [`${one.schema}.${one.name}`, one.rows]));
const contents = (database: string) => fingerprint((sql) => postgres.query(sql, database));
const LOGS = ['public.audit_*'];

describe('a dump', () => {
  test('holds the definitions of excluded tables and not their rows; sequences go on where they were', async () => {
    const dump = await take({ exclude: LOGS });
    expect(rows(dump)).not.toHaveProperty('public.audit_log');
    expect(rows(dump)).toMatchObject({ 'public.users': 20, 'public.events_new': 1 });
    expect(dump.result.options).toMatchObject({ selection: 'partial' });
    expect(dump.result.catalog.requirements.excludedTables).toEqual([
      'public.audit_log',
      'public.audit_tags',
    ]);
    const input = restoreInput(dump, { targetDatabase: 'without logs' });
    const answer = await driver.preflightRestore(login(postgres), input, operation());
    expect(answer.findings).toContainEqual(
      expect.objectContaining({
        code: 'rows_left_out',
        severity: 'info',
        message: expect.stringContaining('“public.audit_log”'),
      }),
    );
    await driver.restore(login(postgres), input, operation());
    expect(await schemaOf(postgres, 'without logs')).toEqual(await schemaOf(postgres, 'app'));
    const was = await contents('app');
    expect(await contents('without logs')).toEqual({
      ...was,
      '"public"."audit_log"': '0 ',
      '"public"."audit_tags"': '0 ',
    });
  });

  test('of everything says so', async () => {
    const { result } = await take({});
    expect(result.options).toMatchObject({ selection: 'all' });
    expect(result.catalog.requirements.excludedTables).toEqual([]);
  });

  test.each<[string, Partial<TableSelection>, string[]]>([
    [
      'a partitioned table excludes its partitions',
      { exclude: ['public.events'] },
      ['events', 'events_new', 'events_old', 'events_old_1'],
    ],
    [
      'a partition in between excludes what is below',
      { exclude: ['public.events_old'] },
      ['events_old', 'events_old_1'],
    ],
    ['a leaf excludes itself', { exclude: ['public.events_new'] }, ['events_new']],
    ['a table that others inherit from is itself only', { exclude: ['public.base'] }, ['base']],
  ])('%s', async (_, selection, expected) => {
    const dump = await take(selection);
    expect(dump.result.catalog.requirements.excludedTables).toEqual(expected.map((name) => `public.${name}`));
    for (const name of expected) expect(rows(dump)).not.toHaveProperty(`public.${name}`);
    expect(Object.keys(rows(dump))).toHaveLength(
      9 - expected.filter((name) => !/^events(_old)?$/.test(name)).length,
    );
  });

  test('names are names: no character of theirs is a pattern of pg_dump’s', async () => {
    const dump = await take({ exclude: ['odd.one.a*b "q" $x|(y)'] });
    expect(dump.result.catalog.requirements.excludedTables).toEqual(['odd.one.a*b "q" $x|(y)']);
    expect(rows(dump)).toMatchObject({ 'odd.one.aXb': 1, 'public.users': 20 });
  });

  test('of included tables only leaves out all others; excluding wins', async () => {
    const dump = await take({ include: ['public.users', 'public.events'], exclude: ['public.events_new'] });
    expect(Object.keys(rows(dump)).sort()).toEqual(['public.events_old_1', 'public.users']);
  });
});

describe('the preflight', () => {
  const codes = async (selection: Partial<TableSelection>) =>
    (await preflight(selection)).map((one) => `${one.severity} ${one.code}`);

  test('says what is left out, and which patterns match nothing', async () => {
    expect(await codes({ exclude: [...LOGS, 'public.gone*'] })).toEqual(
      expect.arrayContaining(['info rows_left_out', 'warning pattern_unmatched']),
    );
    expect(await codes({})).toEqual([]);
  });

  test('stops where rows would refer to rows that are left out, and so does the dump', async () => {
    const found = (await preflight({ exclude: ['public.users'] })).find((one) => one.severity === 'blocker');
    expect(found).toMatchObject({
      code: 'reference_left_out',
      message: expect.stringContaining('public.audit_log → public.users (audit_log_by_fkey)'),
    });
    const wish = { database: 'app', selection: select({ exclude: ['public.users'] }) };
    const failure = await failureOf(driver.dump(login(postgres), wish, drain, operation()));
    expect(failure).toMatchObject({ code: 'invalid_input', message: found?.message });
    expect(await codes({ exclude: ['public.users', ...LOGS] })).not.toContain('blocker reference_left_out');
  });
});

describe('in place, a table without rows in the snapshot', () => {
  const inPlace = (dump: Captured, targetDatabase: string) =>
    restoreInput(dump, { mode: 'in-place', targetDatabase });
  const copy = (name: string) => postgres.query(`CREATE DATABASE "${name}" TEMPLATE app`);

  test('stays as it is, with all that belongs to it, while what is around it is replaced', async () => {
    const dump = await take({ exclude: LOGS });
    await copy('lived in');
    await postgres.query(
      `INSERT INTO audit_log (by) VALUES (20), (20); DELETE FROM users WHERE id > 20; UPDATE users SET name = 'changed';
       CREATE TABLE later (a level, by int REFERENCES audit_log); CREATE INDEX audit_later ON audit_log (id, by)`,
      'lived in',
    );
    const was = await contents('app');
    const { '"public"."audit_log"': log, '"public"."audit_log_id_seq"': sequence } =
      await contents('lived in');
    const input = inPlace(dump, 'lived in');
    const { findings } = await driver.preflightRestore(login(postgres), input, operation());
    const message = (code: string) => findings.find((one) => one.code === code)?.message;
    expect(message('in_place_kept')).toContain('“public.audit_log”');
    expect(message('in_place_drops')).toBe(
      'Will be dropped, and the snapshot does not hold it: table public.later.',
    );
    const report = await driver.restore(login(postgres), input, operation());
    expect(report.notes.join(' ')).toContain('Left as they are');
    expect(await contents('lived in')).toEqual({
      ...was,
      '"public"."audit_log"': log,
      '"public"."audit_log_id_seq"': sequence,
    });
    const added = 'CREATE INDEX audit_later ON public.audit_log USING btree (id, by);';
    const after = await schemaOf(postgres, 'lived in');
    expect(after.filter((line) => line !== added && line !== '')).toEqual(
      (await schemaOf(postgres, 'app')).filter((line) => line !== ''),
    );
    expect(after).toContain(added);
  });

  test('whose rows would refer to nothing makes the restore fail, and all is as it was', async () => {
    const dump = await take({ exclude: LOGS });
    await copy('dangling');
    await postgres.query(
      `INSERT INTO users VALUES (99, 'later'); INSERT INTO audit_log (by) VALUES (99)`,
      'dangling',
    );
    const was = await contents('dangling');
    const failure = await failureOf(driver.restore(login(postgres), inPlace(dump, 'dangling'), operation()));
    expect(failure).toMatchObject({
      code: 'restore_sql_error',
      detail: expect.stringContaining('audit_log_by_fkey'),
    });
    expect(await contents('dangling')).toEqual(was);
  });

  test('that is made of what would be replaced stops it', async () => {
    const dump = await take({ exclude: ['public.events_new'] });
    await copy('tangled');
    const failure = await failureOf(driver.restore(login(postgres), inPlace(dump, 'tangled'), operation()));
    expect(failure).toMatchObject({
      code: 'restore_not_possible',
      message: expect.stringContaining('“public.events”'),
    });
  });

  test('and that the target does not have is made, empty', async () => {
    const dump = await take({ exclude: LOGS });
    await copy('lacking');
    await postgres.query('DROP TABLE audit_log CASCADE; DROP TABLE audit_tags', 'lacking');
    await driver.restore(login(postgres), inPlace(dump, 'lacking'), operation());
    expect(await schemaOf(postgres, 'lacking')).toEqual(await schemaOf(postgres, 'app'));
  });
});
