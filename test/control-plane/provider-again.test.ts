import type { JWTPayload } from 'jose';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ProviderWorld, startPeopledWorld } from './provider-world.ts';

/** What cannot be taken back asks people of the provider once more. */
let w: ProviderWorld;
beforeEach(async () => {
  w = await startPeopledWorld();
});
afterEach(() => w[Symbol.asyncDispose]());

const old = (back: number) => ({
  claims: (claims: object) => ({ ...claims, auth_time: Math.floor(Date.now() / 1000) - back }),
});
const silent = { claims: ({ auth_time: _, ...claims }: JWTPayload) => claims };

describe('signing in as usual', () => {
  test.for([
    ['has just asked for the password', old(5), 200],
    ['asked long ago', old(3600), 403],
    ['does not say when it asked', silent, 403],
  ] as const)('is as fresh as the provider is sure: one that %s', async ([, lie, status]) => {
    const cookie = await w.joined();
    w.provider.lie = lie as never;
    // Out and in again, as whoever finds the browser could.
    const { cookie: again } = await w.go({ for: 'sign-in' }, 'grace', cookie);
    expect((await w.me(again)).status).toBe(200);
    expect((await w.begin({ for: 'connect' }, again)).response.status).toBe(status);
  });
});

describe('signing in once more', () => {
  test('makes the session fresh, if the provider has just asked', async () => {
    const cookie = await w.joined();
    w.age();
    const again = await w.go({ for: 'again' }, 'grace', cookie);
    expect(again.response.headers.get('location')).toBe('/signed-in');
    expect((await w.begin({ for: 'connect' }, again.cookie)).response.status).toBe(200);
    expect((await w.me(cookie)).status).toBe(401);
  });

  test.for([
    ['asked long ago', old(3600), /did not ask you again/],
    ['does not say when', silent, /does not say when/],
  ] as const)('a provider that %s is not enough', async ([, lie, message]) => {
    const cookie = await w.joined();
    w.provider.lie = lie as never;
    const { response } = await w.go({ for: 'again' }, 'grace', cookie);
    expect(response.headers.get('location')).toBe('/signed-in');
    expect(await w.told(response)).toMatchObject({ message: expect.stringMatching(message) });
  });

  test('as somebody else is not', async () => {
    const cookie = await w.joined();
    await w.go({ for: 'connect' }, 'mallory', w.ada.jar.cookie);
    const { response } = await w.go({ for: 'again' }, 'mallory', cookie);
    expect(await w.told(response)).toMatchObject({ message: expect.stringMatching(/somebody else/) });
  });

  test('asks the provider for the password in any case', async () => {
    const { url } = await w.begin({ for: 'again' }, await w.joined());
    const { searchParams } = new URL(url);
    expect([searchParams.get('prompt'), searchParams.get('max_age')]).toEqual(['login', '0']);
  });
});
