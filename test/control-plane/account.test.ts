import { beforeEach, describe, expect, test } from 'vitest';
import { totpOf } from '../support/totp.ts';
import { startWorld, type World } from './world.ts';

let world: World;
let cookie: string;
const owner = { name: 'Ada', email: 'ada@example.org', password: 'correct horse' };

beforeEach(async () => {
  world = await startWorld();
  const made = await post('/api/v1/setup', { ...owner, token: world.setupToken() });
  cookie = cookieOf(made);
  return () => world[Symbol.asyncDispose]();
});

function send(method: string, path: string, body?: unknown, jar = cookie) {
  return fetch(`${world.api.url}${path}`, {
    method,
    headers: { 'content-type': 'application/json', origin: world.url, ...(jar ? { cookie: jar } : {}) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}
const post = (path: string, body: unknown, jar = '') => send('POST', path, body, jar);
const signIn = (password = owner.password, jar = '') =>
  post('/api/auth/sign-in/email', { email: owner.email, password }, jar);
const cookieOf = (response: Response) =>
  response.headers
    .getSetCookie()
    .map((text) => text.split(';')[0])
    .filter((pair) => !pair?.endsWith('='))
    .join('; ');
const actions = async () =>
  (await world.api.get<{ action: string }[]>('/audit?limit=500')).map(({ action }) => action);

const codeFor = (uri: string) => totpOf(new URL(uri).searchParams.get('secret') ?? '');

/** Turns the second factor on; gives its address and the backup codes. */
async function withSecondFactor() {
  const enabled = await post('/api/auth/two-factor/enable', { password: owner.password }, cookie);
  const { backupCodes, totpURI } = (await enabled.json()) as { totpURI: string; backupCodes: string[] };
  const verified = await post('/api/auth/two-factor/verify-totp', { code: codeFor(totpURI) }, cookie);
  expect(verified.status).toBe(200);
  cookie = cookieOf(verified) || cookie;
  return { totpURI, backupCodes };
}

describe('a second factor', () => {
  test('is asked for from then on; without it nothing is served', async () => {
    const { totpURI } = await withSecondFactor();
    const first = await signIn();
    expect(await first.json()).toMatchObject({ twoFactorRedirect: true });
    const pending = cookieOf(first);
    expect((await send('GET', '/api/v1/me', undefined, pending)).status).toBe(401);
    expect((await post('/api/auth/two-factor/verify-totp', { code: '000000' }, pending)).status).toBe(401);
    const second = await post('/api/auth/two-factor/verify-totp', { code: codeFor(totpURI) }, pending);
    expect(second.status).toBe(200);
    const me = await send('GET', '/api/v1/me', undefined, cookieOf(second));
    expect(await me.json()).toMatchObject({ user: { name: 'Ada', twoFactor: true } });
    expect(await actions()).toEqual(
      expect.arrayContaining(['user.enable-two-factor', 'user.sign-in', 'user.sign-in-refused']),
    );
  });

  test('a backup code does once where the app is lost', async () => {
    const { backupCodes } = await withSecondFactor();
    const use = async (code: string | undefined) =>
      (await post('/api/auth/two-factor/verify-backup-code', { code }, cookieOf(await signIn()))).status;
    expect(await use(backupCodes[0])).toBe(200);
    expect(await use(backupCodes[0])).toBe(401);
    expect(await use(backupCodes[1])).toBe(200);
  });

  test('guesses at codes are stopped', async () => {
    await withSecondFactor();
    const pending = cookieOf(await signIn());
    const statuses: number[] = [];
    for (let n = 0; n < 12; n += 1) {
      const guess = await post(
        '/api/auth/two-factor/verify-totp',
        { code: String(n).padStart(6, '0') },
        pending,
      );
      statuses.push(guess.status);
    }
    expect(statuses).not.toContain(200);
    expect(statuses.at(-1)).not.toBe(401);
  });

  test('is taken away by its owner’s password, and by a recovery link', async () => {
    await withSecondFactor();
    const disable = (password: string) => post('/api/auth/two-factor/disable', { password }, cookie);
    expect((await disable('wrong horse')).status).toBe(400);
    const disabled = await disable(owner.password);
    expect(disabled.status).toBe(200);
    expect(await (await signIn()).json()).not.toHaveProperty('twoFactorRedirect');
    cookie = cookieOf(disabled);
    await withSecondFactor();
    const [user] = await world.api.get<{ id: string }[]>('/users');
    const { url } = await world.api.post<{ url: string }>(`/users/${user?.id}/recovery-link`);
    const token = new URL(url).hash.slice(1);
    expect((await post('/api/v1/links/accept', { token, password: 'another horse' })).status).toBe(201);
    expect(await (await signIn('another horse')).json()).not.toHaveProperty('twoFactorRedirect');
  });
});

describe('what would go around the second factor does not', () => {
  test('no device is trusted', async () => {
    const { totpURI } = await withSecondFactor();
    const pending = cookieOf(await signIn());
    const body = { code: codeFor(totpURI), trustDevice: true };
    const done = await post('/api/auth/two-factor/verify-totp', body, pending);
    expect(done.headers.getSetCookie().join()).not.toContain('trust_device');
    const jar = cookieOf(done);
    expect(await (await signIn(owner.password, jar)).json()).toMatchObject({ twoFactorRedirect: true });
  });

  test.for([
    ['/two-factor/disable', { password: owner.password }],
    ['/two-factor/generate-backup-codes', { password: owner.password }],
    ['/change-password', { currentPassword: owner.password, newPassword: 'another horse' }],
  ] as const)('%s with the password alone needs a fresh sign-in', async ([path, body]) => {
    await withSecondFactor();
    world.db.$client.exec(`UPDATE session SET createdAt = createdAt - ${11 * 60_000}`);
    const refused = await post(`/api/auth${path}`, body, cookie);
    expect([refused.status, (await refused.json()).error.code]).toEqual([403, 'reauthentication_required']);
  });

  test('signing in once more keeps the session until the code is right, then ends it', async () => {
    const { totpURI } = await withSecondFactor();
    const first = await signIn(owner.password, cookie);
    const pending = cookieOf(first);
    expect(pending).not.toContain('session_token');
    expect((await send('GET', '/api/v1/me')).status).toBe(200);
    const jar = `${cookie}; ${pending}`;
    expect((await post('/api/auth/two-factor/verify-totp', { code: '000000' }, jar)).status).toBe(401);
    expect((await send('GET', '/api/v1/me')).status).toBe(200);
    const done = await post('/api/auth/two-factor/verify-totp', { code: codeFor(totpURI) }, jar);
    expect(done.status).toBe(200);
    expect((await send('GET', '/api/v1/me')).status).toBe(401);
    expect((await send('GET', '/api/v1/me', undefined, cookieOf(done))).status).toBe(200);
  });
});

describe('signing in', () => {
  test('with a password that is replaced at the same moment opens nothing', async () => {
    const [user] = await world.api.get<{ id: string }[]>('/users');
    const { url } = await world.api.post<{ url: string }>(`/users/${user?.id}/recovery-link`);
    const token = new URL(url).hash.slice(1);
    const recovering = post('/api/v1/links/accept', { token, password: 'another horse' });
    const tries = await Promise.all(Array.from({ length: 6 }, () => signIn()));
    await recovering;
    for (const answer of tries.filter(({ status }) => status === 200)) {
      expect((await send('GET', '/api/v1/me', undefined, cookieOf(answer))).status).toBe(401);
    }
  });

  test('under a name spelled otherwise, or not as JSON, is not signing in, and fills no log', async () => {
    const before = (await actions()).length;
    for (const path of ['/api/auth/%73ign-in/email', '/api/auth/sign%2Din/email']) {
      const { email, password } = owner;
      await post(path, { email, password: 'guess' }, '');
      const form = new URLSearchParams({ email, password });
      const answer = await fetch(`${world.api.url}/api/auth/sign-in/email`, { method: 'POST', body: form });
      expect(answer.status).toBe(400);
    }
    expect((await actions()).slice(0, -before)).toEqual(['user.sign-in-refused', 'user.sign-in-refused']);
  });

  test('is in the log with whose it was, the first step of two as well', async () => {
    await withSecondFactor();
    await signIn();
    await signIn('wrong horse');
    const log = await world.api.get<{ action: string; actor: object }[]>('/audit');
    const id = world.db.$client.prepare('SELECT id FROM user').pluck().get();
    for (const action of ['user.password-right', 'user.sign-in-refused', 'user.enable-two-factor']) {
      expect(log.find((entry) => entry.action === action)?.actor).toEqual({ kind: 'user', id, name: 'Ada' });
    }
  });
});

describe('sessions', () => {
  test('are listed without what would open them, and ended one by one or all', async () => {
    await signIn();
    await signIn();
    const list = async () =>
      (await (await send('GET', '/api/v1/me/sessions')).json()) as { id: string; current: boolean }[];
    const three = await list();
    expect(three.map(({ current }) => current).sort()).toEqual([false, false, true]);
    const tokens = world.db.$client.prepare('SELECT token FROM session').pluck().all() as string[];
    for (const token of tokens) expect(JSON.stringify(three)).not.toContain(token);
    const other = three.find(({ current }) => !current);
    expect((await send('DELETE', `/api/v1/me/sessions/${other?.id}`)).status).toBe(200);
    expect(await (await send('DELETE', '/api/v1/me/sessions')).json()).toEqual({ ended: 1 });
    expect(await list()).toMatchObject([{ current: true }]);
    expect(await actions()).toContain('user.end-sessions');
  });

  test('nobody ends other people’s', async () => {
    const id = world.db.$client.prepare('SELECT id FROM session').pluck().get() as string;
    await expect(world.api.delete(`/me/sessions/${id}`)).rejects.toMatchObject({ status: 404 });
    expect((await send('GET', '/api/v1/me')).status).toBe(200);
  });

  test('no answer holds the token that the cookie holds', async () => {
    const answer = await signIn();
    const text = await answer.text();
    const tokens = world.db.$client.prepare('SELECT token FROM session').pluck().all() as string[];
    expect(tokens.length).toBeGreaterThan(1);
    for (const token of tokens) expect(text).not.toContain(token);
  });

  test('signing in once more in a browser ends the session it had', async () => {
    const again = await signIn(owner.password, cookie);
    expect((await send('GET', '/api/v1/me', undefined, cookie)).status).toBe(401);
    expect((await send('GET', '/api/v1/me', undefined, cookieOf(again))).status).toBe(200);
  });

  test('a new password ends the others', async () => {
    const elsewhere = cookieOf(await signIn());
    const body = { currentPassword: owner.password, newPassword: 'another horse', revokeOtherSessions: true };
    const changed = await post('/api/auth/change-password', body, cookie);
    expect(changed.status).toBe(200);
    expect((await send('GET', '/api/v1/me', undefined, elsewhere)).status).toBe(401);
    expect((await send('GET', '/api/v1/me', undefined, cookieOf(changed))).status).toBe(200);
    expect(await actions()).toContain('user.change-password');
  });
});

describe('a session that was signed in to a while ago', () => {
  const age = () => world.db.$client.exec(`UPDATE session SET createdAt = createdAt - ${11 * 60_000}`);

  test('has to be signed in to again for what cannot be taken back; keys are not asked', async () => {
    const [vault] = await world.api.get<{ id: string }[]>('/vaults');
    const kit = (jar?: string) => send('POST', `/api/v1/vaults/${vault?.id}/recovery-kit`, undefined, jar);
    expect((await kit()).status).toBe(200);
    age();
    const refused = await kit();
    expect(refused.status).toBe(403);
    expect(await refused.json()).toMatchObject({ error: { code: 'reauthentication_required' } });
    for (const [method, path, body] of [
      ['POST', '/invitations', { standing: { role: 'viewer' } }],
      ['POST', '/api-keys', { name: 'x' }],
    ] as const) {
      expect((await send(method, `/api/v1${path}`, body)).status).toBe(403);
    }
    expect((await send('GET', '/api/v1/overview')).status).toBe(200);
    const again = cookieOf(await signIn(owner.password, cookie));
    expect((await kit(again)).status).toBe(200);
    await world.api.post('/invitations', { standing: { role: 'viewer' } });
  });
});
