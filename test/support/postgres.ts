import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createWriteStream, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { appendFile, chown, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { freePort } from './ports.ts';

const INSTALLED = '/usr/lib/postgresql';
const run = promisify(execFile);

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
}

/** A throwaway PostgreSQL server: real, on a free port, in a temp directory, gone after `stop()`. */
export interface TestPostgres extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  readonly superuser: string;
  readonly password: string;
  /** Temp directory: data in `data/`, log in `server.log`, unix socket directly in it. */
  readonly directory: string;
  readonly major: number;
  readonly pid: number;
  /** Environment with which `psql`, `pg_dump` … reach the server as its superuser. */
  readonly psqlEnv: Record<string, string>;
  /** Runs SQL as the superuser and gives the rows of the last statement. */
  // biome-ignore lint/suspicious/noExplicitAny: rows are whatever the test's SQL selects
  query(sql: string, database?: string, values?: unknown[]): Promise<any[]>;
  /** The server's log so far. */
  log(): Promise<string>;
  /** Fast shutdown, then removes the directory. Idempotent. */
  stop(): Promise<void>;
  /** SIGKILL to postmaster and all its children, as a crashed machine would; `stop()` still cleans up. */
  kill(): Promise<void>;
}

/** Directory with the programs of one major version (the newest where absent). Throws if there is none. */
export function postgresBinaries(major?: number): { major: number; directory: string } {
  const found = existsSync(INSTALLED) ? readdirSync(INSTALLED).map(Number).filter(Number.isInteger) : [];
  const wanted = major ?? Math.max(...found);
  const directory = join(INSTALLED, String(wanted), 'bin');
  if (!existsSync(join(directory, 'postgres'))) {
    throw new Error(`No PostgreSQL ${major ?? ''} server found: apt-get install postgresql-${major ?? '15'}`);
  }
  return { major: wanted, directory };
}

/** Makes and starts a server; resolves once it accepts connections. */
export async function startPostgres(options: TestPostgresOptions = {}): Promise<TestPostgres> {
  const binaries = postgresBinaries(options.major);
  const directory = await mkdtemp(join(tmpdir(), 'homeport-pg-'));
  const password = randomBytes(12).toString('hex');
  const account = serverAccount();
  try {
    if (account.uid !== undefined) await chown(directory, account.uid, account.gid ?? account.uid);
    await initialise({ ...options, binaries: binaries.directory, directory, password, account });
    return await launch({ binaries, directory, password, account, namespace: options.namespace });
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    throw error;
  }
}

type Account = { uid?: number; gid?: number };

/** PostgreSQL refuses to run as root: then it runs as `postgres`, else as whoever we are. */
function serverAccount(): Account {
  if (process.getuid?.() !== 0) return {};
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith('postgres:'));
  if (!line) throw new Error('Running as root, and there is no user “postgres” to run the server as.');
  const [, , uid, gid] = line.split(':');
  return { uid: Number(uid), gid: Number(gid) };
}

async function initialise(
  input: TestPostgresOptions & { binaries: string; directory: string; password: string; account: Account },
) {
  const data = join(input.directory, 'data');
  const passwordFile = join(input.directory, 'password');
  await writeFile(passwordFile, input.password, { mode: 0o644 });
  const locale = ['--encoding=UTF8', '--locale=C.UTF-8'];
  const auth = ['--auth=scram-sha-256', '--username=postgres', `--pwfile=${passwordFile}`];
  const args = ['-D', data, '--no-sync', ...auth, ...locale, ...(input.initdb ?? [])];
  await run(join(input.binaries, 'initdb'), args, { ...input.account, cwd: input.directory, env: bareEnv() });
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: input.directory,
    fsync: 'off',
    full_page_writes: 'off',
    synchronous_commit: 'off',
    ...input.settings,
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'`);
  await appendFile(join(data, 'postgresql.conf'), `\n${lines.join('\n')}\n`);
  if (input.hba) {
    const path = join(data, 'pg_hba.conf');
    await writeFile(path, `${input.hba.join('\n')}\n${await readFile(path, 'utf8')}`);
  }
}

async function launch(input: {
  binaries: { major: number; directory: string };
  directory: string;
  password: string;
  account: Account;
  namespace: string | undefined;
}): Promise<TestPostgres> {
  const { directory } = input;
  for (let attempt = 1; ; attempt += 1) {
    // Another process may take the port between our probe and the server's bind: then take another one.
    const port = await freePort();
    const args = ['-D', join(directory, 'data'), '-p', String(port)];
    const [file, first, account] = within(input.namespace, input.account);
    const program = join(input.binaries.directory, 'postgres');
    const child = spawn(file ?? program, file ? [...first, program, ...args] : args, {
      ...account,
      cwd: directory,
      env: bareEnv(),
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const failure = await ready(child, join(directory, 'server.log'));
    if (failure === undefined) return handle({ ...input, child, port, major: input.binaries.major });
    if (attempt === 5 || !failure.includes('Address already in use')) throw new Error(failure);
  }
}

/** Only root may enter a namespace, so there the account is changed inside; the process stays the same one. */
function within(namespace: string | undefined, account: Account): [string | undefined, string[], Account] {
  if (namespace === undefined) return [undefined, [], account];
  const become = ['setpriv', `--reuid=${account.uid ?? 0}`, `--regid=${account.gid ?? 0}`, '--clear-groups'];
  return ['nsenter', [`--net=/run/netns/${namespace}`, ...become], {}];
}

/** Resolves with `undefined` once the server is ready, or with its output if it ended before. */
function ready(child: ChildProcess, logFile: string): Promise<string | undefined> {
  const log = createWriteStream(logFile, { flags: 'a' });
  log.on('error', () => {}); // the directory may be removed while the last lines arrive
  return new Promise((resolve, reject) => {
    let head = '';
    const watch = (chunk: Buffer) => {
      head += chunk.toString();
      if (!head.includes('database system is ready to accept connections')) return;
      child.stderr?.off('data', watch);
      resolve(undefined);
    };
    child.stderr?.on('data', watch).pipe(log);
    child.once('error', reject);
    child.once('exit', () => resolve(`postgres did not start:\n${head}`));
  });
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
      const children = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim();
      child.kill('SIGKILL');
      for (const pid of children.split(' ').filter(Boolean)) killQuietly(Number(pid));
      await exited;
    },
    [Symbol.asyncDispose]: () => server.stop(),
  };
  return server;
}

function killQuietly(pid: number) {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // ended by itself once the postmaster was gone
  }
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

function bareEnv(): Record<string, string> {
  return { PATH: process.env.PATH ?? '/usr/bin:/bin', LC_ALL: 'C.UTF-8', HOME: tmpdir() };
}
