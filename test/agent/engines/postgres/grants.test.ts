import { readFile } from 'node:fs/promises';
import { afterAll, describe, expect, test } from 'vitest';
import type { ServerTarget } from '../../../../agent/engines/driver.ts';
import type { RestorePlan } from '../../../../protocol/restore.ts';
import { capture, failureOf, operation, restoreInput, whole } from '../../../contract/captured.ts';
import { fingerprint } from '../../../support/fingerprint.ts';
import { startPostgres, type TestPostgres } from '../../../support/postgres.ts';
import { driver, login } from './world.ts';

const CREATE_USER = `CREATE USER databasement WITH PASSWORD 'your_secure_password';`;
/** A stand-in for a provider's role, with what a stock server can give it; the provider's own server adds more. */
const providerRole = (name: string) =>
  `CREATE ROLE ${name} NOLOGIN CREATEDB CREATEROLE IN ROLE pg_monitor, pg_signal_backend;`;

/** Statements as they are published for users to paste; `\c` is where the rest runs in the database. */
const SETS: { name: string; before?: string; sql: string }[] = [
  { name: 'superuser', sql: 'ALTER USER databasement WITH SUPERUSER;' },
  { name: 'CREATEDB', sql: 'ALTER USER databasement WITH CREATEDB;' },
  {
    name: 'CREATEDB and pg_read_all_data',
    sql: 'ALTER USER databasement WITH CREATEDB;\nGRANT pg_read_all_data TO databasement;',
  },
  {
    name: 'rds_superuser',
    before: providerRole('rds_superuser'),
    sql: 'GRANT rds_superuser TO databasement;',
  },
  {
    name: 'azure_pg_admin',
    before: providerRole('azure_pg_admin'),
    sql: 'GRANT azure_pg_admin TO databasement;',
  },
  {
    name: 'additional grants',
    sql: `-- Grant ownership or full privileges on the database
GRANT ALL PRIVILEGES ON DATABASE database_name TO databasement;

-- Connect to the database and grant schema access
\\c database_name
GRANT ALL PRIVILEGES ON SCHEMA public TO databasement;
GRANT ALL PRIVILEGES ON ALL TABLES IN SCHEMA public TO databasement;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO databasement;`,
  },
  {
    name: 'one database and its schema',
    sql: `GRANT ALL PRIVILEGES ON DATABASE database_name TO databasement;
\\c database_name
GRANT ALL PRIVILEGES ON SCHEMA public TO databasement;`,
  },
];

const DATA = `SET ROLE app_owner; CREATE TABLE orders (id serial PRIMARY KEY, total numeric); INSERT INTO orders (total) SELECT g FROM generate_series(1, 50) g;
  CREATE VIEW large_orders AS SELECT * FROM orders WHERE total > 10; CREATE SEQUENCE invoice_number; SELECT nextval('invoice_number');
  CREATE FUNCTION doubled(n int) RETURNS int LANGUAGE sql AS 'SELECT n * 2';
  CREATE TABLE tenants (a int); INSERT INTO tenants VALUES (1), (2); ALTER TABLE tenants ENABLE ROW LEVEL SECURITY; CREATE POLICY mine ON tenants USING (a = 1);
  SELECT lo_from_bytea(0, 'a large object')`;

const MODES = ['new', 'in-place', 'swap'] as const;
type Row = { dump: string } & Record<(typeof MODES)[number], string>;
const table = new Map<string, Row>();

/** SQL in one line of a table, with the names that the documentation uses; loops over large objects by what they run. */
const inline = (sql: string) =>
  sql
    .replace(/DO \$homeport\$[\s\S]*?EXECUTE pg_catalog\.format\('(.*?) %s.*\$homeport\$;/s, '$1 …;')
    .replaceAll('"databasement"', 'homeport')
    .replaceAll('"database_name"', 'shop')
    .replaceAll('"', '')
    .split('\n')
    .map((line) => `\`${line}\``)
    .join(' ');

class Place implements AsyncDisposable {
  readonly postgres: TestPostgres;
  readonly account: ServerTarget;

  constructor(postgres: TestPostgres) {
    this.postgres = postgres;
    this.account = login(postgres, { user: 'databasement' }, 'your_secure_password');
  }

  /** Runs SQL as a user would paste it into psql. */
  async paste(sql: string) {
    const [server = '', inside = ''] = sql.split(/^\\c .*$/m);
    if (server.trim()) await this.postgres.query(server, 'database_name');
    if (inside) await this.postgres.query(inside, 'database_name');
  }

  /** What the preflight of a backup wants, as SQL. */
  async backupNeeds() {
    const { findings } = await driver.preflightBackup(this.account, whole('database_name'), operation());
    return findings.filter((one) => one.severity === 'blocker').map((one) => one.sql ?? one.message);
  }

  contents = (database: string) => fingerprint((sql) => this.postgres.query(sql, database));
  [Symbol.asyncDispose] = () => this.postgres.stop();
}

async function placeFor(set: (typeof SETS)[number]): Promise<Place> {
  const place = new Place(await startPostgres());
  await place.postgres.query('CREATE ROLE app_owner NOLOGIN');
  await place.postgres.query('CREATE DATABASE database_name OWNER app_owner');
  await place.postgres.query(DATA, 'database_name');
  await place.paste(`${set.before ?? ''}${CREATE_USER}`);
  await place.paste(set.sql);
  return place;
}

describe.each(SETS)('$name', (set) => {
  test('each operation works, or says what to grant; granted, it works', async () => {
    await using place = await placeFor(set);
    const { postgres, account, contents } = place;
    const dump = await capture(driver, login(postgres), 'database_name');
    const was = await contents('database_name');
    const input = (mode: RestorePlan['mode'], owners: RestorePlan['owners'] = 'keep') =>
      restoreInput(dump, { mode, owners, targetDatabase: mode === 'new' ? 'a copy' : 'database_name' });
    const verdicts = async (mode: RestorePlan['mode']) => {
      const answer = await driver.preflightRestore(account, input(mode), operation());
      expect(answer.findings.filter((one) => one.severity === 'blocker')).toEqual([]);
      return {
        mode: answer.modes.find((one) => one.mode === mode),
        keep: answer.ownerChoices.find((one) => one.choice === 'keep'),
      };
    };

    // First all that is said about the account as it was made, then one after the other as it says.
    const backup = await place.backupNeeds();
    const row: Row = {
      dump: backup.length === 0 ? 'works' : backup.map(inline).join(' '),
      new: '',
      'in-place': '',
      swap: '',
    };
    for (const mode of MODES) {
      const said = await verdicts(mode);
      const owners = said.keep?.possible ? '' : ' without owners';
      row[mode] = said.mode?.possible ? `works${owners}` : inline(said.mode?.sql ?? `(${said.mode?.reason})`);
    }
    table.set(set.name, row);

    for (const sql of backup) await place.paste(sql);
    expect(await place.backupNeeds()).toEqual([]);
    const { result } = await capture(driver, account, 'database_name');
    expect(result.catalog.tables).toEqual(dump.result.catalog.tables);
    for (const mode of MODES) {
      const first = await verdicts(mode);
      if (!first.mode?.possible) await place.paste(first.mode?.sql ?? '');
      const second = await verdicts(mode);
      expect(second.mode).toMatchObject({ possible: true });
      const owners = second.keep?.possible ? 'keep' : 'none';
      await postgres.query('DELETE FROM orders WHERE id > 5', 'database_name');
      await driver.restore(account, input(mode, owners), operation());
      const database = mode === 'new' ? 'a copy' : 'database_name';
      expect(await contents(database)).toEqual(was);
      expect(
        await postgres.query(
          `SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'`,
          database,
        ),
      ).toEqual([{ tableowner: owners === 'keep' ? 'app_owner' : 'databasement' }]);
    }
  });
});

test('what a superuser owns is given to the account; membership in a superuser is never asked for', async () => {
  await using place = new Place(await startPostgres());
  const { postgres, account, contents } = place;
  await postgres.query(CREATE_USER);
  await postgres.query('CREATE DATABASE database_name');
  await postgres.query(
    `${DATA.replace('SET ROLE app_owner;', '')}; CREATE DOMAIN positive AS int CHECK (value > 0); CREATE TYPE pair AS (a int, b positive);
     CREATE AGGREGATE summed(int) (SFUNC = int4pl, STYPE = int); CREATE SCHEMA more; COMMENT ON SCHEMA more IS 'stays';
     CREATE EXTENSION citext SCHEMA more; CREATE TABLE mails (m more.citext); CREATE MATERIALIZED VIEW more.totals AS SELECT sum(total) FROM orders`,
    'database_name',
  );
  const dump = await capture(driver, login(postgres), 'database_name');
  const was = await contents('database_name');
  const input = restoreInput(dump, { mode: 'in-place', owners: 'none', targetDatabase: 'database_name' });
  const verdict = async () =>
    (await driver.preflightRestore(account, input, operation())).modes.find((one) => one.mode === 'in-place');
  const before = await verdict();
  expect(before?.sql).toContain('ALTER TABLE public.orders OWNER TO "databasement";');
  expect(before?.sql).toContain('ALTER ROUTINE public.summed(integer) OWNER TO "databasement";');
  expect(before?.sql).not.toContain('"postgres"');
  expect(await failureOf(driver.restore(account, input, operation()))).toMatchObject({
    code: 'privilege_missing',
    sql: before?.sql,
  });
  await place.paste(before?.sql ?? '');
  expect(await verdict()).toMatchObject({ possible: true });
  await postgres.query('DELETE FROM orders WHERE id > 5', 'database_name');
  await driver.restore(account, input, operation());
  expect(await contents('database_name')).toEqual(was);
});

/** The table as docs/postgresql.md shows it. */
function markdown(): string[] {
  const lines = [...table].map(
    ([name, row]) => `| ${name} | ${row.dump} | ${row.new} | ${row['in-place']} | ${row.swap} |`,
  );
  return [
    '| account | backup | new database | in place | swap |',
    '| --- | --- | --- | --- | --- |',
    ...lines,
  ];
}

test('the documentation shows what was found', async () => {
  const page = await readFile('docs/postgresql.md', 'utf8');
  for (const line of markdown()) expect(page).toContain(`${line}\n`);
});
afterAll(() => {
  if (process.env.SHOW_GRANTS) process.stdout.write(`${markdown().join('\n')}\n`);
});
