import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { holdAnswersToDocument } from '../support/held-answers.ts';
import { codeFor, owner } from './owner.ts';
import { invite, type ProviderWorld, startPeopledWorld } from './provider-world.ts';

let w: ProviderWorld;
holdAnswersToDocument(['GET /sign-in', 'GET /me/identities', 'DELETE /me/identities/:id']);
beforeEach(async () => {
  w = await startPeopledWorld();
});
afterEach(() => w[Symbol.asyncDispose]());

const identities = async (cookie: string) =>
  (await (await w.ada.send('GET', '/api/v1/me/identities', undefined, cookie)).json()) as { id: string }[];

describe('an invitation', () => {
  test('makes an account without a password, which then signs in with the provider', async () => {
    const token = await invite(w);
    const { cookie, response } = await w.go({ for: 'join', token }, 'grace');
    expect(response.headers.get('location')).toBe('/');
    expect(await w.me(cookie)).toMatchObject({
      user: { name: 'Grace Hopper', email: 'grace@example.org', role: 'operator', hasPassword: false },
    });
    const later = await w.go({ for: 'sign-in', next: '/jobs?state=failed' }, 'grace');
    expect(later.response.headers.get('location')).toBe('/jobs?state=failed');
    expect(await w.me(later.cookie)).toMatchObject({ user: { name: 'Grace Hopper' } });
    expect(await w.ada.actions()).toEqual(expect.arrayContaining(['user.join', 'user.sign-in']));
    expect((await w.begin({ for: 'join', token })).response.status).toBe(403);
  });

  test('gives nobody the account of somebody whose address the provider says they have', async () => {
    const token = await invite(w);
    const { cookie, response } = await w.go({ for: 'join', token }, 'mallory');
    expect(response.headers.get('location')).toBe(`/join#${token}`);
    expect(await w.told(response)).toMatchObject({ code: 'conflict' });
    expect((await w.me(cookie)).status).toBe(401);
    // The link is still worth something.
    expect((await w.begin({ for: 'join', token })).response.status).toBe(200);
  });

  test('is not used up by somebody who has an account', async () => {
    await w.joined();
    const token = await invite(w);
    const { response } = await w.go({ for: 'join', token }, 'grace');
    expect(await w.told(response)).toMatchObject({
      code: 'conflict',
      hint: expect.stringMatching(/invitation/),
    });
    expect((await w.begin({ for: 'join', token })).response.status).toBe(200);
  });
});

describe('signing in', () => {
  test('is refused to somebody nobody here knows, whatever their address', async () => {
    const { cookie, response } = await w.go({ for: 'sign-in' }, 'mallory');
    expect(response.headers.get('location')).toBe('/login');
    expect(await w.told(response)).toMatchObject({
      code: 'sign_in_refused',
      message: expect.stringMatching(/Nobody here is connected/),
    });
    expect((await w.me(cookie)).status).toBe(401);
    const [refused] = await w.world.api.get<object[]>('/audit?limit=1');
    const details = { subject: 'mallory', email: owner.email, why: expect.any(String) };
    expect(refused).toMatchObject({ action: 'user.sign-in-refused', details });
  });

  test('leads only to pages of our own', async () => {
    await w.joined();
    for (const next of ['//evil.example', '/\\evil.example', '/\t/evil.example', 'https://evil.example']) {
      const { response } = await w.go({ for: 'sign-in', next }, 'grace');
      expect(response.headers.get('location')).toBe('/');
    }
  });

  test('what the provider refused is said', async () => {
    const { cookie, url } = await w.begin({ for: 'sign-in' });
    const back = new URL(`${w.world.url}/api/auth/oidc/callback`);
    const state = new URL(url).searchParams.get('state') ?? '';
    back.search = String(new URLSearchParams({ error: 'access_denied', state, iss: w.provider.issuer }));
    const response = await w.comeBack(back.href, cookie);
    expect(response.headers.get('location')).toBe('/login');
    expect(await w.told(response)).toMatchObject({ message: expect.stringMatching(/did not let you in/) });
  });

  test('is throttled', async () => {
    const statuses: number[] = [];
    for (let n = 0; n < 22; n += 1) statuses.push((await w.begin({ for: 'sign-in' })).response.status);
    expect([statuses[0], statuses.at(-1)]).toEqual([200, 403]);
  });

  test('begins only on a page of our own', async () => {
    const begin = (origin?: string) =>
      fetch(`${w.world.url}/api/auth/oidc/begin`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...(origin ? { origin } : {}) },
        body: JSON.stringify({ for: 'sign-in' }),
      });
    const localhost = w.world.url.replace('127.0.0.1', 'localhost');
    for (const origin of [undefined, 'https://evil.example', localhost]) {
      expect((await begin(origin)).status).toBe(403);
    }
    expect((await begin(w.world.url)).status).toBe(200);
  });

  test('a provider that is gone is said to be', async () => {
    await w.joined();
    const { cookie, url } = await w.begin({ for: 'sign-in' });
    const address = await w.provider.signIn(url, 'grace');
    await w.provider.stop();
    const response = await w.comeBack(address, cookie);
    expect(await w.told(response)).toMatchObject({ code: 'provider_unavailable' });
  });

  test('somebody who was removed is out', async () => {
    const cookie = await w.joined();
    const { user } = await w.me(cookie);
    await w.world.api.delete(`/users/${user?.id}`, { confirm: user?.name });
    expect((await w.me(cookie)).status).toBe(401);
    expect(await w.told((await w.go({ for: 'sign-in' }, 'grace')).response)).toMatchObject({
      code: 'sign_in_refused',
    });
  });

  test('a recovery link ends what was connected', async () => {
    const cookie = await w.joined();
    const { user } = await w.me(cookie);
    const { url } = await w.world.api.post<{ url: string }>(`/users/${user?.id}/recovery-link`);
    const body = { token: new URL(url).hash.slice(1), password: 'another horse' };
    expect((await w.ada.post('/api/v1/links/accept', body)).status).toBe(201);
    const { response } = await w.go({ for: 'sign-in' }, 'grace');
    expect(await w.told(response)).toMatchObject({ message: expect.stringMatching(/Nobody here/) });
  });
});

describe('connecting', () => {
  test('gives somebody who is signed in another way in, and takes it away again', async () => {
    const connected = await w.go({ for: 'connect' }, 'mallory', w.ada.jar.cookie);
    expect(connected.response.headers.get('location')).toBe('/account');
    const { cookie } = await w.go({ for: 'sign-in' }, 'mallory');
    expect(await w.me(cookie)).toMatchObject({ user: { name: 'Ada', hasPassword: true } });
    const [identity] = await identities(cookie);
    const removed = await w.ada.send('DELETE', `/api/v1/me/identities/${identity?.id}`, {}, cookie);
    expect(removed.status).toBe(200);
    expect((await w.go({ for: 'sign-in' }, 'mallory')).response.headers.get('location')).toBe('/login');
    expect(await w.ada.actions()).toEqual(
      expect.arrayContaining(['user.connect-provider', 'user.disconnect-provider']),
    );
  });

  test('needs a fresh sign-in, to disconnect as well', async () => {
    const cookie = await w.joined();
    const [identity] = await identities(cookie);
    w.age();
    const begun = await w.begin({ for: 'connect' }, cookie);
    expect([begun.response.status, (await begun.response.json()).error.code]).toEqual([
      403,
      'reauthentication_required',
    ]);
    const removed = await w.ada.send('DELETE', `/api/v1/me/identities/${identity?.id}`, {}, cookie);
    expect([removed.status, (await removed.json()).error.code]).toEqual([403, 'reauthentication_required']);
  });

  test('the only way in is not taken away', async () => {
    const cookie = await w.joined();
    const [identity] = await identities(cookie);
    const removed = await w.ada.send('DELETE', `/api/v1/me/identities/${identity?.id}`, {}, cookie);
    expect([removed.status, (await removed.json()).error.message]).toEqual([
      409,
      expect.stringMatching(/only way in/),
    ]);
  });

  test('takes nobody’s account from them', async () => {
    await w.joined();
    const { response } = await w.go({ for: 'connect' }, 'grace', w.ada.jar.cookie);
    expect(response.headers.get('location')).toBe('/account');
    expect(await w.told(response)).toMatchObject({ code: 'conflict' });
    expect(await w.me((await w.go({ for: 'sign-in' }, 'grace')).cookie)).toMatchObject({
      user: { name: 'Grace Hopper' },
    });
  });

  test('is for the session that began it', async () => {
    const grace = await w.joined();
    const begun = await w.begin({ for: 'connect' }, w.ada.jar.cookie);
    const flow = begun.cookie.split('; ').find((pair) => pair.includes('oidc_flow'));
    const session = grace.split('; ').find((pair) => pair.includes('session_token'));
    const address = await w.provider.signIn(begun.url, 'mallory');
    const response = await w.comeBack(address, `${flow}; ${session}`);
    expect(await w.told(response)).toMatchObject({ message: expect.stringMatching(/signed out meanwhile/) });
  });
});

test('the second factor belongs to the password: the provider asks for its own', async () => {
  const { totpURI } = await w.ada.withSecondFactor();
  await w.go({ for: 'connect' }, 'mallory', w.ada.jar.cookie);
  expect(await w.me((await w.go({ for: 'sign-in' }, 'mallory')).cookie)).toMatchObject({
    user: { name: 'Ada', twoFactor: true },
  });
  expect(await (await w.ada.signIn()).json()).toMatchObject({ twoFactorRedirect: true });
  expect(codeFor(totpURI)).toMatch(/^\d{6}$/);
});
