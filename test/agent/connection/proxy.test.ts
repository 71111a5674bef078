import { readFile } from 'node:fs/promises';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { pino } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../../agent/clock.ts';
import { createVaultClient } from '../../../agent/connection/bulk.ts';
import { createBulkTransport } from '../../../agent/connection/bulk-transport.ts';
import { createConnection } from '../../../agent/connection/connection.ts';
import { enrol } from '../../../agent/connection/enrol.ts';
import { createPersistence } from '../../../agent/connection/persist.ts';
import { parseProxy, routeTo } from '../../../agent/connection/proxy.ts';
import { openSession } from '../../../agent/connection/session.ts';
import { ensureIdentity } from '../../../agent/identity.ts';
import { generateVaultKey } from '../../../protocol/vault/keys.ts';
import { temporaryState } from '../../support/agent-at-peer.ts';
import { type ConnectProxyOptions, startConnectProxy } from '../../support/connect-proxy.ts';
import { eventually } from '../../support/eventually.ts';
import { type Peer, startPeer } from '../../support/peer.ts';
import { freePort } from '../../support/ports.ts';
import { startTlsProxy } from '../../support/tls-proxy.ts';

/** A name that only the proxy resolves. */
const NAME = 'backups.homeport.test';
const URL_ = `https://${NAME}`;
const never = new AbortController().signal;
const log = pino({ level: 'silent' });

async function use<T extends AsyncDisposable>(made: Promise<T>): Promise<T> {
  const resource = await made;
  onTestFinished(() => resource[Symbol.asyncDispose]());
  return resource;
}

/** A control plane behind TLS, under a name that leads there by a proxy only. */
async function world(options: Omit<ConnectProxyOptions, 'resolve'> = {}) {
  const peer = await use(startPeer());
  const state = await use(temporaryState());
  const targetPort = Number(new URL(peer.url).port);
  const tls = await use(startTlsProxy({ host: '127.0.0.1', name: NAME, targetPort, directory: state.path }));
  const before = getCACertificates('default');
  setDefaultCACertificates([...before, await readFile(tls.certificateFile, 'utf8')]);
  onTestFinished(() => setDefaultCACertificates(before));
  const resolve = { [`${NAME}:443`]: { host: '127.0.0.1', port: tls.port } };
  const proxy = await use(startConnectProxy({ ...options, resolve }));
  return { peer, proxy, resolve, state: state.path };
}

const through = (url: string) => parseProxy({ url, source: 'HTTPS_PROXY' });
const failingWith = (code: string, words = '') =>
  expect.objectContaining({
    failure: expect.objectContaining({ code, message: expect.stringContaining(words) }),
  });

async function enrolThrough(url: string, peer: Peer, state: string) {
  const identity = await ensureIdentity(state);
  const proxy = through(url);
  const wish = { url: URL_, proxy, token: peer.token, name: 'db-1', identity, allowedKey: undefined };
  return { identity, proxy, pinned: await enrol(wish) };
}

test('enrolment, socket and bulk transfers all go through the proxy, with its login', async () => {
  const { peer, proxy: real, state } = await world({ login: 'us er:p@ss/w%rd' });
  const url = `http://us%20er:p%40ss%2Fw%25rd@127.0.0.1:${real.port}`;
  const { identity, pinned, proxy } = await enrolThrough(url, peer, state);
  const connection = createConnection({ pinned, identity, proxy, clock: systemClock, log });
  connection.start({ onConnected: () => {}, onLost: () => {}, onMessage: () => {}, onBeat: () => {} });
  onTestFinished(() => connection.stop());
  await connection.session(never);
  const transport = createBulkTransport(new URL(URL_), { proxy });
  onTestFinished(() => transport.close());
  const persist = createPersistence({
    connection,
    clock: systemClock,
    outageLimitMs: 60_000,
    onWaiting: () => {},
  });
  const vault = createVaultClient(peer.vault.id, transport, persist);
  const key = generateVaultKey();
  await vault.putKey(key.id, Buffer.alloc(700_000, 'k'), never);
  expect(peer.vault.store.keys.get(key.id)?.length).toBe(700_000);
  expect(real.bytesOut()).toBeGreaterThan(700_000);
  // One for both steps of the enrolment, one for the socket, one for the transfer.
  expect(real.opened).toEqual([`${NAME}:443`, `${NAME}:443`, `${NAME}:443`]);
  expect(real.refused).toEqual([]);
});

test('a proxy that breaks off its tunnels is connected through again', async () => {
  const { peer, proxy: real, state } = await world();
  const { identity, pinned, proxy } = await enrolThrough(`http://127.0.0.1:${real.port}`, peer, state);
  const connection = createConnection({ pinned, identity, proxy, clock: systemClock, log, random: () => 0 });
  connection.start({ onConnected: () => {}, onLost: () => {}, onMessage: () => {}, onBeat: () => {} });
  onTestFinished(() => connection.stop());
  const first = await connection.session(never);
  real.cut();
  await first.closed;
  const next = await eventually(
    'it is connected again',
    () => connection.live() !== first && connection.live(),
  );
  expect(next.bearer).not.toBe(first.bearer);
});

test('a proxy is talked to by TLS where its address says so', async () => {
  const { peer, resolve, state } = await world();
  const key = await readFile(`${state}/tls.key`);
  const cert = await readFile(`${state}/tls.crt`);
  const real = await use(startConnectProxy({ tls: { key, cert }, resolve }));
  const { pinned } = await enrolThrough(`https://127.0.0.1:${real.port}`, peer, state);
  expect(pinned.agentId).toBe(peer.agent.id);
});

test.for([
  ['wants a login', undefined, 'proxy_login_required', 'wants a login'],
  ['does not take the login', 'me:secret-word', 'proxy_login_required', 'does not accept'],
] as const)('a proxy that %s', async ([, login, code, words]) => {
  const { peer, proxy: real, state } = await world({ login: 'me:other' });
  const url = `http://${login ? `${login}@` : ''}127.0.0.1:${real.port}`;
  const error = await enrolThrough(url, peer, state).catch((thrown) => thrown);
  expect(error).toEqual(failingWith(code, words));
  expect(JSON.stringify(error.failure)).not.toContain('secret-word');
  expect(error.failure.hint).toContain('HTTPS_PROXY');
  expect(peer.paths).toEqual([]);
});

test.for([
  [403, false],
  [503, true],
] as const)('a proxy that refuses the tunnel with %d', async ([status, retryable]) => {
  const { peer, proxy: real, state } = await world();
  const { identity, pinned, proxy } = await enrolThrough(`http://127.0.0.1:${real.port}`, peer, state);
  real.refuseWith(status);
  const options = { pinned, identity, proxy, clock: systemClock, log, onMessage: () => {}, onBeat: () => {} };
  await expect(openSession(options, never)).rejects.toEqual(failingWith('proxy_refused', String(status)));
  await expect(openSession(options, never)).rejects.toMatchObject({ failure: { retryable } });
  const transport = createBulkTransport(new URL(URL_), { proxy });
  onTestFinished(() => transport.close());
  const wire = { method: 'GET', path: '/', headers: {}, body: [], replyLimit: 10, idleMs: 5_000 } as const;
  await expect(transport.exchange(wire, never)).rejects.toEqual(failingWith('proxy_refused'));
  // An agent may be refused for days: no socket may stay behind.
  await eventually('every connection is closed', () => real.connections() === 0);
});

test('a proxy that does not listen, and one that says nothing', async () => {
  const { peer, proxy: real, state } = await world();
  const { identity, pinned, proxy } = await enrolThrough(`http://127.0.0.1:${real.port}`, peer, state);
  const gone = `http://127.0.0.1:${await freePort()}`;
  await expect(enrolThrough(gone, peer, state)).rejects.toEqual(failingWith('proxy_unreachable', gone));
  real.fallSilent(true);
  const transport = createBulkTransport(new URL(URL_), { proxy });
  onTestFinished(() => transport.close());
  const wire = { method: 'GET', path: '/', headers: {}, body: [], replyLimit: 10, idleMs: 200 } as const;
  const options = { pinned, identity, proxy, clock: systemClock, log, onMessage: () => {}, onBeat: () => {} };
  await Promise.all([
    expect(transport.exchange(wire, never)).rejects.toEqual(failingWith('proxy_unreachable')),
    expect(openSession(options, never)).rejects.toEqual(failingWith('proxy_unreachable')),
    expect(enrolThrough(`http://127.0.0.1:${real.port}`, peer, state)).rejects.toEqual(
      failingWith('proxy_unreachable'),
    ),
  ]);
  await eventually('every connection is closed', () => real.connections() === 0);
});

test('what is no proxy at all', async () => {
  const { peer, state } = await world();
  const database = await use(startTalker());
  await expect(enrolThrough(`http://127.0.0.1:${database.port}`, peer, state)).rejects.toEqual(
    failingWith('proxy_refused', 'no HTTP proxy'),
  );
});

test('a control plane that does not prove itself is no matter of the proxy', async () => {
  const { peer, proxy: real, state } = await world();
  setDefaultCACertificates(getCACertificates('bundled'));
  await expect(enrolThrough(`http://127.0.0.1:${real.port}`, peer, state)).rejects.toEqual(
    failingWith('control_plane_unreachable', 'self-signed certificate'),
  );
});

/** Greets whoever connects, as servers of other protocols do. */
async function startTalker(): Promise<{ port: number } & AsyncDisposable> {
  const { createServer } = await import('node:net');
  const server = createServer((socket) =>
    socket
      .on('error', () => {})
      .resume()
      .end('220 hello there\r\n\r\n'),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

const settings = (url: string, except = '') => ({ url, except, source: 'HTTPS_PROXY', fromFile: false });

test.for([
  ['https://backups.example.org', 'http://proxy:3128', '', 'http://proxy:3128'],
  ['https://backups.example.org', 'proxy:3128', '', 'http://proxy:3128'],
  ['https://backups.example.org', ' http://me:secret@proxy:3128/ ', '', 'http://proxy:3128'],
  ['https://backups.example.org', 'https://[2001:db8::1]', '', 'https://[2001:db8::1]'],
  ['https://backups.example.org', '', '', undefined],
  ['https://backups.example.org', 'http://proxy:3128', 'other.example.org', 'http://proxy:3128'],
  ['https://backups.example.org', 'http://proxy:3128', 'example.org', undefined],
  ['http://127.0.0.1:7433', 'nonsense://', '', undefined],
  ['https://localhost:7433', 'http://proxy:3128', '', undefined],
  ['https://[::1]:7433', 'http://proxy:3128', '', undefined],
] as const)('to %s with proxy “%s” but for “%s” goes through %s', ([origin, url, except, expected]) => {
  const route = routeTo(new URL(origin), settings(url, except));
  expect(route.proxy?.shown).toBe(expected);
  expect(JSON.stringify(route)).not.toContain('secret');
});

test.for([
  'socks5://proxy:1080',
  'http://me:sec#ret@proxy:3128',
  'http://me:secret%zz@proxy:3128',
  'http://me:secret@proxy:3128/path',
  'http://',
  'me:secret',
])('“%s” is refused and not repeated', (url) => {
  const act = () => routeTo(new URL('https://backups.example.org'), settings(url));
  expect(act).toThrow(failingWith('invalid_input', 'HTTPS_PROXY'));
  try {
    act();
  } catch (error) {
    expect(JSON.stringify((error as { failure: unknown }).failure)).not.toMatch(/sec.?ret|socks5:\/\/proxy/);
  }
});
