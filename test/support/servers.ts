import { startMariadb } from './mariadb.ts';
import { startMysql } from './mysql.ts';
import type { TestMysql } from './mysql-family.ts';
import { startPostgres, type TestPostgres } from './postgres.ts';
import { type Suite, suiteRoot, suiteTools } from './suites.ts';

/** Versions of servers that tests can start, oldest first; those without a suite are this machine's own. */
export const POSTGRES: readonly ServerVersion[] = [
  { engine: 'postgresql', version: '13', suite: 'bullseye' },
  { engine: 'postgresql', version: '15' },
  { engine: 'postgresql', version: '17', suite: 'trixie' },
  { engine: 'postgresql', version: '18', suite: 'sid' },
];
export const MARIADB: readonly ServerVersion[] = [
  { engine: 'mariadb', version: '10.11' },
  { engine: 'mariadb', version: '11.8', suite: 'trixie' },
];
export const MYSQL: readonly ServerVersion[] = [{ engine: 'mysql', version: '9', suite: 'sid' }];

export interface ServerVersion {
  engine: 'postgresql' | 'mariadb' | 'mysql';
  /** Release series, e.g. `11.8`. */
  version: string;
  suite?: Suite;
}

/** The entry for a version. Throws if tests cannot start it. */
export function serverVersion(engine: ServerVersion['engine'], version: string): ServerVersion {
  const found = [...POSTGRES, ...MARIADB, ...MYSQL].find(
    (one) => one.engine === engine && one.version === version,
  );
  if (!found) throw new Error(`Tests have no ${engine} ${version}.`);
  return found;
}

/** Starts a PostgreSQL server of a version. */
export function startPostgresVersion(
  { suite, version }: ServerVersion,
  settings: Record<string, string> = {},
): Promise<TestPostgres> {
  return startPostgres({
    major: Number(version),
    settings,
    ...(suite ? { root: suiteRoot(suite) } : {}),
  });
}

/** Starts a MariaDB or MySQL server of a version. */
export function startMysqlVersion(
  { engine, suite }: ServerVersion,
  settings: Record<string, string> = {},
): Promise<TestMysql> {
  if (!suite) return startMariadb({ settings });
  const files = { root: suiteRoot(suite), tools: suiteTools(suite) };
  return engine === 'mysql'
    ? startMysql({ settings, suite: files })
    : startMariadb({ settings, suite: files });
}

/** Where the client tools of a version are, for a driver's `toolDirectories`. */
export function toolDirectories({ engine, suite, version }: ServerVersion): string[] {
  if (suite) return [suiteTools(suite)];
  return [engine === 'postgresql' ? `/usr/lib/postgresql/${version}/bin` : '/usr/bin'];
}
