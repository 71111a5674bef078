import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { fail } from '../protocol/failure.ts';
import { boundTime, STRANGER_TIMES, type StrangerTimes } from './request-time.ts';

/** Longest time an authenticated request may take to arrive, in milliseconds: a pack over a thin line. */
const REQUEST_MS = 30 * 60_000;
/** Sockets at the same time: 10,000 agents with theirs, their uploads and people's pages. */
const MAX_CONNECTIONS = 16_384;
/** How long a stop waits for requests at work, in milliseconds. */
const DRAIN_MS = 5_000;

type Fetch = Parameters<typeof getRequestListener>[0];

/** A certificate with those it was signed by, and its key: PEM. */
export interface TlsIdentity {
  cert: string;
  key: string;
}

export interface ListenOptions {
  /** Absent: plain HTTP. */
  tls?: TlsIdentity | undefined;
  /** Bounds of requests that are not authenticated (yet). */
  times?: StrangerTimes;
}

/** The HTTP server. It listens before there is an app, since the app wants to know its port. */
export interface Listener {
  readonly server: Server | TlsServer;
  readonly port: number;
  serve(fetch: Fetch): void;
  /** Takes nothing new, waits for what is at work, closes the rest. */
  stop(): Promise<void>;
}

/** @throws FailureError `conflict` where the port is taken, `invalid_input` where certificate and key are of no use */
export async function listen(host: string, port: number, options: ListenOptions = {}): Promise<Listener> {
  const { times = STRANGER_TIMES, tls } = options;
  let handle: ReturnType<typeof getRequestListener> | undefined;
  const active = new Set<ServerResponse>();
  const server = createFor(tls, times, (incoming, outgoing) => {
    if (!handle) {
      notNow(outgoing);
      return;
    }
    boundTime(incoming, outgoing, times);
    outgoing.once('finish', () => discardRest(incoming));
    // Event streams never end by themselves.
    if (!incoming.url?.startsWith('/api/v1/events')) {
      active.add(outgoing);
      outgoing.once('close', () => active.delete(outgoing));
    }
    void handle(incoming, outgoing);
  });
  server.maxConnections = MAX_CONNECTIONS;
  await bind(server, host, port);
  return {
    server,
    port: (server.address() as AddressInfo).port,
    serve(fetch) {
      handle = getRequestListener(fetch);
    },
    async stop() {
      handle = undefined;
      const closed = new Promise((resolve) => server.close(resolve));
      const idle = Promise.all(
        [...active].map((one) => new Promise((resolve) => one.once('close', resolve))),
      );
      await Promise.race([idle, deadline(DRAIN_MS)]);
      server.closeAllConnections();
      await closed;
    },
  };
}

function createFor(
  tls: TlsIdentity | undefined,
  times: StrangerTimes,
  onRequest: (incoming: IncomingMessage, outgoing: ServerResponse) => void,
): Server | TlsServer {
  const bounds = {
    ...{ requestTimeout: REQUEST_MS, headersTimeout: times.headersMs, keepAliveTimeout: 65_000 },
    connectionsCheckingInterval: times.headersMs / 2,
  };
  if (!tls) return createServer(bounds, onRequest);
  try {
    return createTlsServer({ ...bounds, ...tls, handshakeTimeout: times.headersMs }, onRequest);
  } catch (cause) {
    throw fail(
      'invalid_input',
      `The certificate or its key cannot be used: ${(cause as Error).message}.`,
      'HOMEPORT_TLS_CERTIFICATE and HOMEPORT_TLS_KEY name PEM files that belong together, the key without a passphrase.',
      { cause },
    );
  }
}

function bind(server: Server | TlsServer, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      reject(
        fail(
          'conflict',
          `Cannot listen on ${host}:${port}: ${cause.message}.`,
          'Set HOMEPORT_HOST or HOMEPORT_PORT to something free.',
          { cause },
        ),
      );
    });
    server.listen(port, host, resolve);
  });
}

/**
 * Lets the rest of a body go that was refused before its end, so that the connection can be used again. A reader
 * that was left standing would hold it back until the server loses patience and cuts the client's next request.
 */
function discardRest(incoming: IncomingMessage): void {
  if (incoming.readableEnded || incoming.destroyed) return;
  incoming.removeAllListeners('data');
  incoming.resume();
}

function deadline(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}

function notNow(outgoing: ServerResponse): void {
  const { failure } = fail('control_plane_unreachable', 'Homeport is starting or stopping.', 'Try again.', {
    retryable: true,
  });
  outgoing.writeHead(503, { 'content-type': 'application/json', connection: 'close', 'retry-after': '2' });
  outgoing.end(JSON.stringify({ error: failure }));
}
