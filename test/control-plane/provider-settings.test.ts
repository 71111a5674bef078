import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { ageSessions } from '../support/age-sessions.ts';
import { holdAnswersToDocument } from '../support/held-answers.ts';
import { ownerAt } from './owner.ts';
import { type ProviderWorld, startProviderWorld } from './provider-world.ts';
import { startWorld } from './world.ts';

let w: ProviderWorld;
holdAnswersToDocument(['GET /sign-in-provider', 'PUT /sign-in-provider', 'DELETE /sign-in-provider']);
beforeEach(async () => {
  w = await startProviderWorld();
});
afterEach(() => w[Symbol.asyncDispose]());

const failureOf = async (response: Response) =>
  ((await response.json()) as { error: { code: string; message: string; hint: string } }).error;

/** Something that answers the discovery with this document. */
async function pretender(document: (issuer: string) => object): Promise<string> {
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(document(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('the settings', () => {
  test('are saved once the provider has answered, and never give the secret away', async () => {
    const page = async () => (await w.ada.send('GET', '/api/v1/sign-in', undefined, ' ')).json();
    expect(await page()).toEqual({ provider: null, failure: null });
    const set = await (await w.configure()).text();
    expect(JSON.parse(set)).toMatchObject({
      redirectUri: `${w.world.url}/api/auth/oidc/callback`,
      provider: { name: 'Works', issuer: w.provider.issuer, admission: null, users: { connected: 0 } },
    });
    const shown = await (await w.ada.send('GET', '/api/v1/sign-in-provider')).text();
    const stored = JSON.stringify(w.world.db.$client.prepare('SELECT * FROM settings').all());
    const log = JSON.stringify(await w.world.api.get('/audit'));
    for (const text of [set, shown, stored, log]) expect(text).not.toContain(w.provider.clientSecret);
    expect(await page()).toEqual({ provider: { name: 'Works' }, failure: null });
    expect(await w.ada.actions()).toContain('sign-in-provider.set');
  });

  test('keep the secret for the same client only', async () => {
    await w.configure();
    expect((await w.configure({ name: 'Renamed', clientSecret: undefined })).status).toBe(200);
    const elsewhere = await pretender((issuer) => ({ issuer }));
    for (const change of [{ issuer: elsewhere }, { clientId: 'another' }]) {
      const refused = await w.configure({ ...change, clientSecret: undefined });
      expect([refused.status, (await failureOf(refused)).message]).toEqual([
        400,
        'clientSecret: is missing.',
      ]);
    }
  });

  test('are removed by name, after a fresh sign-in', async () => {
    await w.configure();
    const remove = (confirm: string) => w.ada.send('DELETE', '/api/v1/sign-in-provider', { confirm });
    expect((await remove('something')).status).toBe(400);
    ageSessions(w.world.db.$client);
    expect((await failureOf(await remove('Works'))).code).toBe('reauthentication_required');
    expect((await failureOf(await w.configure())).code).toBe('reauthentication_required');
    await w.world.api.delete('/sign-in-provider', { confirm: 'Works' });
    const begun = await w.begin({ for: 'sign-in' });
    expect((await failureOf(begun.response)).message).toMatch(/not set up/);
    expect(await w.ada.actions()).toContain('sign-in-provider.remove');
  });

  test('say who would be left without a way in', async () => {
    w.provider.people.set('grace', { email: 'grace@example.org' });
    await w.configure();
    await w.go({ for: 'connect' }, 'grace', w.ada.jar.cookie);
    expect(await w.world.api.get('/sign-in-provider')).toMatchObject({
      provider: { users: { connected: 1, withNothingElse: 0 } },
    });
  });

  test('change only while an owner has a way in without them', async () => {
    await w.configure();
    w.world.db.$client.exec("DELETE FROM account WHERE providerId = 'credential'");
    for (const refused of [
      await w.configure(),
      await w.ada.send('DELETE', '/api/v1/sign-in-provider', { confirm: 'Works' }),
    ]) {
      expect([refused.status, (await failureOf(refused)).hint]).toEqual([
        409,
        expect.stringContaining('Add a passkey'),
      ]);
    }
    expect(await w.world.api.get('/sign-in-provider')).toMatchObject({ provider: { name: 'Works' } });
  });
});

describe('a provider that is none', () => {
  const complete = (issuer: string) => ({
    ...{ issuer, authorization_endpoint: `${issuer}/auth`, token_endpoint: `${issuer}/token` },
    jwks_uri: `${issuer}/jwks`,
  });

  test.for<[string, (issuer: string) => object, RegExp]>([
    ['is another issuer’s', () => complete('https://example.org'), /another issuer/],
    ['spells its issuer otherwise', (issuer) => complete(`${issuer}/`), /has the issuer http.*\/\./],
    ['has no keys', (issuer) => ({ ...complete(issuer), jwks_uri: undefined }), /no jwks_uri/],
    [
      'sends secrets over plain HTTP',
      (issuer) => ({ ...complete(issuer), token_endpoint: 'http://example.org/token' }),
      /http:\/\/example.org\/token as its token_endpoint/,
    ],
    [
      'sends people over plain HTTP',
      (issuer) => ({ ...complete(issuer), authorization_endpoint: 'http://example.org/auth' }),
      /not an HTTPS address/,
    ],
    ['is no document', () => [], /cannot be asked/],
  ])('is not saved: its discovery document %s', async ([, document, message]) => {
    const refused = await w.configure({ issuer: await pretender(document) });
    expect(refused.status).toBe(503);
    expect(await failureOf(refused)).toMatchObject({
      code: 'provider_unavailable',
      message: expect.stringMatching(message),
    });
    expect(await w.world.api.get('/sign-in-provider')).toMatchObject({ provider: null });
  });

  test('is not saved: nobody is there', async () => {
    await w.provider.stop();
    expect(await failureOf(await w.configure())).toMatchObject({
      code: 'provider_unavailable',
      message: expect.stringMatching(/ECONNREFUSED/),
      hint: expect.stringContaining('/.well-known/openid-configuration'),
    });
  });

  test('plain HTTP is for loopback', async () => {
    const refused = await w.configure({ issuer: 'http://sso.example.org' });
    expect([refused.status, (await failureOf(refused)).message]).toEqual([
      400,
      expect.stringMatching(/not an HTTPS address/),
    ]);
  });
});

test('behind TLS cookies are for TLS alone, and the provider is told the address that people use', async () => {
  const url = 'https://backups.example.org';
  await using world = await startWorld({ HOMEPORT_LOCAL_ENDPOINTS: 'allow', HOMEPORT_URL: url });
  const { clientId, clientSecret, issuer } = w.provider;
  await world.api.put('/sign-in-provider', { name: 'Works', issuer, clientId, clientSecret });
  const begun = await fetch(`${world.api.url}/api/auth/oidc/begin`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: url },
    body: JSON.stringify({ for: 'sign-in' }),
  });
  const { searchParams } = new URL(((await begun.json()) as { url: string }).url);
  expect(Object.fromEntries(searchParams)).toMatchObject({
    redirect_uri: `${url}/api/auth/oidc/callback`,
    ...{ response_type: 'code', scope: 'openid email profile', code_challenge_method: 'S256' },
    ...{ state: expect.stringMatching(/.{40}/), nonce: expect.stringMatching(/.{40}/) },
  });
  const [cookie = ''] = begun.headers.getSetCookie();
  expect(cookie).toMatch(/^__Secure-homeport\.oidc_flow=/);
  for (const word of ['HttpOnly', 'Secure', 'SameSite=Lax', 'Path=/api/auth/oidc'])
    expect(cookie).toContain(word);
});

test('the control plane’s own host is not asked unless the operator allows it', async () => {
  await using world = await startWorld();
  const ada = await ownerAt(world);
  for (const host of ['127.0.0.1', 'localhost', '[::1]', '169.254.169.254']) {
    const scheme = host.startsWith('169') ? 'https' : 'http';
    const issuer = w.provider.issuer.replace('http://127.0.0.1', `${scheme}://${host}`);
    const wish = { name: 'Works', issuer, clientId: 'x', clientSecret: 'y' };
    const refused = await ada.send('PUT', '/api/v1/sign-in-provider', wish);
    expect([refused.status, (await failureOf(refused)).hint]).toEqual([
      403,
      expect.stringContaining('HOMEPORT_LOCAL_ENDPOINTS=allow'),
    ]);
  }
  expect(w.provider.asked).toEqual([]);
});
