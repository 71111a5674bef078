import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { discoverServers } from '../../../agent/discovery/discover.ts';
import { driverFor } from '../../../agent/engines/registry.ts';
import type { KnownServer } from '../../../protocol/messages.ts';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';

let tcp: TestPostgres;
let socketOnly: TestPostgres;
beforeAll(async () => {
  [tcp, socketOnly] = await Promise.all([
    startPostgres({ settings: { log_min_messages: 'debug1', listen_addresses: '*' } }),
    startPostgres({ settings: { listen_addresses: '' } }),
  ]);
});
afterAll(() => Promise.all([tcp?.stop(), socketOnly?.stop()]));

const never = () => new AbortController().signal;

function look(known: Pick<KnownServer, 'id' | 'connection'>[] = [], signal = never()) {
  const servers = { list: async () => known.map((one) => ({ ...one, name: 'n', engine: 'postgresql' })) };
  return discoverServers({ servers: servers as never, driverFor, around: undefined }, signal);
}

const at = (port: number) => (one: { port: number }) => one.port === port;

test('a server that listens everywhere is found once, on loopback, with its version', async () => {
  const { servers } = await look();
  expect(servers.filter(at(tcp.port))).toEqual([
    {
      engine: 'postgresql',
      version: String(tcp.major),
      host: '127.0.0.1',
      port: tcp.port,
      source: 'tcp',
      serverId: null,
    },
  ]);
});

test('the server logs nothing of it, not even to a debugger', async () => {
  const before = await tcp.log();
  await look();
  expect(await tcp.log()).toBe(before);
});

test('one with a unix socket alone is found by its directory', async () => {
  const { servers } = await look();
  expect(servers.filter(at(socketOnly.port))).toMatchObject([
    { source: 'socket', host: socketOnly.directory, version: String(socketOnly.major) },
  ]);
});

test('one that the agent has already says so, by whatever address it was added', async () => {
  for (const host of ['localhost', '127.0.0.1', '::1', tcp.directory]) {
    const id = randomUUID();
    const { servers } = await look([{ id, connection: { host, port: tcp.port } }]);
    expect(servers.find(at(tcp.port)), host).toMatchObject({ serverId: id });
    expect(servers.find(at(socketOnly.port)), host).toMatchObject({ serverId: null });
  }
});

test('strangers on usual ports that say nothing, or nonsense, cost little time', async () => {
  const strangers = [
    await listenOnUsualPort(() => {}),
    await listenOnUsualPort((socket) => socket.end('HTTP/1.1')),
  ];
  try {
    const started = performance.now();
    const { servers } = await look();
    expect(performance.now() - started).toBeLessThan(3_000);
    for (const { port } of strangers) expect(servers.filter(at(port))).toEqual([]);
    expect(servers.filter(at(tcp.port))).toHaveLength(1);
  } finally {
    for (const { server } of strangers) server.close();
  }
});

test('whoever asked no longer waiting ends it', async () => {
  await expect(look([], AbortSignal.abort())).rejects.toThrow();
});

/** The first port that is free among those that are looked at whoever listens there. */
async function listenOnUsualPort(
  onConnection: (socket: import('node:net').Socket) => void,
): Promise<{ server: Server; port: number }> {
  for (const port of driverFor('postgresql').traces?.ports ?? []) {
    const server = createServer((socket) => {
      socket.on('error', () => {}); // the agent hangs up
      onConnection(socket);
    });
    const listening = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true));
    });
    if (listening) return { server, port };
  }
  throw new Error('All usual ports are taken.');
}
