import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { processesIn } from '../../../agent/drills/processes.ts';
import type { EngineDriver } from '../../../agent/engines/driver.ts';
import { postgresDriver } from '../../../agent/engines/postgres/driver.ts';
import { capture, failureOf } from '../../contract/captured.ts';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';
import { driver, login } from '../engines/postgres/world.ts';
import { NOTHING, openPlace, rehearse, remainsOf } from './world.ts';

let postgres: TestPostgres;
let count = 0;
const name = () => `drill_${count}`;

beforeAll(async () => {
  postgres = await startPostgres();
  await postgres.query(`CREATE ROLE keeper; CREATE ROLE app`);
});
afterAll(() => postgres?.stop());
beforeEach(async () => {
  count += 1;
  await postgres.query(`CREATE DATABASE ${name()} OWNER keeper`);
});

/** A dump of the test's database after `sql` was run in it. */
async function dumpOf(sql: string) {
  await postgres.query(sql, name());
  return capture(driver, login(postgres), name());
}

test('a snapshot is restored and counted on a server of its own, of which nothing stays', async () => {
  const dump = await dumpOf(`
    CREATE EXTENSION pg_trgm; CREATE EXTENSION hstore;
    CREATE SCHEMA "Odd ""schema""" AUTHORIZATION keeper;
    CREATE TABLE "Odd ""schema"""."or ders" (id int PRIMARY KEY, tags hstore);
    INSERT INTO "Odd ""schema"""."or ders" SELECT i, hstore('a', i::text) FROM generate_series(1, 1234) i;
    CREATE TABLE parent (id int); CREATE TABLE child () INHERITS (parent);
    INSERT INTO parent VALUES (1); INSERT INTO child VALUES (2), (3);
    CREATE TABLE parts (id int) PARTITION BY RANGE (id); CREATE TABLE part1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
    INSERT INTO parts VALUES (1), (2);
    CREATE TABLE secret (id int); ALTER TABLE secret ENABLE ROW LEVEL SECURITY; ALTER TABLE secret FORCE ROW LEVEL SECURITY;
    CREATE POLICY none ON secret TO app USING (false); INSERT INTO secret VALUES (1);
    SELECT lo_from_bytea(0, 'large'); CREATE PUBLICATION everything FOR ALL TABLES;
    CREATE FUNCTION noted() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
    CREATE EVENT TRIGGER noting ON ddl_command_end EXECUTE FUNCTION noted();
    COMMENT ON EVENT TRIGGER noting IS 'note';
    CREATE MATERIALIZED VIEW sums AS SELECT count(*) FROM parent; GRANT SELECT ON parent TO app;`);
  const place = await openPlace();
  const rehearsal = await rehearse(driver, dump, place);
  expect(rehearsal.serverVersion).toMatch(/^\d+\.\d+$/);
  expect(rehearsal.notes).toEqual([
    'Left out, since only a superuser can make it: event trigger, publication.',
  ]);
  const { tables } = dump.result.catalog;
  expect(tables).toHaveLength(5);
  for (const table of tables)
    expect([table.name, await rehearsal.count(table)]).toEqual([table.name, table.rows]);
  expect(await rehearsal.count({ schema: 'public', name: 'nowhere' })).toBeNull();
  // Whoever is not on this host has no way to it.
  const sockets = await Promise.all(['tcp', 'tcp6'].map((file) => listening(place.directory, file)));
  expect(sockets.flat()).toEqual([]);
  await rehearsal[Symbol.asyncDispose]();
  await place[Symbol.asyncDispose]();
  expect(await remainsOf(place)).toEqual(NOTHING);
});

/** Lines of listening TCP sockets, as the server's own namespace has them, that belong to its processes. */
async function listening(directory: string, file: string): Promise<string[]> {
  const [pid] = await processesIn(directory);
  const lines = (await readFile(`/proc/${pid}/net/${file}`, 'utf8')).trim().split('\n').slice(1);
  return lines.filter((line) => / 0A /.test(line));
}

describe('questions are answered, and change nothing', async () => {
  const asked = [
    ['SELECT count(*) = 3 FROM stock;', true],
    ['SELECT count(*) FROM stock -- as many as there are', '3'],
    ['SELECT false', false],
    ['WITH s AS (SELECT 1) SELECT * FROM s', 1],
  ] as const;
  const refused = [
    ['SELECT * FROM stock', 'more than one row'],
    ['SELECT 1 FROM stock WHERE id = 9', 'no row'],
    ['SELECT 1; DROP TABLE stock', 'syntax error'],
    ['SELECT 1) AS a; DROP TABLE stock; SELECT (1', 'cannot insert multiple commands'],
    ['DELETE FROM stock RETURNING 1', 'syntax error'],
    [`SELECT nextval('stock_id_seq')`, 'permission denied'],
    ['SELECT * FROM nowhere', 'relation "nowhere" does not exist'],
    [`SELECT CAST(note AS int) FROM stock WHERE id = 1`, 'failed with SQLSTATE 22P02'],
    [`SELECT pg_read_file('/etc/passwd')`, 'permission denied'],
    ['SELECT pg_sleep(60)', 'longer than 0.5 s'],
  ] as const;
  test('one after another', async () => {
    const dump = await dumpOf(
      `CREATE TABLE stock (id serial, note text); INSERT INTO stock (note) VALUES ('canary'), ('b'), ('c')`,
    );
    await using rehearsal = await rehearse(driver, dump, await openPlace());
    for (const [query, answer] of asked)
      expect([query, await rehearsal.ask(query, 5000)]).toEqual([query, answer]);
    for (const [query, message] of refused) {
      const failure = await failureOf(rehearsal.ask(query, 500));
      expect([query, failure.message]).toEqual([query, expect.stringContaining(message)]);
      expect(JSON.stringify(failure)).not.toContain('canary');
    }
    expect(await rehearsal.count({ schema: 'public', name: 'stock' })).toBe(3);
  });
});

describe('what a dump holds is no more than a guest', () => {
  test.each([
    ['runs programs', (file: string) => `COPY (SELECT 1) TO PROGRAM 'touch ${file}'`],
    ['writes files', (file: string) => `COPY (SELECT 1) TO '${file}'`],
    ['makes roles', () => 'CREATE ROLE intruder SUPERUSER'],
    ['becomes a superuser', () => 'ALTER ROLE CURRENT_USER SUPERUSER'],
    ['reads files', () => `PERFORM pg_read_file('/etc/passwd')`],
  ])('one that %s is refused', async (_, act) => {
    const place = await openPlace();
    const file = join(place.directory, 'canary');
    // Harmless where it comes from: it acts as soon as the table is filled somewhere else.
    const dump = await dumpOf(`
      CREATE FUNCTION act(int) RETURNS boolean LANGUAGE plpgsql AS $f$ BEGIN
        IF current_database() <> '${name()}' THEN ${act(file)}; END IF; RETURN true; END $f$;
      CREATE TABLE bait (id int CHECK (act(id))); INSERT INTO bait VALUES (1);`);
    const failure = await failureOf(rehearse(driver, dump, place));
    expect(failure.code).toMatch(/restore_sql_error|privilege_missing/);
    expect(await remainsOf(place)).toMatchObject({ directory: true });
    await expect(readFile(file)).rejects.toThrow('ENOENT');
    await place[Symbol.asyncDispose]();
    expect(await remainsOf(place)).toEqual(NOTHING);
  });
});

test('what could reach the network is tried out only where there is none', async () => {
  const dump = await dumpOf('CREATE EXTENSION dblink; CREATE TABLE t (id int)');
  const place = await openPlace();
  const failure = await failureOf(rehearse(driver, dump, { ...place, isolated: false }));
  expect(failure).toMatchObject({
    code: 'drill_not_possible',
    message: expect.stringContaining('“dblink” may reach the network'),
  });
  const other = await openPlace();
  expect(other.isolated).toBe(true);
  await using rehearsal = await rehearse(driver, dump, other);
  const away = `SELECT count(*) FROM dblink('host=127.0.0.1 port=${postgres.port} user=x password=x', 'SELECT 1') AS t(a int)`;
  expect((await failureOf(rehearsal.ask(away, 5_000))).message).toContain('SQLSTATE 08001');
});

test('where no server is installed, it says which to install', async () => {
  const dump = await dumpOf('CREATE TABLE t (id int)');
  const bare = postgresDriver({ toolDirectories: ['/nonexistent'] }) as EngineDriver;
  expect(await failureOf(rehearse(bare, dump, await openPlace()))).toMatchObject({
    code: 'drill_not_possible',
    hint: expect.stringContaining(`apt-get install postgresql-${postgres.major}`),
  });
});
