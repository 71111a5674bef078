import { randomBytes, randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ACCESS } from '../../control-plane/auth/access.ts';
import { AUTH_PATHS } from '../../control-plane/http/auth-paths.ts';
import { ownerAt } from '../control-plane/owner.ts';
import { startWorld, type World } from '../control-plane/world.ts';

let world: World;
let ada: Awaited<ReturnType<typeof ownerAt>>;
beforeAll(async () => {
  world = await startWorld();
  ada = await ownerAt(world);
});
afterAll(() => world[Symbol.asyncDispose]());

/** Origins that are not the control plane's own, some of which look like it. */
function strangers(): string[] {
  const { host, hostname, port } = new URL(world.url);
  return [
    ...['null', '', 'https://evil.example', 'http://localhost', `https://localhost:${port}`],
    ...[`http://${hostname}`, `http://${hostname}:${Number(port) + 1}`, `https://${host}`],
    ...[`http://${host}.evil.example`, `http://${host}@evil.example`, `http://evil.example/${host}`],
    ...[`${world.url}/`, `${world.url} http://evil.example`, `HTTP://${host}`, host],
  ];
}

/** Status line of the answer to an upgrade with these header lines, on a socket of its own. */
async function upgraded(lines: string[], path = '/agent/v1/connect'): Promise<string> {
  const { hostname, port } = new URL(world.api.url);
  const socket = connect(Number(port), hostname);
  const key = randomBytes(16).toString('base64');
  const head = ['connection: upgrade', 'upgrade: websocket', 'sec-websocket-version: 13'];
  const host = lines.some((line) => line.startsWith('host:')) ? [] : [`host: ${new URL(world.url).host}`];
  socket.write(
    [`GET ${path} HTTP/1.1`, ...host, ...head, `sec-websocket-key: ${key}`, ...lines, '', ''].join('\r\n'),
  );
  const line = new Promise<string>((resolve, reject) => {
    socket.once('error', reject).once('data', (data) => resolve(data.toString().split('\r\n')[0] ?? ''));
  });
  return line.finally(() => socket.destroy());
}

describe('an upgrade to a WebSocket', () => {
  test('is for agents, which send no Origin, whatever host they know the control plane by', async () => {
    expect(await upgraded([])).toBe('HTTP/1.1 101 Switching Protocols');
    expect(await upgraded(['host: behind-a-proxy.example'])).toBe('HTTP/1.1 101 Switching Protocols');
  });

  test('is refused to every web page, its own included', async () => {
    for (const origin of [world.url, ...strangers()])
      expect([origin, await upgraded([`origin: ${origin}`])]).toEqual([origin, 'HTTP/1.1 403 Forbidden']);
  });

  test('is refused with two origins, and with a host that agrees with a foreign one', async () => {
    expect(await upgraded([`origin: ${world.url}`, 'origin: http://evil.example'])).toContain('403');
    expect(await upgraded(['host: evil.example', 'origin: http://evil.example'])).toContain('403');
    expect(await upgraded([`ORIGIN: ${world.url}`])).toContain('403');
    // As browsers before 2012 called it.
    expect(await upgraded([`sec-websocket-origin: ${world.url}`])).toContain('403');
  });

  test('is served at one path only', async () => {
    for (const path of ['/', '/api/v1/events', '/agent/v1/connect/', '/agent/v1', '//agent/v1/connect'])
      expect([path, await upgraded([], path)]).toEqual([path, 'HTTP/1.1 404 Not Found']);
    expect(await upgraded([`cookie: ${ada.jar.cookie}`], '/api/v1/events')).toContain('404');
  });

  test('leaves the connection of a refused page closed', async () => {
    const { hostname, port } = new URL(world.api.url);
    const socket = connect(Number(port), hostname);
    const head = ['GET /agent/v1/connect HTTP/1.1', 'host: x', 'connection: upgrade', 'upgrade: websocket'];
    socket.write([...head, 'origin: null', '', ''].join('\r\n'));
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 403 Forbidden\r\nconnection: close\r\n/);
  });
});

/** A request that changes something, by the session cookie alone. */
function write(method: string, path: string, origin: string | undefined, body = {}): Promise<Response> {
  const headers = { 'content-type': 'application/json', cookie: ada.jar.cookie };
  return fetch(`${world.api.url}${path}`, {
    method,
    headers: origin === undefined ? headers : { ...headers, origin },
    body: JSON.stringify(body),
  });
}

/** What any of the routes of signing in wants. */
const AUTH_BODY = {
  ...{
    email: 'ada@example.org',
    password: 'a guess',
    currentPassword: 'a guess',
    newPassword: 'long enough',
  },
  ...{ code: '000000', name: 'x', response: { id: 'x', response: {} } },
};

const WRITES = Object.keys(ACCESS)
  .filter((route) => !route.startsWith('GET '))
  .map((route) => route.replace(':id', randomUUID()).split(' ') as [string, string]);

describe('a request that changes something by a cookie', () => {
  test('is refused from every origin but our own, on every route', async () => {
    expect(WRITES.length).toBeGreaterThan(30);
    for (const [method, path] of WRITES)
      for (const origin of [undefined, 'null', 'https://evil.example', `${world.url}.evil.example`]) {
        const response = await write(method, `/api/v1${path}`, origin);
        expect([path, origin, response.status]).toEqual([path, origin, 403]);
        expect((await response.json()).error.message).toMatch(/^Requests from .* are not accepted\.$/);
      }
  });

  test('is refused from origins that look like our own', async () => {
    for (const origin of strangers()) {
      const response = await write('DELETE', '/api/v1/me/sessions', origin);
      expect([origin, response.status]).toEqual([origin, 403]);
    }
    for (const own of [world.url, world.url.replace('127.0.0.1', 'localhost')])
      expect((await write('DELETE', '/api/v1/me/sessions', own)).status).toBe(200);
  });

  test('is refused wherever people sign in and out, once it is well-formed', async () => {
    for (const path of Object.keys(AUTH_PATHS))
      for (const origin of [undefined, ...strangers()]) {
        const response = await write('POST', `/api/auth${path}`, origin, AUTH_BODY);
        expect([path, origin, response.status]).toEqual([path, origin, 403]);
      }
    expect((await ada.send('GET', '/api/v1/me')).status).toBe(200);
  });

  test('is refused where an account is made', async () => {
    for (const [path, body] of [
      ['/setup', { token: 'x', name: 'x', email: 'x@example.org', password: 'long enough' }],
      ['/links/accept', { token: 'x', password: 'long enough' }],
    ] as const)
      for (const origin of strangers().filter(Boolean)) {
        const headers = { 'content-type': 'application/json', origin };
        const asked = { method: 'POST', headers, body: JSON.stringify(body) };
        const response = await fetch(`${world.api.url}/api/v1${path}`, asked);
        expect((await response.json()).error.message, origin).toMatch(/^Requests from/);
      }
  });
});
