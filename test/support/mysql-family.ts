import { type ChildProcess, spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createConnection } from 'mysql2/promise';
import { bareEnv, killTree, type TestServer } from './server-process.ts';

/**
 * A throwaway MariaDB or MySQL server. Its superuser is `root@'%'` with a password, by TCP and by the unix socket
 * `server.sock`; names of clients are not looked up (set `skip_name_resolve` to `0` for accounts at `localhost`).
 */
export interface TestMysql extends TestServer {
  readonly engine: 'mariadb' | 'mysql';
  /** Path of the unix socket. */
  readonly socket: string;
  /** For stock tools: `mariadb --defaults-file=<this>` logs in as the superuser. */
  readonly defaultsFile: string;
  /** Environment for stock tools, bare of the caller's own settings. */
  readonly clientEnv: Record<string, string>;
  /** Runs a script with the stock client, which knows `DELIMITER`; throws what it says. */
  script(sql: string | Buffer, database?: string): Promise<string>;
}

/** Both products log this once they take connections, each with the port they listen on. */
export const MYSQL_READY = /ready for connections[\s\S]*?port: [1-9]/;

/** Nothing of a throwaway server has to survive a power cut. */
export const THROWAWAY: Record<string, string> = {
  bind_address: '127.0.0.1',
  innodb_flush_log_at_trx_commit: '0',
  innodb_doublewrite: 'OFF',
  innodb_fast_shutdown: '2',
  innodb_buffer_pool_size: '64M',
  sync_binlog: '0',
  skip_name_resolve: '1',
  event_scheduler: 'OFF',
};

/** Arguments of `mariadbd` or `mysqld` for a directory, as the server sees it. */
export function serverArguments(inside: string, port: number, settings: Record<string, string>): string[] {
  return [
    '--no-defaults',
    `--datadir=${join(inside, 'data')}`,
    // Each its own: servers that start tidy up temporary tables, and would take each other's.
    `--tmpdir=${inside}`,
    `--socket=${join(inside, 'server.sock')}`,
    `--pid-file=${join(inside, 'server.pid')}`,
    `--init-file=${join(inside, 'init.sql')}`,
    `--port=${port}`,
    ...Object.entries(settings).map(([name, value]) => `--${name}=${value}`),
  ];
}

/** What makes `root@'%'` the one superuser; one statement a line, read at every start. */
export function initScript(password: string): string {
  return [
    `CREATE USER IF NOT EXISTS root@'%';`,
    `ALTER USER root@'%' IDENTIFIED BY '${password}';`,
    `GRANT ALL PRIVILEGES ON *.* TO root@'%' WITH GRANT OPTION;`,
    `DROP USER IF EXISTS root@localhost;`,
    '',
  ].join('\n');
}

/** The running server as tests see it. `directory` is where this machine sees the server's own. */
export async function mysqlHandle(input: {
  engine: 'mariadb' | 'mysql';
  /** Stock client for scripts. */
  client: string;
  child: ChildProcess;
  port: number;
  directory: string;
  password: string;
  namespace?: string | undefined;
}): Promise<TestMysql> {
  const { child, directory, password, port } = input;
  const socket = join(directory, 'server.sock');
  const place = input.namespace === undefined ? { host: '127.0.0.1', port } : { socketPath: socket };
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const atExit = () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  };
  process.once('exit', atExit);
  const defaultsFile = join(directory, 'client.cnf');
  const reach =
    input.namespace === undefined ? `host=127.0.0.1\nport=${port}\nprotocol=tcp` : `socket=${socket}`;
  await writeFile(
    defaultsFile,
    `[client]\nuser=root\npassword=${password}\n${reach}\ndefault-character-set=utf8mb4\n`,
    { mode: 0o600 },
  );
  const query: TestServer['query'] = (sql, database, values) =>
    queryMysql({ ...place, password, ...(database === undefined ? {} : { database }) }, sql, values);
  const server: TestMysql = {
    engine: input.engine,
    host: '127.0.0.1',
    superuser: 'root',
    pid: child.pid ?? 0,
    port,
    password,
    directory,
    socket,
    defaultsFile,
    clientEnv: { ...bareEnv(), MYSQL_TEST_LOGIN_FILE: '/dev/null' },
    major: Number.parseInt(String((await query('SELECT VERSION() AS version'))[0]?.version), 10),
    query,
    script: (sql, database) =>
      runScript(
        [
          input.client,
          `--defaults-file=${defaultsFile}`,
          '--comments',
          ...(database ? ['--', database] : []),
        ],
        sql,
      ),
    log: () => readFile(join(directory, 'server.log'), 'utf8'),
    stop: async () => {
      process.off('exit', atExit);
      child.kill('SIGTERM');
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

function runScript([program, ...args]: string[], sql: string | Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program ?? '', args, { env: bareEnv(), stdio: ['pipe', 'pipe', 'pipe'] });
    let output = '';
    let errors = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
    child.once('error', reject);
    child.once('close', (code) =>
      code === 0 ? resolve(output) : reject(new Error(`${program}: ${errors}`)),
    );
    child.stdin.on('error', () => {}); // the client's own words tell more than a broken pipe
    child.stdin.end(sql);
  });
}

/** Rows of the last statement; dates and big numbers come as text, so that nothing is rounded. */
async function queryMysql(
  where: { host?: string; port?: number; socketPath?: string; password: string; database?: string },
  sql: string,
  values?: unknown[],
): Promise<Record<string, unknown>[]> {
  const connection = await createConnection({
    ...where,
    user: 'root',
    charset: 'utf8mb4',
    multipleStatements: true,
    dateStrings: true,
    supportBigNumbers: true,
    bigNumberStrings: true,
  });
  connection.on('error', () => {}); // a server killed by the test ends idle clients; the query itself rejects
  try {
    const [result, fields] = await connection.query(sql, values);
    // Of several statements there are several results, each with its own fields or none.
    const several =
      Array.isArray(fields) && fields.some((field) => field === undefined || Array.isArray(field));
    const last: unknown = several ? (result as unknown[]).at(-1) : result;
    return Array.isArray(last) ? (last as Record<string, unknown>[]) : [];
  } finally {
    await connection.end().catch(() => {});
  }
}
