import { randomBytes } from 'node:crypto';
import { realpath, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fail } from '../../../protocol/failure.ts';
import type { DrillPlace } from '../../drills/place.ts';
import { notStarted, SUPERUSER, untilAnswers } from '../../drills/start.ts';
import { findProgram } from '../../process.ts';
import { askVersion } from '../ask-version.ts';
import { connect, type MysqlServer } from './connect.ts';
import { type Flavour, PRODUCT, series, versionNumber } from './flavour.ts';

const START_MS = 120_000;

/** A server installed on this host. */
export interface ServerBinary {
  flavour: Flavour;
  versionNumber: number;
  path: string;
  /** MariaDB: what makes its data directory. */
  install: string | undefined;
}

/** Servers are often where only root looks for programs. */
const SERVER_DIRECTORIES = ['/usr/sbin', '/usr/libexec', '/usr/local/sbin'];

/** Servers of both products in these directories and in those of the system, newest first. */
export async function findServers(
  directories: readonly string[],
  signal: AbortSignal,
): Promise<ServerBinary[]> {
  const install = await findProgram(['mariadb-install-db', 'mysql_install_db'], directories);
  const paths = new Set<string>();
  for (const directory of directories) {
    for (const name of ['mariadbd', 'mysqld']) {
      const path = await realpath(join(directory, name)).catch(() => undefined);
      if (path) paths.add(path);
    }
  }
  const found = await Promise.all(
    [...paths].map(async (path): Promise<ServerBinary[]> => {
      const text = await askVersion(path, ['--no-defaults', '--version'], signal);
      const [, version, product] = /Ver (\d+\.\d+\.\d+)(-MariaDB)?/i.exec(text) ?? [];
      if (version === undefined) return [];
      const flavour: Flavour = product ? 'mariadb' : 'mysql';
      if (flavour === 'mariadb' && !install) return [];
      return [{ flavour, path, versionNumber: versionNumber(version), install }];
    }),
  );
  signal.throwIfAborted();
  return found.flat().sort((a, b) => b.versionNumber - a.versionNumber);
}

/** {@link findServers} looks there besides where client tools are. */
export const serverDirectories = (directories: readonly string[]) => [...directories, ...SERVER_DIRECTORIES];

/**
 * The product's nearest server of at least this release series.
 * @throws FailureError `drill_not_possible`
 */
export function chooseServer(
  servers: readonly ServerBinary[],
  flavour: Flavour,
  version: number,
): ServerBinary {
  const ours = servers.filter((one) => one.flavour === flavour);
  const able = ours.filter((one) => series100(one.versionNumber) >= series100(version));
  const nearest = able.at(-1);
  if (nearest) return nearest;
  const newest = ours[0];
  const product = PRODUCT[flavour];
  throw fail(
    'drill_not_possible',
    newest
      ? `The newest ${product} server on the agent’s host is ${series(newest.versionNumber)}; a drill of this snapshot needs ${series(version)} or newer.`
      : `There is no ${product} server on the agent’s host: a drill starts one of its own from its programs.`,
    `Install the programs of ${product} ${series(version)} on the agent’s host: apt-get install ${flavour}-server. Its own service is not needed and can be disabled.`,
  );
}

const series100 = (version: number) => Math.floor(version / 100);

/** Nothing of a disposable server has to survive; it listens on its socket alone, and takes little of the host. */
function serverArguments(place: DrillPlace, flavour: Flavour, paths: { files: string; init: string }) {
  const settings: Record<string, string> = {
    datadir: join(place.directory, 'data'),
    tmpdir: place.directory,
    socket: join(place.directory, 'server.sock'),
    'pid-file': join(place.directory, 'server.pid'),
    'init-file': paths.init,
    // No statement reads or writes files anywhere but in this empty folder, and who restores may not even there.
    'secure-file-priv': paths.files,
    'local-infile': '0',
    'event-scheduler': 'OFF',
    'max-connections': '20',
    'max-allowed-packet': '1073741824',
    'innodb-buffer-pool-size': '128M',
    'innodb-flush-log-at-trx-commit': '0',
    'innodb-doublewrite': 'OFF',
    'performance-schema': 'OFF',
    ...(flavour === 'mysql' ? { mysqlx: 'OFF', 'disable-log-bin': '1' } : {}),
  };
  const values = Object.entries(settings).map(([name, value]) => `--${name}=${value}`);
  return ['--no-defaults', '--skip-networking', '--skip-name-resolve', ...values];
}

/** Makes and starts a server in `place`; gives its superuser's login. */
export async function startDrillServer(place: DrillPlace, binary: ServerBinary): Promise<MysqlServer> {
  const { directory, signal } = place;
  const product = PRODUCT[binary.flavour];
  const password = randomBytes(24).toString('hex');
  // At every start before the first connection: no account without a password is ever reachable.
  const init = await place.write(
    'init.sql',
    [
      `CREATE USER IF NOT EXISTS ${SUPERUSER}@localhost IDENTIFIED BY '${password}';`,
      `GRANT ALL PRIVILEGES ON *.* TO ${SUPERUSER}@localhost WITH GRANT OPTION;`,
      'DROP USER IF EXISTS root@localhost;',
      '',
    ].join('\n'),
  );
  const files = await place.folder('files');
  const data = `--datadir=${join(directory, 'data')}`;
  const made = await place.run(...initialisation(binary, data, directory));
  if (made.exitCode !== 0) throw notStarted(product, 'its data directory could not be made', made);
  const child = place.serve(binary.path, serverArguments(place, binary.flavour, { files, init }));
  const host = join(directory, 'server.sock');
  const server: MysqlServer = {
    connection: { host, port: 3306, user: SUPERUSER, tls: 'off' },
    password,
  };
  await untilAnswers(child, {
    ...{ product, withinMs: START_MS, signal },
    connect: () => connect(server, binary.flavour, { signal }),
  });
  await rm(init);
  return server;
}

function initialisation(binary: ServerBinary, data: string, directory: string): [string, string[]] {
  if (binary.flavour === 'mysql')
    return [binary.path, ['--no-defaults', '--initialize-insecure', data, `--tmpdir=${directory}`]];
  const quick = ['--innodb-flush-log-at-trx-commit=0', '--innodb-doublewrite=0'];
  const method = '--auth-root-authentication-method=socket';
  const how = ['--no-defaults', '--skip-test-db', '--skip-name-resolve', method, ...quick];
  return [String(binary.install), [...how, data, `--tmpdir=${directory}`]];
}
