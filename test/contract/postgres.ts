import type { EngineDriver } from '../../agent/engines/driver.ts';
import { postgresDriver } from '../../agent/engines/postgres/driver.ts';
import { postgresql } from '../../protocol/engines/postgres.ts';
import { fingerprint } from '../support/fingerprint.ts';
import { type ServerVersion, startPostgresVersion, toolDirectories } from '../support/servers.ts';
import { createWidePostgres } from '../support/wide-schema.ts';
import type { EngineSubject, EngineUnderTest } from './subject.ts';

/** A PostgreSQL server of a version with the tools of the same. */
export function postgresSubject(version: ServerVersion): EngineSubject {
  return {
    name: `PostgreSQL ${version.version}`,
    descriptor: postgresql.descriptor,
    failedInPlace: 'as before',
    setup: () => setup(version),
  };
}

async function setup(version: ServerVersion): Promise<EngineUnderTest> {
  const postgres = await startPostgresVersion(version);
  await createWidePostgres(postgres, 'wide');
  return {
    driver: postgresDriver({ toolDirectories: toolDirectories(version) }) as EngineDriver,
    server: {
      connection: { host: postgres.host, port: postgres.port, user: postgres.superuser, tls: 'prefer' },
      password: postgres.password,
    },
    endpoints: [
      { host: postgres.host, port: postgres.port },
      { path: `${postgres.directory}/.s.PGSQL.${postgres.port}` },
    ],
    sample: 'wide',
    databases: async () =>
      (await postgres.query('SELECT datname FROM pg_database ORDER BY 1')).map((row) => String(row.datname)),
    contents: (database) => fingerprint((sql) => postgres.query(sql, database)),
    change: async (database) =>
      void (await postgres.query(
        'INSERT INTO shop.unlogged VALUES (9); UPDATE shop.customers SET email = id || $$@changed$$ WHERE id < 5',
        database,
      )),
    clutter: async (database) =>
      void (await postgres.query(
        'CREATE TABLE shop.stray AS SELECT 1 AS a; CREATE VIEW public.stray_view AS SELECT a FROM shop.stray',
        database,
      )),
    stray: ['shop.stray', 'public.stray_view'],
    leaveOut: {
      pattern: 'shop.unlogged',
      key: '"shop"."unlogged"',
      empty: '0 ',
      referenced: 'shop.customers',
    },
    [Symbol.asyncDispose]: () => postgres.stop(),
  };
}
