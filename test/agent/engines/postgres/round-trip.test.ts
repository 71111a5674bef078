import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ServerTarget } from '../../../../agent/engines/driver.ts';
import { driverFor } from '../../../../agent/engines/registry.ts';
import { type Captured, capture, failureOf, operation, restoreInput } from '../../../contract/captured.ts';
import { fingerprint } from '../../../support/fingerprint.ts';
import { postgresBinaries, startPostgres, type TestPostgres } from '../../../support/postgres.ts';
import { schemaOf } from './world.ts';

const run = promisify(execFile);
const driver = driverFor('postgresql');
const ODD = `a=b -h "q" 'x' $(touch x) 🎉\nend`;
const ident = (name: string) => `"${name.replaceAll('"', '""')}"`;

const target = (postgres: TestPostgres): ServerTarget => ({
  connection: { host: postgres.host, port: postgres.port, user: postgres.superuser, tls: 'prefer' },
  password: postgres.password,
});

describe('a wide schema goes round', () => {
  let from: TestPostgres;
  let to: TestPostgres;
  let dump: Captured;
  let before: Record<string, string>;

  beforeAll(async () => {
    [from, to] = await Promise.all([startPostgres(), startPostgres()]);
    await from.query(
      `CREATE ROLE wide_owner; CREATE ROLE wide_reader LOGIN PASSWORD 'reader' IN ROLE wide_owner CONNECTION LIMIT 3;
       ALTER ROLE wide_reader SET work_mem = '9MB'; COMMENT ON ROLE wide_owner IS 'it''s the owner'`,
    );
    await from.query(`CREATE DATABASE ${ident(ODD)} CONNECTION LIMIT 17`);
    await from.query(await readFile('test/support/wide-schema.sql', 'utf8'), ODD);
    await from.query(
      `ALTER DATABASE ${ident(ODD)} SET search_path = "$user", shop, "odd, name"; ALTER DATABASE ${ident(ODD)} SET DateStyle = 'SQL, DMY';
       ALTER DATABASE ${ident(ODD)} SET "app.secret" = 'it''s \\ ünï'; ALTER ROLE wide_reader IN DATABASE ${ident(ODD)} SET statement_timeout = '7s';
       CREATE ROLE wide_app; ALTER ROLE wide_app IN DATABASE ${ident(ODD)} SET search_path = shop;
       COMMENT ON DATABASE ${ident(ODD)} IS 'what''s in a name'; REVOKE ALL ON DATABASE ${ident(ODD)} FROM PUBLIC;
       GRANT CONNECT ON DATABASE ${ident(ODD)} TO wide_reader WITH GRANT OPTION; ALTER DATABASE ${ident(ODD)} OWNER TO wide_owner`,
    );
    before = await fingerprint((sql) => from.query(sql, ODD));
    dump = await capture(driver, target(from), ODD);
  });
  afterAll(() => Promise.all([from?.stop(), to?.stop()]));

  test('rows in the catalog are the rows in the tables', async () => {
    for (const { schema, name, rows } of dump.result.catalog.tables) {
      const [counted] = await from.query(
        `SELECT count(*)::int AS n FROM ONLY ${ident(schema)}.${ident(name)}`,
        ODD,
      );
      expect([name, rows]).toEqual([name, counted.n]);
    }
  });

  test('preflight on a fresh server lists what is missing', async () => {
    const input = restoreInput(dump, { targetDatabase: ODD });
    const preflight = await driver.preflightRestore(target(to), input, operation());
    expect(preflight.missing).toEqual([{ kind: 'Roles', names: ['wide_app', 'wide_owner', 'wide_reader'] }]);
    expect(preflight.findings.map((finding) => finding.code)).toContain('runs_foreign_code');
    const possible = preflight.ownerChoices.filter((one) => one.possible).map((one) => one.choice);
    expect(possible).toEqual(['create-roles', 'map']);
  });

  test('keeping owners that are missing is refused before anything is done', async () => {
    const failure = await failureOf(
      driver.restore(target(to), restoreInput(dump, { targetDatabase: ODD }), operation()),
    );
    expect(failure).toMatchObject({
      code: 'restore_not_possible',
      sql: expect.stringContaining('CREATE ROLE "wide_owner"'),
    });
    expect(await to.query(`SELECT 1 FROM pg_database WHERE datname LIKE '%homeport%'`)).toEqual([]);
  });

  test('a failed restore takes the roles it created away again', async () => {
    const input = restoreInput(dump, { targetDatabase: ODD, owners: 'create-roles' });
    const open = async function* (name: string) {
      yield* input.open(name);
      if (name === 'dump') throw new Error('the source broke');
    };
    await expect(driver.restore(target(to), { ...input, open }, operation())).rejects.toThrow(
      'the source broke',
    );
    expect(await to.query(`SELECT rolname FROM pg_roles WHERE rolname LIKE 'wide%'`)).toEqual([]);
  });

  test('mapped owners: another role stands in for missing ones, everywhere', async () => {
    await to.query('CREATE ROLE stand_in');
    const plan = { targetDatabase: 'mapped', owners: 'map', mapTo: 'stand_in' } as const;
    await driver.restore(target(to), restoreInput(dump, plan), operation());
    expect(await fingerprint((sql) => to.query(sql, 'mapped'))).toEqual(before);
    const owners = `SELECT c.oid::regclass::text AS name, pg_get_userbyid(relowner) AS owner FROM pg_class c
      JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' ORDER BY 1`;
    const stood = (await from.query(owners, ODD)).map((row) => ({
      ...row,
      owner: row.owner === 'wide_owner' ? 'stand_in' : row.owner,
    }));
    expect(await to.query(owners, 'mapped')).toEqual(stood);
    const sql = (await schemaOf(to, 'mapped')).join('\n');
    expect(sql).toContain(
      'ALTER DEFAULT PRIVILEGES FOR ROLE stand_in IN SCHEMA shop GRANT SELECT ON TABLES  TO stand_in',
    );
    expect(sql).toContain('GRANT SELECT ON TABLE shop.types TO stand_in WITH GRANT OPTION');
    expect(sql).not.toMatch(/wide_(owner|reader)/);
  });

  test('restored with its roles: same data, same schema, same roles, same settings', async () => {
    const plan = { targetDatabase: ODD, owners: 'create-roles' } as const;
    const report = await driver.restore(target(to), restoreInput(dump, plan), operation());
    expect(report.notes.join(' ')).toContain('Created the roles “wide_app”, “wide_owner”, “wide_reader”.');
    expect(await fingerprint((sql) => to.query(sql, ODD))).toEqual(before);
    expect(await schemaOf(to, ODD)).toEqual(await schemaOf(from, ODD));
    // -C adds settings, comment and privileges of the database; it refuses a name with a line break.
    for (const server of [from, to]) await server.query(`ALTER DATABASE ${ident(ODD)} RENAME TO "a=b"`);
    // Settings of roles come in no particular order.
    expect((await schemaOf(to, 'a=b', '-C')).sort()).toEqual((await schemaOf(from, 'a=b', '-C')).sort());
    expect((await schemaOf(to, 'a=b', '-C')).join('\n')).toContain(
      `COMMENT ON DATABASE "a=b" IS 'what''s in a name'`,
    );
    const roles = `SELECT rolname, rolcanlogin, rolconnlimit, rolpassword, shobj_description(a.oid, 'pg_authid') AS comment, setconfig,
      ARRAY(SELECT roleid::regrole::text FROM pg_auth_members WHERE member = a.oid) AS groups
      FROM pg_authid a LEFT JOIN pg_db_role_setting s ON s.setrole = a.oid WHERE rolname LIKE 'wide%' ORDER BY 1, setconfig`;
    expect(await to.query(roles)).toEqual(await from.query(roles));
  });

  test('stock pg_restore reads the stream', async () => {
    await from.query('CREATE DATABASE stock');
    const pgRestore = join(postgresBinaries().directory, 'pg_restore');
    const child = run(pgRestore, ['--exit-on-error', '--dbname=stock'], { env: from.psqlEnv });
    child.child.stdin?.end(dump.streams.get('dump'));
    await child;
    expect(await fingerprint((sql) => from.query(sql, 'stock'))).toEqual(before);
  });
});
