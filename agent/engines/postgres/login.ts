import type { Socket } from 'node:net';
import { getCACertificates } from 'node:tls';
import pg from 'pg';
import type { PostgresServer } from './connect.ts';
import { TlsWanted } from './errors.ts';
import type { Greetings } from './greeting.ts';

export const CONNECT_TIMEOUT_MS = 10_000;
/** How long a goodbye may take: a server out of reach never answers it, and its job would hang. */
const GOODBYE_MS = 5_000;
export interface Login {
  database: string;
  signal: AbortSignal;
  greetings: Greetings;
}

/** Opens a connection as its TLS setting says; gives up after ten seconds. Errors come as `pg` gives them. */
export async function login(server: PostgresServer, how: Login): Promise<pg.Client> {
  const { connection } = server;
  const overSocket = connection.host.startsWith('/');
  if (overSocket) return open(server, { ...how, ssl: false });
  if (connection.tls === 'off') return openPlain(server, how);
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

/** Where pg_hba.conf refuses the plain connection it may well let an encrypted one in: then that is said. */
async function openPlain(server: PostgresServer, how: Login): Promise<pg.Client> {
  try {
    return await open(server, { ...how, ssl: false });
  } catch (error) {
    if ((error as { code?: string }).code !== '28000') throw error;
    const wanted = new TlsWanted((error as Error).message, { cause: error });
    // It asks for a password only after pg_hba.conf. It gets none: the settings want no TLS.
    const password = () => {
      throw wanted;
    };
    const met = await open(server, { ...how, ssl: true, password }).catch((second: unknown) => second);
    if (met instanceof pg.Client) cut(met);
    throw met === wanted || met instanceof pg.Client ? wanted : error;
  }
}

async function open(
  server: PostgresServer,
  how: Login & { ssl: boolean; password?: () => string },
): Promise<pg.Client> {
  const { host, port, user, tls, ca } = server.connection;
  const verified = { rejectUnauthorized: true, ca: ca ?? getCACertificates('default') };
  const client = new pg.Client({
    host,
    port,
    user,
    database: how.database,
    // A function: `pg` would replace an empty string by PGPASSWORD of our own environment.
    password: how.password ?? (() => server.password),
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
export function cut(client: pg.Client): void {
  (client as unknown as { connection: { stream: Socket } }).connection.stream.destroy();
}

/** Ends a connection in good form; one that is gone already is what we want. */
export async function leave(client: pg.Client): Promise<void> {
  const late = setTimeout(() => cut(client), GOODBYE_MS);
  await client.end().catch(() => {});
  clearTimeout(late);
}
