import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FailureError } from '../../../../protocol/failure.ts';
import { capture, operation, restoreInput } from '../../../contract/captured.ts';
import { fingerprint } from '../../../support/fingerprint.ts';
import { startPostgres, type TestPostgres } from '../../../support/postgres.ts';
import { driver, login, schemaOf } from './world.ts';

let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await startPostgres();
  await postgres.query('CREATE ROLE one; CREATE ROLE two');
});
afterAll(() => postgres?.stop());

/** `@t`, `@u` … are tables, `@f` a function and so on: each gets one of three names in one of three schemas. */
const STATEMENTS = [
  "CREATE TABLE @t (id int PRIMARY KEY, a text DEFAULT 'x')",
  'CREATE TABLE @t (id int PRIMARY KEY, b @e, c @d)',
  'CREATE TABLE @t (id serial UNIQUE, a text) PARTITION BY RANGE (id)',
  'CREATE TABLE @t PARTITION OF @u FOR VALUES FROM (0) TO (50)',
  'CREATE TABLE @t PARTITION OF @u DEFAULT',
  'CREATE TABLE @t () INHERITS (@u)',
  'CREATE TABLE @t (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, up int REFERENCES @u (id))',
  'ALTER TABLE @t ADD FOREIGN KEY (id) REFERENCES @u (id)',
  'ALTER TABLE @t ADD COLUMN id2 int CHECK (@f(id2) < 100)',
  'ALTER TABLE @t ADD g int GENERATED ALWAYS AS (@f(id)) STORED',
  "ALTER TABLE @t ALTER id SET DEFAULT nextval('@s')",
  'CREATE INDEX ON @t (@f(id))',
  'CREATE UNIQUE INDEX ON @t (id) WHERE id > 0',
  'CREATE STATISTICS @x ON id, a FROM @t',
  'CREATE STATISTICS @x ON (@f(id)) FROM @t',
  'INSERT INTO @t (id) SELECT g FROM generate_series(1, 5) g',
  'INSERT INTO @t DEFAULT VALUES',
  'DELETE FROM @t WHERE id = 2',
  'CREATE SEQUENCE @s',
  "SELECT nextval('@s')",
  'ALTER SEQUENCE @s OWNED BY @t.id',
  "CREATE TYPE @e AS ENUM ('x', 'y')",
  'CREATE TYPE @e AS (a int, b @d)',
  'CREATE DOMAIN @d AS int CHECK (@f(value) > 0)',
  "CREATE FUNCTION @f(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1 + 1'",
  "CREATE FUNCTION @f(@e, @t) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1; END'",
  'CREATE FUNCTION @f() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM @t; END',
  "CREATE FUNCTION @g() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
  'CREATE TRIGGER g BEFORE INSERT ON @t FOR EACH ROW EXECUTE FUNCTION @g()',
  'CREATE RULE r AS ON DELETE TO @t DO ALSO SELECT count(*) FROM @u',
  'CREATE POLICY p ON @t USING (id IN (SELECT id FROM @u))',
  'ALTER TABLE @t ENABLE ROW LEVEL SECURITY',
  'CREATE VIEW @v AS SELECT id FROM @t',
  'CREATE VIEW @v AS SELECT * FROM @w',
  'CREATE MATERIALIZED VIEW @w AS SELECT id FROM @t',
  'CREATE MATERIALIZED VIEW @w AS SELECT @f(1) AS id',
  "CREATE AGGREGATE @f(int) (SFUNC = int4pl, STYPE = int, INITCOND = '0')",
  'CREATE OPERATOR @o (LEFTARG = @e, RIGHTARG = int, FUNCTION = @h)',
  "CREATE FUNCTION @h(@e, int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1'",
  'CREATE CAST (@d AS box) WITH INOUT',
  'CREATE PUBLICATION pub FOR TABLE @t',
  'CREATE COLLATION @c FROM "C"',
  'ALTER TABLE @t ADD z text COLLATE @c',
  'GRANT SELECT ON @t TO one',
  'ALTER TABLE @t OWNER TO two',
  'ALTER DEFAULT PRIVILEGES FOR ROLE one GRANT SELECT ON TABLES TO two',
  "COMMENT ON TABLE @t IS 'told'",
  "COMMENT ON COLUMN @t.id IS 'told'",
  'ALTER TABLE @t ADD h s2.hstore',
  'DROP TABLE @t CASCADE',
  'DROP FUNCTION @f CASCADE',
  'DROP TYPE @e CASCADE',
  'SELECT lo_create(77001)',
];
const SCHEMAS = ['public', '"S 1"'];
const BEFORE = ['CREATE SCHEMA "S 1"', 'CREATE SCHEMA s2', 'CREATE EXTENSION hstore SCHEMA s2'];
const ORDINAL: Record<string, string> = { t: 't', u: 't', v: 'v', w: 'v', o: '<%>' };

const statement = fc
  .tuple(fc.constantFrom(...STATEMENTS), fc.array(fc.nat(3), { minLength: 4, maxLength: 4 }))
  .map(([sql, picks]) => {
    let at = 0;
    return sql.replaceAll(/@(\w)/g, (_, letter: string) => {
      const pick = picks[at++ % 4] ?? 0;
      const name = ORDINAL[letter] ?? letter;
      return `${SCHEMAS[pick % 2]}.${name.startsWith('<') ? `<${'%'.repeat(1 + Math.floor(pick / 2))}>` : name + Math.floor(pick / 2)}`;
    });
  });
const statements = (min: number, max: number) => fc.array(statement, { minLength: min, maxLength: max });
const TABLES = SCHEMAS.flatMap((schema) =>
  [0, 1].map((number) => `${schema.replaceAll('"', '')}.t${number}`),
);

/** Runs what can be run; what cannot, since it needs what is not there, is left out. */
async function run(database: string, sql: readonly string[]) {
  const { host, port, password } = postgres;
  const client = new pg.Client({ host, port, password, user: 'postgres', database });
  await client.connect();
  for (const one of sql) await client.query(one).catch(() => {});
  await client.end();
}

const contents = (database: string) => fingerprint((sql) => postgres.query(sql, database));
const OBJECTS = `SELECT i.type || ' ' || i.identity AS name FROM (
    SELECT 'pg_class'::regclass AS class, oid, relnamespace AS schema FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm')
    UNION ALL SELECT 'pg_proc'::regclass, oid, pronamespace FROM pg_proc UNION ALL SELECT 'pg_collation'::regclass, oid, collnamespace FROM pg_collation
    UNION ALL SELECT 'pg_operator'::regclass, oid, oprnamespace FROM pg_operator UNION ALL SELECT 'pg_statistic_ext'::regclass, oid, stxnamespace FROM pg_statistic_ext
    UNION ALL SELECT 'pg_type'::regclass, oid, typnamespace FROM pg_type WHERE typtype IN ('e', 'd')
    UNION ALL SELECT 'pg_publication'::regclass, oid, 2200 FROM pg_publication UNION ALL SELECT 'pg_cast'::regclass, oid, 2200 FROM pg_cast) AS o,
  LATERAL pg_identify_object(class, o.oid, 0) AS i
  WHERE o.oid >= 16384 AND o.schema IN (SELECT oid FROM pg_namespace WHERE nspname IN ('public', 'S 1'))`;
const objects = async (database: string) =>
  new Set(
    (await postgres.query(`SET search_path = ''; ${OBJECTS}`, database)).map((row) => String(row.name)),
  );

let count = 0;
async function compare(source: readonly string[], later: readonly string[], exclude: readonly string[]) {
  count += 1;
  const names = { source: `source_${count}`, target: `target_${count}`, fresh: `fresh_${count}` };
  await postgres.query(`CREATE DATABASE ${names.source}`);
  await run(names.source, [...BEFORE, ...source]);
  await postgres.query(`CREATE DATABASE ${names.target} TEMPLATE ${names.source}`);
  await run(names.target, later);
  const dump = await capture(driver, login(postgres), names.source, {
    include: [],
    exclude: [...exclude],
  }).catch((error: FailureError) => error);
  // Rows that are in refer to rows that are out.
  if (dump instanceof FailureError && dump.failure.code === 'invalid_input') return;
  if (dump instanceof Error) throw dump;
  const into = (mode: 'new' | 'in-place', targetDatabase: string) =>
    driver.restore(login(postgres), restoreInput(dump, { mode, targetDatabase }), operation());
  await into('new', names.fresh);
  const [was, had, schema] = [
    await contents(names.target),
    await objects(names.target),
    await schemaOf(postgres, names.target),
  ];
  const { findings } = await driver.preflightRestore(
    login(postgres),
    restoreInput(dump, { mode: 'in-place', targetDatabase: names.target }),
    operation(),
  );
  try {
    await into('in-place', names.target);
  } catch (error) {
    // Tables that stay may not fit what comes back; then nothing has changed.
    if (exclude.length === 0 || !(error instanceof FailureError)) throw error;
    expect(['restore_sql_error', 'restore_not_possible']).toContain(error.failure.code);
    expect(await contents(names.target)).toEqual(was);
    expect(await schemaOf(postgres, names.target)).toEqual(schema);
    return;
  }
  const announced = findings.find((one) => one.code === 'in_place_drops')?.message ?? '';
  await replaced(names, {
    was,
    had,
    announced,
    out: dump.result.catalog.requirements.excludedTables as string[],
  });
}

/** Expects in the target what a fresh restore holds, kept tables apart, and nothing gone that was not announced. */
async function replaced(
  names: { target: string; fresh: string },
  before: { was: Record<string, string>; had: Set<string>; announced: string; out: readonly string[] },
) {
  const { was, had, announced, out } = before;
  const now = await contents(names.target);
  const kept = Object.keys(was).filter((name) => out.some((one) => name === `"${one.replace('.', '"."')}"`));
  for (const name of kept) expect(now[name]).toBe(was[name]);
  const fresh = await contents(names.fresh);
  const data = (all: Record<string, string>) =>
    Object.fromEntries(
      Object.entries(all).filter(
        ([name]) => kept.length === 0 || (!kept.includes(name) && !/_seq"$|"s\d"$/.test(name)),
      ),
    );
  expect(data(now)).toEqual(data(fresh));
  const isHere = await objects(names.target);
  for (const name of had) if (!isHere.has(name)) expect(announced).toContain(name);
  if (kept.length === 0)
    expect(await schemaOf(postgres, names.target)).toEqual(await schemaOf(postgres, names.fresh));
  else for (const name of await objects(names.fresh)) expect([...isHere]).toContain(name);
}

/** The same cases each time; other seeds find others. */
const parameters = { seed: 20261123, numRuns: 5, endOnFailure: true };

test('whatever a target holds, it then holds what a fresh restore does', async () => {
  await fc.assert(
    fc.asyncProperty(statements(60, 200), statements(0, 60), async (source, later) => {
      await compare(source, later, []);
    }),
    parameters,
  );
}, 600_000);

test('tables without rows in the snapshot stay as they are, or all does', async () => {
  await fc.assert(
    fc.asyncProperty(
      statements(60, 200),
      statements(0, 60),
      fc.subarray(TABLES, { minLength: 1, maxLength: 3 }),
      async (source, later, exclude) => {
        await compare(source, later, exclude);
      },
    ),
    parameters,
  );
}, 600_000);
