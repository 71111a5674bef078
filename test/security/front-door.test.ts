import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cookieOf, owner } from '../control-plane/owner.ts';
import { startWorld, type World } from '../control-plane/world.ts';

const PUBLIC = 'https://backups.example.org';

/** A control plane that people reach by HTTPS, through a proxy, and its owner’s browser. */
let world: World;
let cookie: string;
let setUp: Response;
beforeAll(async () => {
  world = await startWorld({ HOMEPORT_URL: PUBLIC, HOMEPORT_TRUSTED_PROXY: 'none' });
  setUp = await ask('POST', '/api/v1/setup', { ...owner, token: world.setupToken() });
  cookie = cookieOf(setUp);
});
afterAll(() => world[Symbol.asyncDispose]());

/** What whoever is between a client and the control plane may say of the client, and clients of themselves. */
const LIES = {
  'x-forwarded-for': '203.0.113.7',
  'x-forwarded-host': 'evil.example',
  'x-forwarded-proto': 'http',
  'x-forwarded-port': '80',
  'x-real-ip': '203.0.113.7',
  forwarded: 'for=203.0.113.7;host=evil.example;proto=http',
};

function ask(method: string, path: string, body?: object, headers: Record<string, string> = {}) {
  return fetch(`${world.api.url}${path}`, {
    method,
    headers: { origin: PUBLIC, ...(body ? { 'content-type': 'application/json' } : {}), ...headers },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
}
const asAda = (method: string, path: string, body?: object, headers: Record<string, string> = {}) =>
  ask(method, path, body, { cookie, ...headers });

/** An answer as it is on the wire, to a request with this Host. */
async function wire(host: string, path: string): Promise<string> {
  const { hostname, port } = new URL(world.api.url);
  const socket = connect(Number(port), hostname);
  const lines = [`GET ${path} HTTP/1.1`, `host: ${host}`, `cookie: ${cookie}`, 'connection: close', '', ''];
  socket.write(lines.join('\r\n'));
  return text(socket);
}

describe('behind a proxy that ends TLS', () => {
  test('a session’s cookie is for HTTPS and scripts cannot read it', () => {
    const session = setUp.headers.getSetCookie().find((line) => line.includes('session_token'));
    expect(session).toMatch(/^__Secure-homeport\.session_token=/);
    for (const attribute of ['HttpOnly', 'Secure', 'SameSite=Lax', 'Path=/'])
      expect(session?.split('; ')).toContain(attribute);
    expect(session).not.toMatch(/Domain=/i);
  });

  test('what is said of scheme and host changes no link, no cookie and no check of the Origin', async () => {
    const made = await asAda('POST', '/api/v1/enrolment-tokens', {}, LIES);
    const token = (await made.json()) as { url: string; command: string };
    expect(token.url).toBe(PUBLIC);
    const invited = await asAda('POST', '/api/v1/invitations', { standing: { role: 'viewer' } }, LIES);
    const { url } = (await invited.json()) as { url: string };
    expect(url).toMatch(/^https:\/\/backups\.example\.org\/join#/);
    expect(token.command + url).not.toContain('evil');
    const credentials = { email: owner.email, password: owner.password };
    const signedIn = await ask('POST', '/api/auth/sign-in/email', credentials, LIES);
    expect(signedIn.headers.get('set-cookie')).toMatch(/^__Secure-.*; Secure/);
    for (const origin of ['http://evil.example', 'https://evil.example', world.api.url]) {
      const refused = await asAda('DELETE', '/api/v1/me/sessions', undefined, { ...LIES, origin });
      expect([origin, refused.status]).toEqual([origin, 403]);
    }
  });

  test('a foreign Host gets the same', async () => {
    const me = await wire('evil.example', '/api/v1/me');
    expect(me).toMatch(/^HTTP\/1\.1 200 OK/);
    expect(me).toContain(PUBLIC);
    const document = await wire('evil.example', '/api/v1/openapi.json');
    expect(document).toContain(`"servers":[{"url":"${PUBLIC}/api/v1"}]`);
    expect(me + document).not.toContain('evil');
  });

  test('who is no configured proxy is not believed about the client’s address', async () => {
    await ask('POST', '/api/auth/sign-in/email', { email: owner.email, password: 'a guess' }, LIES);
    const entries = await world.api.get<{ action: string; from: string }[]>('/audit?limit=500');
    expect(entries.some(({ action }) => action === 'user.sign-in-refused')).toBe(true);
    expect([...new Set(entries.map(({ from }) => from))]).toEqual(['127.0.0.1']);
    const sessions = await (await asAda('GET', '/api/v1/me/sessions')).json();
    expect(JSON.stringify(sessions)).not.toContain('203.0.113.7');
  });

  test('guesses are throttled, whatever address they say they come from', async () => {
    const guess = (n: number) =>
      ask(
        'POST',
        '/api/auth/sign-in/email',
        { email: owner.email, password: `guess ${n}` },
        {
          ...LIES,
          'x-forwarded-for': `203.0.113.${n}`,
        },
      );
    const statuses: number[] = [];
    for (let n = 0; n < 12; n += 1) statuses.push((await guess(n)).status);
    expect(statuses.at(-1)).toBe(429);
  });
});

describe('every answer', () => {
  const KINDS: [what: string, status: number, answer: () => Promise<Response>][] = [
    ['the page', 200, () => ask('GET', '/')],
    ['a page that is not there', 404, () => ask('GET', '/assets/nothing.js')],
    ['health', 200, () => ask('GET', '/healthz')],
    ['JSON', 200, () => asAda('GET', '/api/v1/me')],
    ['a refusal for want of a session', 401, () => ask('GET', '/api/v1/me')],
    [
      'a refusal by the Origin',
      403,
      () => asAda('DELETE', '/api/v1/me/sessions', undefined, { origin: 'null' }),
    ],
    ['what is not there', 404, () => asAda('GET', `/api/v1/agents/${randomUUID()}`)],
    ['malformed input', 400, () => asAda('POST', '/api/v1/databases', {})],
    ['a body that is too large', 413, () => asAda('POST', '/api/v1/databases', { x: 'x'.repeat(600_000) })],
    [
      'a sign-in that is too large',
      413,
      () => ask('POST', '/api/auth/sign-in/email', { x: 'x'.repeat(20_000) }),
    ],
    ['a refused sign-in', 400, () => ask('POST', '/api/auth/sign-in/email', {})],
    ['the export', 200, () => asAda('GET', '/api/v1/audit/export')],
    ['the script for hosts', 404, () => ask('GET', '/install.sh')],
    [
      'a preflight of another site',
      401,
      () => ask('OPTIONS', '/api/v1/me', undefined, { origin: 'https://evil.example' }),
    ],
  ];

  test.for(KINDS)('has the headers that keep browsers strict: %s', async ([, status, answer]) => {
    const response = await answer();
    await response.arrayBuffer();
    const sent = Object.fromEntries(response.headers);
    expect(response.status).toBe(status);
    expect(sent).toMatchObject({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'strict-transport-security': 'max-age=31536000',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'permissions-policy': 'camera=(), microphone=(), geolocation=()',
    });
    const policy = sent['content-security-policy'] ?? '';
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
    expect(policy).not.toMatch(/unsafe|\*|https?:/);
    for (const name of ['access-control-allow-origin', 'server', 'x-powered-by'])
      expect(sent[name]).toBeUndefined();
  });

  test('of the API is kept by no cache', async () => {
    for (const path of ['/api/v1/me', '/api/v1/users', `/api/v1/agents/${randomUUID()}`])
      expect((await asAda('GET', path)).headers.get('cache-control')).toBe('no-store');
    expect((await ask('GET', '/api/v1/me')).headers.get('cache-control')).toBe('no-store');
  });
});
