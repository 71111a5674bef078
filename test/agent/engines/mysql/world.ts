import { chmod, mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EngineDriver, ServerTarget, StreamSink } from '../../../../agent/engines/driver.ts';
import { mysqlDriver } from '../../../../agent/engines/mysql/driver.ts';
import type { Flavour } from '../../../../agent/engines/mysql/flavour.ts';
import type { TestMysql } from '../../../support/mysql-family.ts';
import { serverVersion, startMysqlVersion, toolDirectories } from '../../../support/servers.ts';
import { suiteRoot } from '../../../support/suites.ts';

/** Product and version under test: `HOMEPORT_TEST_SERVER=mysql:9` where it is not this machine's own MariaDB. */
const [engine = '', version = ''] = (process.env.HOMEPORT_TEST_SERVER ?? 'mariadb:10.11').split(':');
export const flavour: Flavour = engine === 'mysql' ? 'mysql' : 'mariadb';
const subject = serverVersion(flavour, version);

export const start = (settings: Record<string, string> = {}): Promise<TestMysql> =>
  startMysqlVersion(subject, settings);
/** Where the server's system is: `''` on this machine itself. */
export const root = subject.suite ? suiteRoot(subject.suite) : '';
export const directories = toolDirectories(subject);
export const driver = mysqlDriver({ flavour, toolDirectories: directories }) as EngineDriver;

/** Reads a dump and keeps nothing. */
export const drain: StreamSink = async (_, body) => {
  for await (const _chunk of body);
};

/** A login at a test's server: its superuser's where nothing else is said. */
export function login(
  server: Pick<TestMysql, 'host' | 'port' | 'password'>,
  connection: object = {},
  password = server.password,
): ServerTarget {
  const { host, port } = server;
  return { connection: { host, port, user: 'root', tls: 'prefer', ...connection }, password };
}

/** Makes an account with nothing but `grants` (`SELECT ON app.*`) and gives its login. */
export async function account(server: TestMysql, user: string, ...grants: string[]): Promise<ServerTarget> {
  await server.query(`CREATE USER '${user}'@'%' IDENTIFIED BY 'secret of ${user}'`);
  for (const grant of grants) await server.query(`GRANT ${grant} TO '${user}'@'%'`);
  return login(server, { user }, `secret of ${user}`);
}

/** A driver that finds one program only: `script`, under the name of the dump tool. */
export async function driverWithTool(parent: string, script: string): Promise<EngineDriver> {
  const directory = await mkdtemp(join(parent, 'tool-'));
  const program = join(directory, flavour === 'mysql' ? 'mysqldump' : 'mariadb-dump');
  await writeFile(program, `#!/bin/sh\n${script}\n`);
  await chmod(program, 0o755);
  return mysqlDriver({ flavour, toolDirectories: [directory] }) as EngineDriver;
}

/** Path of the real dump tool. */
export const dumpTool = join(directories[0] ?? '', flavour === 'mysql' ? 'mysqldump' : 'mariadb-dump');
