import { connect as openSocket, type Socket } from 'node:net';
import { getCACertificates } from 'node:tls';
import { type Connection, createConnection } from 'mysql2';
import type { MysqlConnection } from '../../../protocol/engines/mysql.ts';
import { FailureError, fail } from '../../../protocol/failure.ts';
import type { ServerTarget } from '../driver.ts';
import { explain } from './errors.ts';
import { type Flavour, OLDEST, PRODUCT, parseVersion, versionText } from './flavour.ts';

const CONNECT_TIMEOUT_MS = 10_000;
/** How long a goodbye may take: a server out of reach never answers it, and its job would hang. */
const GOODBYE_MS = 5_000;

export type MysqlServer = ServerTarget<MysqlConnection>;

/** One login. Errors of every query come out as `FailureError`, explained. */
export interface Session extends AsyncDisposable {
  readonly flavour: Flavour;
  /** Numbers only, e.g. `10.11.19`. */
  readonly version: string;
  /** The same, comparable: 101119. */
  readonly versionNumber: number;
  /** The account the server matched the login with: `user@host`. */
  readonly account: string;
  readonly tls: boolean;
  /**
   * Rows of one query. BIGINT and DECIMAL come as strings, dates as the server writes them, binary as Buffer.
   * @param values for each `?`, quoted as a literal
   */
  rows<Row extends object>(sql: string, values?: unknown[]): Promise<Row[]>;
  /** Runs one statement. */
  run(sql: string): Promise<void>;
}

/**
 * Logs in. The session has a known sql_mode and time zone (UTC) and no time limits of the server's; aborting
 * `signal` cuts it. A server of the other product is refused: `wrong_engine`. With `bytes`, characters of statements
 * are sent as one byte each: a dump's bytes as latin1, whatever character set they are in.
 */
export async function connect(
  server: MysqlServer,
  flavour: Flavour,
  options: { signal: AbortSignal; database?: string; bytes?: boolean },
): Promise<Session> {
  const { signal } = options;
  try {
    signal.throwIfAborted();
    const connection = await login(server, options);
    try {
      const session = await prepare(connection, { server, flavour, signal });
      if (options.bytes) sendBytes(connection);
      return session;
    } catch (error) {
      await leave(connection);
      throw error;
    }
  } catch (error) {
    throw explained(error, server, signal);
  }
}

/**
 * The client library encodes statements by this number alone, and would change it with the server's
 * `character_set_client`, which dumps set many times: so it is held.
 */
function sendBytes(connection: Connection): void {
  const LATIN1_SWEDISH_CI = 8;
  const { config } = connection as unknown as { config: object };
  Object.defineProperty(config, 'charsetNumber', { get: () => LATIN1_SWEDISH_CI, set: () => {} });
}

/** `error` as a `FailureError`: `cancelled` if the operation was, else what {@link explain} says. */
export function explained(error: unknown, server: MysqlServer, signal: AbortSignal): FailureError {
  if (error instanceof FailureError) return error;
  if (signal.aborted) {
    return fail('cancelled', 'The operation was stopped.', 'Start it again when you want to.', {
      cause: error,
    });
  }
  return new FailureError(explain(error, server.connection), { cause: error });
}

interface Login {
  signal: AbortSignal;
  database?: string;
}

async function login(server: MysqlServer, how: Login): Promise<Connection> {
  const { connection } = server;
  const overSocket = connection.host.startsWith('/');
  if (overSocket || connection.tls === 'off') return open(server, { ...how, ssl: false });
  if (connection.tls !== 'prefer') return open(server, { ...how, ssl: true });
  try {
    return await open(server, { ...how, ssl: true });
  } catch (error) {
    // Only where the server says that it has no TLS: anything else could be made to happen to read the login.
    if ((error as { code?: string }).code !== 'HANDSHAKE_NO_SSL_SUPPORT') throw error;
    return await open(server, { ...how, ssl: false });
  }
}

async function open(server: MysqlServer, how: Login & { ssl: boolean }): Promise<Connection> {
  const { host, port, user, tls, ca } = server.connection;
  const verified = { rejectUnauthorized: true, verifyIdentity: true, ca: ca ?? getCACertificates('default') };
  const socket = host.startsWith('/') ? openSocket(host) : openSocket({ host, port });
  // mysql2 names no host to TLS where it is an address, and the certificate would be checked for “localhost”.
  Object.assign(socket, { _host: host });
  socket.setKeepAlive(true, 60_000).setNoDelay(true);
  const connection = createConnection({
    host,
    port,
    // Over a unix socket nobody listens: caching_sha2_password then needs no public key.
    ...(host.startsWith('/') ? { socketPath: host } : {}),
    stream: () => socket,
    user,
    password: server.password,
    ...(how.database === undefined ? {} : { database: how.database }),
    ...(how.ssl ? { ssl: tls === 'verify-full' ? verified : { rejectUnauthorized: false } } : {}),
    connectTimeout: 0, // ours below covers the greeting as well
    charset: 'UTF8MB4_GENERAL_CI',
    // A hostile server could otherwise ask for any file of the agent's.
    flags: ['-LOCAL_FILES'],
    multipleStatements: false,
    supportBigNumbers: true,
    bigNumberStrings: true,
    dateStrings: true,
    connectAttributes: { program_name: 'homeport' },
  });
  return await connected(connection, how.signal);
}

async function connected(connection: Connection, signal: AbortSignal): Promise<Connection> {
  const met = Promise.withResolvers<void>();
  connection.once('connect', () => met.resolve());
  connection.on('error', met.reject); // one lost while idle shows in the next query
  const late = setTimeout(
    () => met.reject(Object.assign(new Error('connect'), { code: 'ETIMEDOUT' })),
    CONNECT_TIMEOUT_MS,
  );
  const onAbort = () => met.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await met.promise;
    return connection;
  } catch (error) {
    cut(connection);
    throw error;
  } finally {
    clearTimeout(late); // the limit is for connecting: a dump keeps its session for hours
    signal.removeEventListener('abort', onAbort);
  }
}

/** Ends a connection without asking the server; queries under way fail. */
function cut(connection: Connection): void {
  (connection as unknown as { stream: Socket }).stream.destroy();
}

/** Ends a connection in good form; one that is gone already is what we want. */
async function leave(connection: Connection): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const late = setTimeout(resolve, GOODBYE_MS);
  connection.end(() => resolve());
  await promise;
  clearTimeout(late);
  cut(connection);
}

const PREPARE = `SET SESSION sql_mode = 'NO_ENGINE_SUBSTITUTION,STRICT_ALL_TABLES', time_zone = '+00:00',
  autocommit = 1, wait_timeout = 604800, net_read_timeout = 3600, net_write_timeout = 3600`;

/** Only MariaDB reads the inside of such a comment: whatever a version says, this tells the products apart. */
const FACTS = `SELECT VERSION() AS version, 1 /*M! + 1 */ AS product, CURRENT_USER() AS account`;

async function prepare(
  connection: Connection,
  input: { server: MysqlServer; flavour: Flavour; signal: AbortSignal },
): Promise<Session> {
  const { server, flavour, signal } = input;
  const onAbort = () => cut(connection);
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  const client = connection.promise();
  const query = async (sql: string, values?: unknown[]): Promise<unknown> => {
    try {
      return (await client.query(sql, values))[0];
    } catch (error) {
      throw explained(error, server, signal);
    }
  };
  const rows = async <Row extends object>(sql: string, values?: unknown[]) =>
    (await query(sql, values)) as Row[];
  const [facts] = await rows<{ version: string; product: string | number; account: string }>(FACTS);
  const met = serverOf(facts, flavour);
  await query(`${PREPARE}, ${flavour === 'mysql' ? 'max_execution_time' : 'max_statement_time'} = 0`);
  const [cipher] = await rows<{ Value: string }>(`SHOW SESSION STATUS LIKE 'Ssl_cipher'`);
  return {
    ...met,
    account: facts?.account ?? '',
    tls: Boolean(cipher?.Value),
    rows,
    run: async (sql) => void (await query(sql)),
    [Symbol.asyncDispose]: async () => {
      signal.removeEventListener('abort', onAbort);
      await leave(connection);
    },
  };
}

/** What answered, if it is what was asked for and not too old. */
function serverOf(facts: { version: string; product: string | number } | undefined, wanted: Flavour) {
  const flavour: Flavour = Number(facts?.product) === 2 ? 'mariadb' : 'mysql';
  const { version, versionNumber } = parseVersion(facts?.version ?? '') ?? { version: '?', versionNumber: 0 };
  if (flavour !== wanted) {
    throw fail(
      'wrong_engine',
      `The server is ${PRODUCT[flavour]} ${version}, not ${PRODUCT[wanted]}.`,
      `Add it as a ${PRODUCT[flavour]} server: the two are backed up with tools of their own, and restored among themselves.`,
    );
  }
  if (versionNumber < OLDEST[flavour]) {
    throw fail(
      'server_too_old',
      `The server is ${PRODUCT[flavour]} ${version}.`,
      `Homeport works with ${PRODUCT[flavour]} ${versionText(OLDEST[flavour]).replace(/\.0$/, '')} and later.`,
    );
  }
  return { flavour, version, versionNumber };
}
