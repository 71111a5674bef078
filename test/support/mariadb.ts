import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  initScript,
  MYSQL_READY,
  mysqlHandle,
  serverArguments,
  type TestMysql,
  THROWAWAY,
} from './mysql-family.ts';
import { makePlace, runInPlace, startServerProcess } from './server-process.ts';

export interface TestMariadbOptions {
  /** Settings of the server, e.g. `{ bind_address: '10.0.0.2', log_bin: 'binlog' }`. */
  settings?: Record<string, string>;
  /** Network namespace to run in; `query` then comes in by the unix socket. */
  namespace?: string;
  /** Root directory of the Debian suite whose server this is to be, with the client of its release; else this machine's. */
  suite?: { root: string; tools: string };
}

export type TestMariadb = TestMysql;

/** Makes and starts a MariaDB server; resolves once it accepts connections. */
export async function startMariadb(options: TestMariadbOptions = {}): Promise<TestMariadb> {
  const { namespace, suite } = options;
  const root = suite?.root ?? '/';
  if (!existsSync(join(root, 'usr/sbin/mariadbd'))) {
    throw new Error('No MariaDB server found: apt-get install mariadb-server');
  }
  const place = await makePlace('homeport-mariadb-', 'mysql', root);
  const { directory, inside } = place;
  const password = randomBytes(12).toString('hex');
  try {
    await writeFile(join(directory, 'init.sql'), initScript(password), { mode: 0o644 });
    const places = [`--datadir=${join(inside, 'data')}`, `--tmpdir=${inside}`];
    await runInPlace(place, ['mariadb-install-db', ...INSTALL, ...places]);
    const settings = { ...THROWAWAY, innodb_log_file_size: LOG_SIZE, ...options.settings };
    const started = await startServerProcess({
      command: (port) => ['/usr/sbin/mariadbd', ...serverArguments(inside, port, settings)],
      place,
      namespace,
      ready: MYSQL_READY,
    });
    const client = suite ? join(suite.tools, 'mariadb') : 'mariadb';
    return await mysqlHandle({ engine: 'mariadb', client, ...started, directory, password, namespace });
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    throw error;
  }
}

const LOG_SIZE = '32M';

const INSTALL = [
  '--no-defaults',
  '--skip-test-db',
  '--skip-name-resolve',
  // Makes root@localhost alone, which the server's first start takes away again.
  '--auth-root-authentication-method=socket',
  `--innodb-log-file-size=${LOG_SIZE}`,
  '--innodb-flush-log-at-trx-commit=0',
  '--innodb-doublewrite=0',
];
