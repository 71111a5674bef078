import { randomBytes } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestMariadbOptions } from './mariadb.ts';
import {
  initScript,
  MYSQL_READY,
  mysqlHandle,
  serverArguments,
  type TestMysql,
  THROWAWAY,
} from './mysql-family.ts';
import { makePlace, runInPlace, startServerProcess } from './server-process.ts';

/** Makes and starts a MySQL server of another Debian suite: bookworm has none. */
export async function startMysql(
  options: Pick<TestMariadbOptions, 'settings'> & Required<Pick<TestMariadbOptions, 'suite'>>,
): Promise<TestMysql> {
  const { suite } = options;
  const place = await makePlace('homeport-mysql-', 'mysql', suite.root);
  const { directory, inside } = place;
  const password = randomBytes(12).toString('hex');
  try {
    await writeFile(join(directory, 'init.sql'), initScript(password), { mode: 0o644 });
    const small = ['--innodb-doublewrite=OFF', '--innodb-flush-log-at-trx-commit=0'];
    const data = `--datadir=${join(inside, 'data')}`;
    await runInPlace(place, ['/usr/sbin/mysqld', '--no-defaults', '--initialize-insecure', data, ...small]);
    const settings = { ...THROWAWAY, mysqlx: 'OFF', ...options.settings };
    const started = await startServerProcess({
      command: (port) => ['/usr/sbin/mysqld', ...serverArguments(inside, port, settings)],
      place,
      ready: MYSQL_READY,
    });
    return await mysqlHandle({
      engine: 'mysql',
      client: join(suite.tools, 'mysql'),
      ...started,
      directory,
      password,
    });
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    throw error;
  }
}
