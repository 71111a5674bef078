import { lookup } from 'node:dns/promises';
import { request } from 'node:http';
import { request as secureRequest } from 'node:https';
import { connect, isIP, type Socket } from 'node:net';
import { connect as startTls } from 'node:tls';
import { reasonOf } from '../connection/endings.ts';
import type { OutgoingProxy } from '../connection/proxy.ts';
import { proxyAnswered, proxyUnreachable } from '../connection/proxy-failures.ts';
import type { Shown } from './certificate.ts';

/** Where a connection shall end. */
export interface Destination {
  /** Name or address, IPv6 without brackets. */
  host: string;
  port: number;
}

/** All addresses of a name, as programs of this host see them. */
export async function addressesOf(host: string): Promise<string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

/** What came of connecting to each address: a socket to use, and why others did not work. */
export interface Connected {
  socket: Socket;
  address: string;
  failed: { address: string; reason: string }[];
}

/** Connects to every address at the same time, so that none that is broken hides behind one that works. */
export async function connectToAny(
  addresses: readonly string[],
  port: number,
  signal: AbortSignal,
): Promise<Connected> {
  const tries = await Promise.allSettled(addresses.map((host) => opened(connect({ host, port }), signal)));
  const failed = tries.flatMap((result, at) =>
    result.status === 'rejected'
      ? [{ address: addresses[at] ?? '', reason: reasonOf(result.reason), error: result.reason }]
      : [],
  );
  const sockets = tries.map((result) => (result.status === 'fulfilled' ? result.value : undefined));
  const first = sockets.findIndex((socket) => socket !== undefined);
  const socket = sockets[first];
  if (!socket) throw failed[0]?.error ?? new Error('There is no address.');
  for (const other of sockets) if (other !== socket) other?.destroy();
  return { socket, address: addresses[first] ?? '', failed };
}

/** @throws FailureError what stands in the way at the proxy */
export async function openTunnel(
  proxy: OutgoingProxy,
  { host, port }: Destination,
  signal: AbortSignal,
): Promise<Socket> {
  const target = `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
  const authorization = proxy.authorization();
  const ask = (proxy.secure ? secureRequest : request)({
    host: proxy.host,
    port: proxy.port,
    method: 'CONNECT',
    path: target,
    agent: false,
    headers: { host: target, ...(authorization ? { 'proxy-authorization': authorization } : {}) },
    signal,
  });
  return new Promise((resolve, reject) => {
    ask.on('connect', (answer, socket) => {
      if (answer.statusCode === 200) return resolve(socket as Socket);
      socket.destroy();
      reject(proxyAnswered(answer.statusCode ?? 0, proxy));
    });
    ask.on('error', (error: NodeJS.ErrnoException) => {
      const noHttp = error.code?.startsWith('HPE_') ?? false;
      const reason = signal.aborted ? 'It took the connection, but did not answer.' : reasonOf(error);
      reject(noHttp ? proxyAnswered(Number.NaN, proxy, error) : proxyUnreachable(proxy, reason, error));
    });
    ask.end();
  });
}

/** TLS over a socket, whatever the certificate is worth: it is looked at, and nothing secret is sent. */
export async function shakeHands(
  socket: Socket,
  host: string,
  signal: AbortSignal,
): Promise<{ secured: Socket; shown: Shown }> {
  const servername = isIP(host) === 0 ? host : '';
  const secured = startTls({
    socket,
    host,
    servername,
    rejectUnauthorized: false,
    ALPNProtocols: ['http/1.1'],
  });
  await opened(secured, signal, 'secureConnect');
  const error = secured.authorized ? undefined : String(secured.authorizationError);
  const shown = { certificate: secured.getPeerCertificate(), error, host, version: secured.getProtocol() };
  return { secured, shown };
}

/** What a control plane, or something in its place, said to a plain question. */
export interface Answered {
  status: number;
  healthy: boolean;
  /** Its clock minus this host's, in milliseconds, to about a second; undefined where it told no time. */
  skewMs: number | undefined;
}

/** `GET /healthz` over a socket. */
export async function askHealth(socket: Socket, origin: URL, signal: AbortSignal): Promise<Answered> {
  const before = Date.now();
  const ask = request({
    createConnection: () => socket,
    path: '/healthz',
    headers: { host: origin.host, connection: 'close' },
    signal,
  });
  const { promise, resolve, reject } = Promise.withResolvers<Answered>();
  ask.on('error', reject);
  ask.on('response', async (response) => {
    const middle = (before + Date.now()) / 2;
    let text = '';
    try {
      for await (const part of response) {
        text += String(part);
        if (text.length > 4096) break;
      }
    } catch (error) {
      return reject(error);
    }
    const told = Date.parse(response.headers.date ?? '');
    resolve({
      status: response.statusCode ?? 0,
      healthy: response.statusCode === 200 && /^\{"ok":true\}$/.test(text.trim()),
      // The header has whole seconds, rounded down.
      skewMs: Number.isNaN(told) ? undefined : told + 500 - middle,
    });
  });
  ask.end();
  return promise;
}

function opened<S extends Socket>(socket: S, signal: AbortSignal, event = 'connect'): Promise<S> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      socket.destroy();
      reject(new Error('Nothing answered in time.'));
    };
    signal.addEventListener('abort', stop, { once: true });
    const settle = (act: () => void) => {
      signal.removeEventListener('abort', stop);
      act();
    };
    socket.once(event, () => settle(() => resolve(socket)));
    socket.on('error', (error) => settle(() => reject(error)));
    socket.once('close', () => settle(() => reject(new Error('The connection was closed.'))));
    if (signal.aborted) stop();
  });
}
