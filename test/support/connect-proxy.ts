import { createServer, type IncomingMessage } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createConnection, type Socket } from 'node:net';

export interface ConnectProxyOptions {
  /** Address to listen on; loopback where absent. */
  host?: string;
  /** Wanted as `user:password`, by Basic authentication; nothing is wanted where absent. */
  login?: string;
  /** Where tunnels to these `host:port` really end; others end where they say. */
  resolve?: Record<string, { host: string; port: number }>;
  /** PEM of key and certificate: the proxy itself is then talked to by TLS. */
  tls?: { key: Buffer; cert: Buffer };
}

/** An HTTP proxy that opens tunnels and nothing else, as a company has one between its hosts and the world. */
export interface ConnectProxy extends AsyncDisposable {
  readonly port: number;
  /** `host:port` of every tunnel that was opened, in order. */
  readonly opened: string[];
  /** Status of every request that was refused. */
  readonly refused: number[];
  /** Live connections from clients right now. */
  connections(): number;
  /** Bytes that went into tunnels so far. */
  bytesOut(): number;
  /** Refuses every request with this status until told `undefined`; live tunnels stay. */
  refuseWith(status: number | undefined): void;
  /** Takes connections and says nothing until told otherwise. */
  fallSilent(silent: boolean): void;
  /** Breaks every live tunnel. */
  cut(): void;
}

export async function startConnectProxy(options: ConnectProxyOptions = {}): Promise<ConnectProxy> {
  const opened: string[] = [];
  const refused: number[] = [];
  const live = new Set<Socket>();
  const mood: { status: number | undefined; silent: boolean } = { status: undefined, silent: false };
  let bytes = 0;
  const server = options.tls ? createTlsServer(options.tls) : createServer();
  server.on('connection', (socket: Socket) => {
    live.add(socket);
    socket.on('error', () => undefined).on('close', () => live.delete(socket));
  });
  const refuse = (socket: Socket, status: number) => {
    refused.push(status);
    const challenge = status === 407 ? 'proxy-authenticate: Basic realm="test"\r\n' : '';
    socket.end(`HTTP/1.1 ${status} No\r\n${challenge}content-length: 0\r\n\r\n`);
  };
  server.on('connect', (request: IncomingMessage, client: Socket, head: Buffer) => {
    client.on('error', () => undefined);
    // Reads on, to see it hang up.
    if (mood.silent) return void client.resume().on('end', () => client.end());
    if (mood.status !== undefined) return refuse(client, mood.status);
    const wanted = options.login && `Basic ${Buffer.from(options.login).toString('base64')}`;
    if (wanted && request.headers['proxy-authorization'] !== wanted) return refuse(client, 407);
    const name = request.url ?? '';
    const at = name.lastIndexOf(':');
    const said = { host: name.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(name.slice(at + 1)) };
    const target = createConnection(options.resolve?.[name] ?? said);
    target.once('error', () => (target.connecting ? refuse(client, 502) : client.destroy()));
    target.once('connect', () => {
      opened.push(name);
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      target.write(head);
      client.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
      client.pipe(target).pipe(client);
      client.on('close', () => target.destroy());
      target.on('error', () => client.destroy()).on('close', () => client.destroy());
    });
  });
  await new Promise<void>((resolve, reject) =>
    server.once('error', reject).listen(0, options.host ?? '127.0.0.1', () => resolve()),
  );
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    opened,
    refused,
    connections: () => live.size,
    bytesOut: () => bytes,
    refuseWith: (status) => {
      mood.status = status;
    },
    fallSilent: (silent) => {
      mood.silent = silent;
    },
    cut: () => {
      for (const socket of live) socket.destroy();
    },
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of live) socket.destroy();
      }),
  };
}
