import { getCACertificates } from 'node:tls';
import type pg from 'pg';
import type { PostgresConnection } from '../../../protocol/engines/postgres.ts';
import { FailureError, fail } from '../../../protocol/failure.ts';
import { openSecretRoom, type SecretRoom } from '../../process.ts';
import type { ServerTarget } from '../driver.ts';
import { explain } from './errors.ts';
import { Greetings } from './greeting.ts';
import { CONNECT_TIMEOUT_MS, cut, leave, login } from './login.ts';
import { passfileLine } from './quote.ts';

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

/** By itself and first: it is over before the shortest limit that a database could be used with. */
const NO_TIME_LIMIT = 'SET statement_timeout = 0';

const PREPARE = `
  SELECT set_config('search_path', 'pg_catalog', false), set_config('lock_timeout', '0', false),
    set_config('idle_in_transaction_session_timeout', '0', false), set_config('extra_float_digits', '3', false),
    set_config('row_security', 'off', false), set_config('datestyle', 'ISO', false),
    set_config('quote_all_identifiers', 'off', false)`;

async function prepare(input: {
  client: pg.Client;
  server: PostgresServer;
  signal: AbortSignal;
  greetings: readonly string[];
}): Promise<Session> {
  const { client, server, signal, greetings } = input;
  await client.query(NO_TIME_LIMIT);
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
