import http from 'node:http';
import https from 'node:https';
import type { LookupFunction } from 'node:net';
import type { OutgoingProxy } from './proxy.ts';
import { proxyFailure } from './proxy-failures.ts';

/** Sockets to the control plane's bulk endpoints, all jobs together. */
const MAX_SOCKETS = 16;

export interface WireRequest {
  method: 'GET' | 'POST' | 'PUT';
  /** Request target: path and query. */
  path: string;
  headers: Record<string, string>;
  body: readonly Uint8Array[];
  /** Largest reply accepted, in bytes. */
  replyLimit: number;
  /** Milliseconds without a byte either way after which the other side counts as gone. */
  idleMs: number;
}

export interface WireReply {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: Buffer;
}

/** HTTP to one origin with connections that are kept and reused. */
export interface BulkTransport {
  /** One exchange; rejects where it did not complete, with a FailureError where the proxy is why. */
  exchange(request: WireRequest, signal: AbortSignal): Promise<WireReply>;
  close(): void;
}

/** The way to an origin: directly, with names looked up as the system does, where nothing is said. */
export interface Way {
  proxy?: OutgoingProxy | undefined;
  /** How names are looked up; with a proxy, that of the proxy alone. */
  lookup?: LookupFunction;
}

export function createBulkTransport(origin: URL, { lookup, proxy }: Way = {}): BulkTransport {
  const { request: open, Agent } = origin.protocol === 'https:' ? https : http;
  const way = { ...(lookup ? { lookup } : {}), ...proxy?.agentOptions() };
  const agent = new Agent({ keepAlive: true, maxSockets: MAX_SOCKETS, ...way });
  return {
    exchange(wire, signal) {
      const length = wire.body.reduce((sum, part) => sum + part.length, 0);
      const headers = { ...wire.headers, ...(wire.method === 'GET' ? {} : { 'content-length': length }) };
      const url = new URL(wire.path, origin);
      return new Promise((resolve, reject) => {
        // As an option, since a proxy that says nothing is met before there is a socket to watch.
        const options = { method: wire.method, headers, agent, signal, timeout: wire.idleMs };
        const request = open(url, options, (response) => {
          collect(response, wire.replyLimit).then(
            (body) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
            reject,
          );
        });
        request.on('timeout', () => request.destroy(new Error(`${origin.host} went silent.`)));
        // After an answer this changes nothing: a server may refuse before it has read the body.
        request.on('error', (error) => reject((proxy && proxyFailure(error, proxy)) ?? error));
        send(request, wire.body);
      });
    },
    close: () => agent.destroy(),
  };
}

/** The parts are in memory already, so they are handed to the socket as they are, without joining them. */
function send(request: http.ClientRequest, parts: readonly Uint8Array[]): void {
  request.cork();
  for (const part of parts) request.write(part);
  request.end();
  request.uncork();
}

async function collect(response: http.IncomingMessage, limit: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of response as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > limit) {
      response.destroy();
      throw new Error(`More came than the ${limit} bytes that were asked for.`);
    }
    parts.push(part);
  }
  return parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts, length);
}
