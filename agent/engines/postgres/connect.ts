import type { Socket } from 'node:net';
import { getCACertificates } from 'node:tls';
import pg from 'pg';
import type { PostgresConnection } from '../../../protocol/engines/postgres.ts';
import { FailureError, fail } from '../../../protocol/failure.ts';
import { openSecretRoom, type SecretRoom } from '../../process.ts';
import type { ServerTarget } from '../driver.ts';
import { explain } from './errors.ts';
import { Greetings } from './greeting.ts';
import { passfileLine } from './quote.ts';

const CONNECT_TIMEOUT_MS = 10_000;
/** How long a goodbye may take: a server out of reach never answers it, and its job would hang. */
const GOODBYE_MS = 5_000;
/** Oldest server this driver works with. */
const OLDEST_MAJOR = 13;

export type PostgresServer = ServerTarget<PostgresConnection>;

/** One login. Errors of every query come out as `FailureError`, explained. */
export interface Session extends AsyncDisposable {
  /** e.g. `15.20`. */
  readonly version: string;
  readonly major: number;
  /** Name of the account, as the server sees it. */
  readonly user: string;
  readonly superuser: boolean;
  readonly tls: boolean;
  /** What the server said at the login, in the form libpq prints: a client tool that logs in gets the same. */
  readonly greetings: readonly string[];
  rows<Row extends object>(sql: string, values?: unknown[]): Promise<Row[]>;
  /** Runs one statement, or several separated by `;`. */
  run(sql: string): Promise<void>;
}

/** The database to ask about the server as a whole. */
export function maintenanceDatabase(server: PostgresServer): string {
  return server.connection.maintenanceDatabase ?? 'postgres';
}

/**
 * Logs in to `database`. The session looks names up in pg_catalog only (a hostile `public` cannot shadow them)
 * and has no server-side time limits; aborting `signal` cuts it.
 */
export async function connect(
  server: PostgresServer,
  database: string,
  signal: AbortSignal,
): Promise<Session> {
  try {
    signal.throwIfAborted();
    const greetings = new Greetings();
    const client = await login(server, { database, signal, greetings });
    try {
      return await prepare({ client, server, signal, greetings: greetings.lines });
    } catch (error) {
      await leave(client);
      throw error;
    }
  } catch (error) {
    throw explained(error, server, signal);
  }
}

/** `error` as a `FailureError`: `cancelled` if the operation was, else what {@link explain} says. */
export function explained(error: unknown, server: PostgresServer, signal: AbortSignal): FailureError {
  if (error instanceof FailureError) return error;
  if (signal.aborted) {
    return fail('cancelled', 'The operation was stopped.', 'Start it again when you want to.', {
      cause: error,
    });
  }
  return new FailureError(explain(error, server.connection), { cause: error });
}

interface Login {
  database: string;
  signal: AbortSignal;
  greetings: Greetings;
}

async function login(server: PostgresServer, how: Login): Promise<pg.Client> {
  const { connection } = server;
  const overSocket = connection.host.startsWith('/');
  if (overSocket || connection.tls === 'off') return open(server, { ...how, ssl: false });
  if (connection.tls !== 'prefer') return open(server, { ...how, ssl: true });
  try {
    return await open(server, { ...how, ssl: true });
  } catch (error) {
    // As libpq does: fall back where the server has no TLS or pg_hba.conf wants none.
    const noTls = error instanceof Error && error.message.includes('does not support SSL');
    if (!noTls && (error as { code?: string }).code !== '28000') throw error;
    return await open(server, { ...how, ssl: false }).catch((second) => {
      throw noTls ? second : error;
    });
  }
}

async function open(server: PostgresServer, how: Login & { ssl: boolean }): Promise<pg.Client> {
  const { host, port, user, tls, ca } = server.connection;
  const verified = { rejectUnauthorized: true, ca: ca ?? getCACertificates('default') };
  const client = new pg.Client({
    host,
    port,
    user,
    database: how.database,
    // A function: `pg` would replace an empty string by PGPASSWORD of our own environment.
    password: () => server.password,
    ssl: how.ssl ? (tls === 'verify-full' ? verified : { rejectUnauthorized: false }) : false,
    application_name: 'homeport',
    keepAlive: true,
  });
  client.on('error', () => {}); // a connection lost while idle shows in the next query
  client.on('notice', how.greetings.add);
  const timedOut = Promise.withResolvers<never>();
  const late = setTimeout(
    () => timedOut.reject(Object.assign(new Error('connect'), { code: 'ETIMEDOUT' })),
    CONNECT_TIMEOUT_MS,
  );
  const stopped = Promise.withResolvers<never>();
  stopped.promise.catch(() => {}); // heeded only while connecting; later, queries fail on the cut connection
  const onAbort = () => {
    cut(client);
    stopped.reject(how.signal.reason);
  };
  how.signal.addEventListener('abort', onAbort, { once: true });
  client.once('end', () => how.signal.removeEventListener('abort', onAbort));
  if (how.signal.aborted) onAbort();
  try {
    await Promise.race([client.connect(), timedOut.promise, stopped.promise]);
    return client;
  } catch (error) {
    cut(client);
    throw error;
  } finally {
    client.off('notice', how.greetings.add);
    clearTimeout(late); // the limit is for connecting: a dump keeps its session for hours
  }
}

/** Ends a connection without asking the server. */
function cut(client: pg.Client): void {
  (client as unknown as { connection: { stream: Socket } }).connection.stream.destroy();
}

/** Ends a connection in good form; one that is gone already is what we want. */
async function leave(client: pg.Client): Promise<void> {
  const late = setTimeout(() => cut(client), GOODBYE_MS);
  await client.end().catch(() => {});
  clearTimeout(late);
}

const PREPARE = `
  SELECT set_config('search_path', 'pg_catalog', false), set_config('statement_timeout', '0', false),
    set_config('lock_timeout', '0', false), set_config('idle_in_transaction_session_timeout', '0', false),
    set_config('extra_float_digits', '3', false), set_config('row_security', 'off', false),
    set_config('datestyle', 'ISO', false), set_config('quote_all_identifiers', 'off', false)`;

async function prepare(input: {
  client: pg.Client;
  server: PostgresServer;
  signal: AbortSignal;
  greetings: readonly string[];
}): Promise<Session> {
  const { client, server, signal, greetings } = input;
  await client.query(PREPARE.replaceAll('set_config', 'pg_catalog.set_config'));
  const facts = await client.query(
    `SELECT current_setting('server_version') AS version, current_setting('server_version_num')::int AS number,
       current_user AS "user", (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS superuser,
       coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false) AS tls`,
  );
  const { version, number, user, superuser, tls } = facts.rows[0];
  const major = Math.floor(number / 10_000);
  if (major < OLDEST_MAJOR) {
    throw fail(
      'server_too_old',
      `The server is PostgreSQL ${version}.`,
      `Homeport works with PostgreSQL ${OLDEST_MAJOR} and later.`,
    );
  }
  if (major >= 17) await client.query(`SELECT set_config('transaction_timeout', '0', false)`);
  // Only superusers may; for others the server's language stays, and we go by SQLSTATE anyway.
  if (superuser) await client.query(`SET lc_messages = 'C'`);
  const onAbort = () => cut(client);
  signal.addEventListener('abort', onAbort, { once: true });
  const query = async (sql: string, values?: unknown[]) => {
    try {
      return await client.query(sql, values);
    } catch (error) {
      throw explained(error, server, signal);
    }
  };
  return {
    version: String(version).split(' ')[0] ?? '',
    major,
    user,
    superuser,
    tls,
    greetings,
    rows: async (sql, values) => (await query(sql, values)).rows,
    run: async (sql) => void (await query(sql)),
    [Symbol.asyncDispose]: async () => {
      signal.removeEventListener('abort', onAbort);
      await leave(client);
    },
  };
}

/** What a client tool needs to log in: secrets as files in a room of its own, the rest as environment. */
export interface ToolLogin extends AsyncDisposable {
  room: SecretRoom;
  env: Record<string, string>;
}

const LIBPQ_SSLMODE = {
  off: 'disable',
  prefer: 'prefer',
  require: 'require',
  'verify-full': 'verify-full',
} as const;

/** Opens a {@link ToolLogin}; `superuser` accounts get the server's messages in English. */
export async function toolLogin(server: PostgresServer, superuser: boolean): Promise<ToolLogin> {
  const { tls, ca } = server.connection;
  const verify = tls === 'verify-full';
  const room = await openSecretRoom({
    pgpass: passfileLine(server.password),
    ...(verify ? { 'ca.pem': ca ?? getCACertificates('default').join('\n') } : {}),
  });
  const env = {
    PGPASSFILE: room.path('pgpass'),
    PGSSLMODE: LIBPQ_SSLMODE[tls],
    PGGSSENCMODE: 'disable',
    PGCONNECT_TIMEOUT: String(CONNECT_TIMEOUT_MS / 1000),
    PGAPPNAME: 'homeport',
    PGCLIENTENCODING: 'UTF8',
    ...(verify ? { PGSSLROOTCERT: room.path('ca.pem') } : {}),
    ...(superuser ? { PGOPTIONS: '-c lc_messages=C' } : {}),
  };
  return { room, env, [Symbol.asyncDispose]: () => room[Symbol.asyncDispose]() };
}
