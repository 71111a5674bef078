import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { StreamOpener } from '../../../../agent/engines/driver.ts';
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
let database = '';
let count = 0;
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres?.stop());

/** Makes a database by `sql` and backs it up without the rows of public.log. */
async function snapshot(sql: string): Promise<Captured> {
  count += 1;
  database = `kept ${count}`;
  await postgres.query(`CREATE DATABASE "${database}"`);
  await postgres.query(sql, database);
  return await capture(driver, login(postgres), database, { include: [], exclude: ['public.log'] });
}
const restore = (dump: Captured, open?: StreamOpener) =>
  driver.restore(
    login(postgres),
    restoreInput(dump, { mode: 'in-place', targetDatabase: database }, open),
    operation(),
  );
const state = async () => ({
  schema: await schemaOf(postgres, database),
  contents: await fingerprint((sql) => postgres.query(sql, database)),
});

describe('what stays and what is made again are told apart', () => {
  test.each([
    [
      'indexes and statistics of others that use a kept function',
      `CREATE FUNCTION f(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1'; CREATE TABLE log (a int CHECK (f(a) > 0));
       CREATE TABLE t (a int, b int); CREATE UNIQUE INDEX by_f ON t (f(a)); CREATE STATISTICS s ON f(a), (a + b) FROM t;
       CREATE STATISTICS of_log ON a, (a + 1) FROM log`,
    ],
    [
      'a text search configuration',
      `CREATE TEXT SEARCH DICTIONARY d (TEMPLATE = simple); CREATE TEXT SEARCH CONFIGURATION c (PARSER = "default");
       ALTER TEXT SEARCH CONFIGURATION c ADD MAPPING FOR word WITH d;
       CREATE TABLE log (a text, v tsvector GENERATED ALWAYS AS (to_tsvector('public.c', a)) STORED); CREATE TABLE t (a int)`,
    ],
    [
      'an aggregate, a type with functions of its own',
      `CREATE TYPE own; CREATE FUNCTION own_in(cstring) RETURNS own LANGUAGE internal IMMUTABLE STRICT AS 'textin';
       CREATE FUNCTION own_out(own) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout'; CREATE TYPE own (INPUT = own_in, OUTPUT = own_out);
       CREATE AGGREGATE every(*) (SFUNC = int8inc, STYPE = int8, INITCOND = '0');
       CREATE FUNCTION n() RETURNS bigint IMMUTABLE LANGUAGE sql BEGIN ATOMIC SELECT public.every(*); END;
       CREATE TABLE log (a own, b bigint DEFAULT n()); CREATE TABLE t (a own)`,
    ],
    [
      'rows of an extension’s configuration table',
      `CREATE EXTENSION hstore; CREATE TABLE log (a int); INSERT INTO log VALUES (1); ALTER EXTENSION hstore ADD TABLE log;
       UPDATE pg_extension SET extconfig = ARRAY['log'::regclass::oid], extcondition = '{""}' WHERE extname = 'hstore'; CREATE TABLE t (a int)`,
    ],
  ])('%s', async (_, sql) => {
    const dump = await snapshot(sql);
    const was = await state();
    await restore(dump);
    expect(await state()).toEqual(was);
  });

  test.each([
    [
      'operators',
      `CREATE OPERATOR <@> (LEFTARG = int, RIGHTARG = int, FUNCTION = int4pl); CREATE OPERATOR <@> (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = int8pl);
       CREATE TABLE log (a int CHECK (a <@> 1 > 0))`,
      'public.<@>(integer,integer)',
    ],
    [
      'operator classes',
      `CREATE OPERATOR CLASS oc FOR TYPE int4 USING btree AS OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 btint4cmp(int, int);
       CREATE OPERATOR CLASS oc FOR TYPE int4 USING hash AS OPERATOR 1 =, FUNCTION 1 hashint4(int);
       CREATE TABLE log (a int); CREATE INDEX ON log USING btree (a oc)`,
      'public.oc USING btree',
    ],
  ])('%s cannot: an archive calls them by one name', async (_, sql, name) => {
    const dump = await snapshot(sql);
    const failure = await failureOf(restore(dump));
    expect(failure).toMatchObject({
      code: 'restore_not_possible',
      message: expect.stringContaining(`“${name}”`),
    });
  });
});

test.each([
  ['a table that was to stay is dropped', 'DROP TABLE log'],
  ['its type is another one', 'ALTER TABLE log ALTER a TYPE text; DROP TYPE level'],
  ['an extension is dropped', 'DROP EXTENSION hstore'],
])('where, after the look, %s, the restore fails', async (_, meanwhile) => {
  const dump = await snapshot(
    `CREATE EXTENSION hstore; CREATE TYPE level AS ENUM ('low'); CREATE TABLE log (a level); CREATE TABLE t (a int)`,
  );
  const open: StreamOpener = async function* (name) {
    if (name === 'dump') await postgres.query(meanwhile, database);
    yield* opener(dump)(name);
  };
  expect(await failureOf(restore(dump, open))).toMatchObject({
    code: 'database_in_use',
    message: expect.stringContaining('changed while the restore began'),
  });
});

test('a kept table’s foreign keys are made again, which takes its owner', async () => {
  const dump = await snapshot(
    'CREATE ROLE keys LOGIN; CREATE TABLE u (id int PRIMARY KEY); CREATE TABLE log (a int REFERENCES u); ALTER TABLE u OWNER TO keys; GRANT ALL ON SCHEMA public TO keys',
  );
  await postgres.query(`ALTER ROLE keys PASSWORD 'pw'`);
  const input = restoreInput(dump, { mode: 'in-place', targetDatabase: database });
  const { modes } = await driver.preflightRestore(
    login(postgres, { user: 'keys' }, 'pw'),
    input,
    operation(),
  );
  expect(modes.find((one) => one.mode === 'in-place')).toMatchObject({
    possible: false,
    sql: 'ALTER TABLE public.log OWNER TO "keys";',
  });
});
