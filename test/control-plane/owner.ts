import { expect } from 'vitest';
import { totpOf } from '../support/totp.ts';
import type { World } from './world.ts';

/** Whose account it is. */
export const owner = { name: 'Ada', email: 'ada@example.org', password: 'correct horse' };

/** What a browser would send back of an answer’s cookies; those that end are left out. */
export const cookieOf = (response: Response) =>
  response.headers
    .getSetCookie()
    .map((text) => text.split(';')[0])
    .filter((pair) => !pair?.endsWith('='))
    .join('; ');

export const codeFor = (uri: string) => totpOf(new URL(uri).searchParams.get('secret') ?? '');

/** The owner of a control plane, in a browser that keeps one cookie. */
export async function ownerAt(world: World) {
  const jar = { cookie: '' };
  const send = (method: string, path: string, body?: unknown, cookie = jar.cookie) =>
    fetch(`${world.api.url}${path}`, {
      method,
      headers: { 'content-type': 'application/json', origin: world.url, ...(cookie ? { cookie } : {}) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const post = (path: string, body: unknown, cookie = '') => send('POST', path, body, cookie);
  const signIn = (password = owner.password, cookie = '') =>
    post('/api/auth/sign-in/email', { email: owner.email, password }, cookie);
  const actions = async () =>
    (await world.api.get<{ action: string }[]>('/audit?limit=500')).map(({ action }) => action);
  /** Turns the second factor on; gives its address and the backup codes. */
  async function withSecondFactor() {
    const enabled = await post('/api/auth/two-factor/enable', { password: owner.password }, jar.cookie);
    const { backupCodes, totpURI } = (await enabled.json()) as { totpURI: string; backupCodes: string[] };
    const verified = await post('/api/auth/two-factor/verify-totp', { code: codeFor(totpURI) }, jar.cookie);
    expect(verified.status).toBe(200);
    jar.cookie = cookieOf(verified) || jar.cookie;
    return { totpURI, backupCodes };
  }
  jar.cookie = cookieOf(await post('/api/v1/setup', { ...owner, token: world.setupToken() }));
  return { jar, send, post, signIn, actions, withSecondFactor };
}
