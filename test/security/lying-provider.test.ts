import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ProviderWorld, startProviderWorld } from '../control-plane/provider-world.ts';
import type { Lie } from '../support/openid-provider.ts';

/** What a provider, or somebody between it and us, might send that is not to be believed. */
let w: ProviderWorld;
beforeEach(async () => {
  w = await startProviderWorld();
  w.provider.people.set('grace', { name: 'Grace', email: 'grace@example.org', email_verified: true });
  expect((await w.configure()).status).toBe(200);
  await w.go({ for: 'connect' }, 'grace', w.ada.jar.cookie);
});
afterEach(() => w[Symbol.asyncDispose]());

const now = () => Math.floor(Date.now() / 1000);
const with_ = (change: () => object): Lie => ({ claims: (claims) => ({ ...claims, ...change() }) });

describe('an ID token', () => {
  test('that is changed in nothing is taken', async () => {
    w.provider.lie = {};
    const { cookie } = await w.go({ for: 'sign-in' }, 'grace');
    expect(await w.me(cookie)).toMatchObject({ user: { name: 'Ada' } });
  });

  test.for<[string, Lie, RegExp]>([
    ['for another sign-in', with_(() => ({ nonce: 'another' })), /not to be believed.*nonce/],
    ['without a nonce', { claims: ({ nonce: _, ...claims }) => claims }, /not to be believed.*nonce/],
    ['of another issuer', with_(() => ({ iss: 'https://evil.example' })), /not to be believed.*iss/],
    ['for another client', with_(() => ({ aud: 'another' })), /not to be believed.*aud/],
    [
      'that has expired',
      with_(() => ({ iat: now() - 7200, exp: now() - 3600 })),
      /expired, or not valid yet/,
    ],
    ['without an end', { claims: ({ exp: _, ...claims }) => claims }, /not to be believed.*exp/],
    ['signed with another key', { otherKey: true }, /not to be believed.*signature/],
  ])('%s is not', async ([, lie, message]) => {
    w.provider.lie = lie;
    const { cookie, response } = await w.go({ for: 'sign-in' }, 'grace');
    expect(await w.told(response)).toMatchObject({
      code: 'sign_in_refused',
      message: expect.stringMatching(message),
    });
    expect((await w.me(cookie)).status).toBe(401);
  });

  test('of a clock that is a little wrong is', async () => {
    w.provider.lie = with_(() => ({ iat: now() + 30, exp: now() - 30 }));
    const { cookie } = await w.go({ for: 'sign-in' }, 'grace');
    expect((await w.me(cookie)).status).toBe(200);
  });
});

describe('an answer', () => {
  test('does once', async () => {
    const begun = await w.begin({ for: 'sign-in' });
    const address = await w.provider.signIn(begun.url, 'grace');
    expect((await w.comeBack(address, begun.cookie)).headers.get('location')).toBe('/');
    const again = await w.comeBack(address, begun.cookie);
    expect(await w.told(again)).toMatchObject({ message: expect.stringMatching(/was used before/) });
  });

  test('to somebody else’s question is refused: nobody is signed in as an attacker', async () => {
    const [victim, attacker] = [await w.begin({ for: 'sign-in' }), await w.begin({ for: 'sign-in' })];
    const address = await w.provider.signIn(attacker.url, 'grace');
    const response = await w.comeBack(address, victim.cookie);
    expect(await w.told(response)).toMatchObject({ message: expect.stringMatching(/state/) });
    expect(response.headers.getSetCookie().join()).not.toContain('session_token');
  });

  test('without the cookie of the one who asked is refused', async () => {
    const { url } = await w.begin({ for: 'sign-in' });
    const response = await w.comeBack(await w.provider.signIn(url, 'grace'), '');
    expect(await w.told(response)).toMatchObject({
      message: expect.stringMatching(/not begun in this browser/),
    });
  });

  test('that names another issuer is refused', async () => {
    const begun = await w.begin({ for: 'sign-in' });
    const address = new URL(await w.provider.signIn(begun.url, 'grace'));
    address.searchParams.set('iss', 'https://evil.example');
    const response = await w.comeBack(address.href, begun.cookie);
    expect(await w.told(response)).toMatchObject({ message: expect.stringMatching(/not to be believed/) });
  });

  test('with a code of another sign-in is refused: PKCE', async () => {
    const [one, other] = [await w.begin({ for: 'sign-in' }), await w.begin({ for: 'sign-in' })];
    const mine = new URL(await w.provider.signIn(one.url, 'grace'));
    const stolen = new URL(await w.provider.signIn(other.url, 'grace')).searchParams.get('code') ?? '';
    mine.searchParams.set('code', stolen);
    const response = await w.comeBack(mine.href, one.cookie);
    expect(await w.told(response)).toMatchObject({ message: expect.stringMatching(/invalid_grant/) });
  });

  test('is refused once the provider was removed', async () => {
    const begun = await w.begin({ for: 'sign-in' });
    const address = await w.provider.signIn(begun.url, 'grace');
    await w.configure({ issuer: w.provider.issuer, name: 'Renamed' });
    await w.ada.send('DELETE', '/api/v1/sign-in-provider', { confirm: 'Renamed' });
    const response = await w.comeBack(address, begun.cookie);
    expect(await w.told(response)).toMatchObject({ message: expect.stringMatching(/not set up/) });
  });
});
