import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { appendFile, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import {
  bareEnv,
  killTree,
  makePlace,
  type Place,
  runInPlace,
  startServerProcess,
  type TestServer,
} from './server-process.ts';

const INSTALLED = '/usr/lib/postgresql';

export interface TestPostgresOptions {
  /** Lines put before the default `pg_hba.conf`, e.g. `host all nobody 127.0.0.1/32 reject`. */
  hba?: string[];
  /** Settings for `postgresql.conf`, e.g. `{ listen_addresses: '10.0.0.2' }`. */
  settings?: Record<string, string>;
  /** Major version; the newest installed where absent. */
  major?: number;
  /** More arguments for `initdb`. */
  initdb?: string[];
  /** Network namespace to run in; `query` then comes in by the unix socket. */
  namespace?: string;
  /** Variables of the server's environment, e.g. `{ LOCPATH: '/tmp/locales' }`. */
  env?: Record<string, string>;
  /** Root directory of the Debian suite whose server this is to be; else this machine's. */
  root?: string;
}

/** A throwaway PostgreSQL server. */
export interface TestPostgres extends TestServer {
  readonly engine: 'postgresql';
  /** Environment with which `psql`, `pg_dump` … reach the server as its superuser. */
  readonly psqlEnv: Record<string, string>;
}

/** Directory with the programs of one major version (the newest where absent). Throws if there is none. */
export function postgresBinaries(major?: number, root = '/'): { major: number; directory: string } {
  const installed = join(root, INSTALLED);
  const found = existsSync(installed) ? readdirSync(installed).map(Number).filter(Number.isInteger) : [];
  const wanted = major ?? Math.max(...found);
  if (!existsSync(join(installed, String(wanted), 'bin/postgres'))) {
    throw new Error(`No PostgreSQL ${major ?? ''} server found: apt-get install postgresql-${major ?? '15'}`);
  }
  return { major: wanted, directory: join(INSTALLED, String(wanted), 'bin') };
}

/** Makes and starts a server; resolves once it accepts connections. */
export async function startPostgres(options: TestPostgresOptions = {}): Promise<TestPostgres> {
  const binaries = postgresBinaries(options.major, options.root);
  const place = await makePlace('homeport-pg-', 'postgres', options.root);
  const { directory, inside } = place;
  const password = randomBytes(12).toString('hex');
  try {
    await initialise({ ...options, binaries: binaries.directory, place, password });
    const started = await startServerProcess({
      command: (port) => [
        join(binaries.directory, 'postgres'),
        ...['-D', join(inside, 'data'), '-p', String(port)],
      ],
      place,
      namespace: options.namespace,
      ready: /database system is ready to accept connections|Datenbanksystem ist bereit/,
      ...(options.env ? { env: options.env } : {}),
    });
    const { namespace } = options;
    return handle({ ...started, directory, password, major: binaries.major, namespace });
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    throw error;
  }
}

async function initialise(input: TestPostgresOptions & { binaries: string; place: Place; password: string }) {
  const { directory, inside } = input.place;
  await writeFile(join(directory, 'password'), input.password, { mode: 0o644 });
  const locale = ['--encoding=UTF8', '--locale=C.UTF-8'];
  const auth = ['--auth=scram-sha-256', '--username=postgres', `--pwfile=${join(inside, 'password')}`];
  const args = ['-D', join(inside, 'data'), '--no-sync', ...auth, ...locale, ...(input.initdb ?? [])];
  await runInPlace(input.place, [join(input.binaries, 'initdb'), ...args]);
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: inside,
    fsync: 'off',
    full_page_writes: 'off',
    synchronous_commit: 'off',
    ...input.settings,
  };
  const data = join(directory, 'data');
  const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'`);
  await appendFile(join(data, 'postgresql.conf'), `\n${lines.join('\n')}\n`);
  if (input.hba) {
    const path = join(data, 'pg_hba.conf');
    await writeFile(path, `${input.hba.join('\n')}\n${await readFile(path, 'utf8')}`);
  }
}

function handle(input: {
  child: ChildProcess;
  port: number;
  directory: string;
  password: string;
  major: number;
  namespace: string | undefined;
}): TestPostgres {
  const { child, port, directory, password } = input;
  const reach = input.namespace === undefined ? '127.0.0.1' : directory;
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const atExit = () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGQUIT');
    rmSync(directory, { recursive: true, force: true });
  };
  process.once('exit', atExit);
  const server: TestPostgres = {
    engine: 'postgresql',
    host: '127.0.0.1',
    superuser: 'postgres',
    pid: child.pid ?? 0,
    port,
    password,
    directory,
    major: input.major,
    psqlEnv: {
      ...bareEnv(),
      PGHOST: reach,
      PGPORT: String(port),
      PGUSER: 'postgres',
      PGPASSWORD: password,
      PGDATABASE: 'postgres',
    },
    query: (sql, database = 'postgres', values) =>
      query({ host: reach, port, password, database }, sql, values),
    log: () => readFile(join(directory, 'server.log'), 'utf8'),
    stop: async () => {
      process.off('exit', atExit);
      child.kill('SIGINT');
      await exited;
      await rm(directory, { recursive: true, force: true });
    },
    kill: async () => {
      killTree(child);
      await exited;
    },
    [Symbol.asyncDispose]: () => server.stop(),
  };
  return server;
}

async function query(
  where: { host: string; port: number; password: string; database: string },
  sql: string,
  values?: unknown[],
) {
  const client = new pg.Client({ ...where, user: 'postgres' });
  client.on('error', () => {}); // a server killed by the test ends idle clients; the query itself rejects
  await client.connect();
  try {
    const result = values ? await client.query(sql, values) : await client.query(sql);
    const last = Array.isArray(result) ? result.at(-1) : result;
    return last?.rows ?? [];
  } finally {
    await client.end();
  }
}
