import type { EngineDriver } from '../../agent/engines/driver.ts';
import { mysqlDriver } from '../../agent/engines/mysql/driver.ts';
import type { EngineDescriptor } from '../../protocol/engines/engine.ts';
import { mariadb, mysql } from '../../protocol/engines/mysql.ts';
import { mysqlFingerprint } from '../support/mysql-fingerprint.ts';
import { type ServerVersion, startMysqlVersion, toolDirectories } from '../support/servers.ts';
import { createWideMysql } from '../support/wide-schema.ts';
import type { EngineSubject, EngineUnderTest } from './subject.ts';

/** A MariaDB or MySQL server of a version with the tools of the same, and the account the form says to create. */
export function mysqlSubject(version: ServerVersion): EngineSubject {
  const { descriptor } = version.engine === 'mysql' ? mysql : mariadb;
  return {
    name: `${descriptor.label} ${version.version}`,
    descriptor,
    failedInPlace: 'says so',
    setup: () => setup(version, descriptor),
  };
}

/** The account of a recipe, made as the form's SQL says. */
export function recipe(
  descriptor: EngineDescriptor,
  id: string,
  { user, password }: Record<'user' | 'password', string>,
): string {
  const found = descriptor.accounts.find((account) => account.id === id);
  if (!found) throw new Error(`There is no recipe “${id}”.`);
  return found.sql.replaceAll('{user}', `\`${user}\``).replaceAll('{password}', password);
}

async function setup(version: ServerVersion, descriptor: EngineDescriptor): Promise<EngineUnderTest> {
  const server = await startMysqlVersion(version, { log_bin_trust_function_creators: '1' });
  await createWideMysql(server, 'wide');
  const account = { user: 'homeport', password: 'it is a secret' };
  await server.query(recipe(descriptor, 'everything', account));
  const flavour = version.engine === 'mysql' ? 'mysql' : 'mariadb';
  return {
    driver: mysqlDriver({ flavour, toolDirectories: toolDirectories(version) }) as EngineDriver,
    server: {
      connection: { host: server.host, port: server.port, user: account.user, tls: 'prefer' },
      password: account.password,
    },
    endpoints: [{ host: server.host, port: server.port }, { path: server.socket }],
    sample: 'wide',
    databases: async () =>
      (await server.query('SELECT SCHEMA_NAME AS name FROM information_schema.SCHEMATA ORDER BY 1')).map(
        (row) => String(row.name),
      ),
    contents: (database) => mysqlFingerprint((sql) => server.query(sql, database)),
    change: async (database) =>
      void (await server.query(
        `INSERT INTO no_key VALUES (9, 'changed'); UPDATE texts SET v = 'changed' WHERE id < 3; DELETE FROM by_hash WHERE id = 1`,
        database,
      )),
    clutter: async (database) =>
      void (await server.query(
        'CREATE TABLE stray AS SELECT 1 AS a; CREATE VIEW stray_view AS SELECT a FROM stray; CREATE PROCEDURE stray_routine() SELECT 1',
        database,
      )),
    stray: ['stray', 'stray_view', 'stray_routine'],
    leaveOut: {
      pattern: 'no_key',
      key: 'rows `no_key`',
      empty: '0 ',
      referenced: 'parents',
    },
    [Symbol.asyncDispose]: () => server.stop(),
  };
}
