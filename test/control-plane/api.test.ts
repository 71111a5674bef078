import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startWorld, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

const owner = { name: 'Ada', email: 'ada@example.org', password: 'correct horse' };

function post(path: string, body: unknown, headers: Record<string, string> = {}) {
  return fetch(`${world.api.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}

const failureOf = async (response: Response) =>
  ((await response.json()) as { error: { code: string; message: string } }).error;
const cookieOf = (response: Response) =>
  response.headers
    .getSetCookie()
    .map((cookie) => cookie.split(';')[0])
    .join('; ');

describe('set-up', () => {
  test('of two that race with one link one becomes the owner; afterwards the door is shut', async () => {
    expect(await (await fetch(`${world.api.url}/api/v1/setup`)).json()).toEqual({ needed: true });
    const stale = world.setupToken();
    const token = world.setupToken();
    expect((await post('/api/v1/setup', { ...owner, token: stale })).status).toBe(403);
    const tries = await Promise.all([
      post('/api/v1/setup', { ...owner, token }),
      post('/api/v1/setup', { ...owner, email: 'eve@example.org', token }),
    ]);
    expect(tries.map(({ status }) => status).sort()).toEqual([201, 409]);
    const won = tries.find(({ status }) => status === 201) as Response;
    const me = await fetch(`${world.api.url}/api/v1/me`, { headers: { cookie: cookieOf(won) } });
    expect(await me.json()).toMatchObject({ user: { name: 'Ada' }, controlPlane: { url: world.url } });
    expect(await (await fetch(`${world.api.url}/api/v1/setup`)).json()).toEqual({ needed: false });
    expect((await post('/api/auth/sign-up/email', owner)).status).toBe(404);
  });
});

describe('sessions', () => {
  let cookie: string;
  beforeAll(async () => {
    const users = world.db.$client.prepare('SELECT email FROM user').all() as { email: string }[];
    const signIn = { email: String(users[0]?.email), password: owner.password };
    const response = await post('/api/auth/sign-in/email', signIn, { origin: world.url });
    expect(response.status).toBe(200);
    expect(response.headers.getSetCookie()[0]).toMatch(/HttpOnly.*SameSite=Lax/i);
    cookie = cookieOf(response);
  });

  test.for([
    ['another site', 'https://evil.example', 403],
    ['a look-alike', 'http://127.0.0.1.evil.example', 403],
    ['nowhere', undefined, 403],
    ['our own page', 'own', 201],
  ] as const)('a change asked for from %s', async ([, origin, status]) => {
    const from = origin === 'own' ? world.url : origin;
    const headers = { cookie, ...(from === undefined ? {} : { origin: from }) };
    expect((await post('/api/v1/enrolment-tokens', {}, headers)).status).toBe(status);
  });

  test('guessing passwords is slowed down, however the guesser calls himself', async () => {
    const statuses: number[] = [];
    for (let n = 0; n < 12; n += 1) {
      const guess = { email: owner.email, password: `guess ${n}` };
      const headers = { origin: world.url, 'x-homeport-client': `10.0.0.${n}` };
      statuses.push((await post('/api/auth/sign-in/email', guess, headers)).status);
    }
    expect(statuses.at(-1)).toBe(429);
    const log = await world.api.get<{ action: string }[]>('/audit?limit=500');
    expect(log.filter(({ action }) => action === 'user.sign-in-refused').length).toBeGreaterThan(3);
  });
});

describe('API keys', () => {
  test('are shown once, work, and stop working when revoked', async () => {
    const made = await world.api.post<{ id: string; key: string }>('/api-keys', {
      name: 'ci',
      expiresInDays: 1,
    });
    expect(made.key).toMatch(/^hp_/);
    const listed = await world.api.get<{ id: string }[]>('/api-keys');
    expect(JSON.stringify(listed)).not.toContain(made.key);
    const use = () =>
      fetch(`${world.api.url}/api/v1/me`, { headers: { authorization: `Bearer ${made.key}` } });
    expect((await use()).status).toBe(200);
    await world.api.delete(`/api-keys/${made.id}`);
    expect((await use()).status).toBe(401);
  });

  test('nothing is served without one', async () => {
    for (const path of ['/agents', '/snapshots', '/audit', '/events', '/no-such-thing']) {
      const response = await fetch(`${world.api.url}/api/v1${path}`);
      expect([path, response.status, (await failureOf(response)).code]).toEqual([path, 401, 'unauthorized']);
    }
  });
});

describe('bad input', () => {
  const auth = () => ({ authorization: `Bearer ${world.api.key}` });

  test('a field that is wrong is named', async () => {
    const response = await post('/api/v1/enrolment-tokens', { expiresInMinutes: 0 }, auth());
    expect(response.status).toBe(400);
    expect(await failureOf(response)).toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining('expiresInMinutes'),
    });
  });

  test('what is no JSON is invalid input, not a crash', async () => {
    const response = await post('/api/v1/enrolment-tokens', '{"name":', auth());
    expect([response.status, (await failureOf(response)).code]).toEqual([400, 'invalid_input']);
  });

  test('a body beyond the limit is refused', async () => {
    const body = { name: 'x'.repeat(600 * 1024) };
    const response = await post('/api/v1/enrolment-tokens', body, auth());
    expect([response.status, (await failureOf(response)).code]).toEqual([413, 'message_too_large']);
  });

  test('a body that does not say its length is read up to the limit', async () => {
    const send = (text: string) =>
      fetch(`${world.api.url}/api/v1/enrolment-tokens`, {
        method: 'POST',
        headers: { ...auth(), 'content-type': 'application/json' },
        body: new Blob([text]).stream(),
        duplex: 'half',
      } as RequestInit);
    expect((await send('{"name":"in pieces"}')).status).toBe(201);
    expect((await send(JSON.stringify({ name: 'x'.repeat(600 * 1024) }))).status).toBe(413);
  });

  test('things that do not exist', async () => {
    const id = randomUUID();
    for (const path of [
      `/agents/${id}`,
      `/servers/${id}`,
      `/databases/${id}`,
      `/jobs/${id}`,
      `/snapshots/${id}`,
    ]) {
      await expect(world.api.get(path)).rejects.toMatchObject({
        status: 404,
        failure: { code: 'not_found' },
      });
    }
    await expect(world.api.post(`/jobs/${id}/cancel`)).rejects.toMatchObject({ status: 404 });
    await expect(world.api.post(`/databases/${id}/backup`)).rejects.toMatchObject({ status: 404 });
  });

  test('an agent that is away is said to be away', async () => {
    const question = { agentId: randomUUID(), serverId: randomUUID() };
    await expect(world.api.post('/servers/probe', question)).rejects.toMatchObject({
      status: 503,
      failure: { code: 'agent_offline' },
    });
  });
});

describe('the audit log', () => {
  test('names who did what, and nothing can change it', async () => {
    await world.api.post('/enrolment-tokens', { name: 'audited' });
    const [entry] = await world.api.get<unknown[]>('/audit?limit=1');
    expect(entry).toMatchObject({
      actor: { kind: 'api-key', name: 'tests' },
      action: 'enrolment-token.create',
      target: { kind: 'enrolment-token', name: 'audited' },
      from: '127.0.0.1',
    });
    expect(() => world.db.$client.exec('DELETE FROM audit_log')).toThrow(/append-only/);
    expect(() => world.db.$client.exec("UPDATE audit_log SET action = 'x'")).toThrow(/append-only/);
  });
});

describe('events', () => {
  test('tell what changed as it changes', async () => {
    const stop = new AbortController();
    const response = await fetch(`${world.api.url}/api/v1/events`, {
      headers: { authorization: `Bearer ${world.api.key}` },
      signal: stop.signal,
    });
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    const reader = (response.body as ReadableStream<Uint8Array<ArrayBuffer>>)
      .pipeThrough(new TextDecoderStream())
      .getReader();
    expect((await reader.read()).value).toContain('connected');
    await world.api.post('/enrolment-tokens', {});
    expect((await reader.read()).value).toBe('event: change\ndata: {"topic":"agents"}\n\n');
    stop.abort();
  });
});

test('pages come with a strict policy and no inline script', async () => {
  const response = await fetch(`${world.api.url}/`);
  expect(response.headers.get('content-security-policy')).toContain("script-src 'self';");
  expect(response.headers.get('x-frame-options')).toBe('DENY');
});
