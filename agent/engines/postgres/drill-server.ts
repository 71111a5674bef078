import { randomBytes } from 'node:crypto';
import { appendFile, realpath, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fail } from '../../../protocol/failure.ts';
import type { DrillPlace } from '../../drills/place.ts';
import { notStarted, SUPERUSER, untilAnswers } from '../../drills/start.ts';
import { isProgram } from '../../process.ts';
import { askVersion } from '../ask-version.ts';
import { connect, type PostgresServer } from './connect.ts';

const PRODUCT = 'PostgreSQL';
const START_MS = 60_000;

/** A server of one major, installed on this host. */
export interface ServerBinaries {
  major: number;
  directory: string;
}

/** Servers in these directories, newest first. */
export async function findServers(
  directories: readonly string[],
  signal: AbortSignal,
): Promise<ServerBinaries[]> {
  const found = await Promise.all(
    directories.map(async (directory): Promise<ServerBinaries[]> => {
      const path = await realpath(join(directory, 'postgres')).catch(() => undefined);
      if (!path || path.endsWith('/pg_wrapper')) return [];
      const own = dirname(path);
      const initdb = await isProgram(join(own, 'initdb'));
      const major = /^postgres \(PostgreSQL\) (\d+)/.exec(await askVersion(path, ['--version'], signal))?.[1];
      return initdb && major ? [{ major: Number(major), directory: own }] : [];
    }),
  );
  signal.throwIfAborted();
  return found.flat().sort((a, b) => b.major - a.major);
}

/**
 * The nearest server of at least `major`.
 * @throws FailureError `drill_not_possible`
 */
export function chooseServer(servers: readonly ServerBinaries[], major: number): ServerBinaries {
  const able = servers.filter((one) => one.major >= major);
  const nearest = able.at(-1);
  if (nearest) return nearest;
  const newest = servers[0];
  throw fail(
    'drill_not_possible',
    newest
      ? `The newest PostgreSQL server on the agent’s host is ${newest.major}; a drill of this snapshot needs ${major} or newer.`
      : 'There is no PostgreSQL server on the agent’s host: a drill starts one of its own from its programs.',
    `Install the programs on the agent’s host: apt-get install postgresql-${major}. Its own cluster is not needed and can be dropped.`,
  );
}

/** Nothing of a disposable server has to survive; it listens on its socket alone, and takes little of the host. */
function settings(directory: string): Record<string, string> {
  return {
    listen_addresses: '',
    unix_socket_directories: directory,
    unix_socket_permissions: '0700',
    fsync: 'off',
    full_page_writes: 'off',
    synchronous_commit: 'off',
    wal_level: 'minimal',
    max_wal_senders: '0',
    max_wal_size: '256MB',
    autovacuum: 'off',
    max_connections: '20',
    // The restore is one transaction, which locks all it makes.
    max_locks_per_transaction: '4096',
    shared_buffers: '64MB',
    work_mem: '16MB',
    maintenance_work_mem: '128MB',
    max_parallel_workers: '0',
    max_prepared_transactions: '0',
    jit: 'off',
    password_encryption: 'scram-sha-256',
    log_destination: 'stderr',
    logging_collector: 'off',
    // Statements and values of the data are in no log.
    log_min_error_statement: 'panic',
    log_error_verbosity: 'terse',
    log_min_messages: 'fatal',
  };
}

/** Makes and starts a server in `place`; gives its superuser's login. */
export async function startDrillServer(
  place: DrillPlace,
  { directory: programs }: ServerBinaries,
): Promise<PostgresServer> {
  const { directory, signal } = place;
  const password = randomBytes(24).toString('hex');
  const passwordFile = await place.write('password', password);
  const data = join(directory, 'data');
  const auth = ['--auth=scram-sha-256', `--username=${SUPERUSER}`, `--pwfile=${passwordFile}`];
  const locale = ['--encoding=UTF8', '--locale=C'];
  const made = await place.run(join(programs, 'initdb'), ['-D', data, '--no-sync', ...auth, ...locale]);
  if (made.exitCode !== 0) throw notStarted(PRODUCT, 'initdb failed', made);
  const lines = Object.entries(settings(directory)).map(([name, value]) => `${name} = '${value}'`);
  await appendFile(join(data, 'postgresql.conf'), `\n${lines.join('\n')}\n`);
  const child = place.serve(join(programs, 'postgres'), ['-D', data]);
  const connection = { host: directory, port: 5432, user: SUPERUSER, tls: 'off' as const };
  const server = { connection, password };
  await untilAnswers(child, {
    ...{ product: PRODUCT, withinMs: START_MS, signal },
    connect: () => connect(server, 'postgres', signal),
  });
  await rm(passwordFile);
  return server;
}
