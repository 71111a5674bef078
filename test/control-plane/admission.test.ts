import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { cliUser } from '../support/cli.ts';
import { owner } from './owner.ts';
import { type ProviderWorld, startProviderWorld } from './provider-world.ts';

/** People of the provider whom nobody invited. */
let w: ProviderWorld;
beforeEach(async () => {
  w = await startProviderWorld();
});
afterEach(() => w[Symbol.asyncDispose]());

const role = 'operator';
const comes = async (person: object) => {
  w.provider.people.set('grace', {
    name: 'Grace',
    email: 'grace@example.org',
    email_verified: true,
    ...person,
  });
  const { cookie, response } = await w.go({ for: 'sign-in' }, 'grace');
  const { user } = await w.me(cookie);
  return user ? { user } : { refused: (await w.told(response))?.message };
};

describe('by their domain', () => {
  beforeEach(() => w.configure({ admission: { role, domains: ['Example.org'], labels: ['team=shop'] } }));

  test('they come in as what the owner chose, and again as the same', async () => {
    const first = await comes({});
    expect(first).toMatchObject({ user: { role: 'operator', labels: ['team=shop'], hasPassword: false } });
    // Known by who they are at the provider, not by their address.
    expect(await comes({ email: 'grace@elsewhere.example', email_verified: false })).toMatchObject({
      user: { id: first.user?.id, email: 'grace@example.org' },
    });
    expect(await w.ada.actions()).toContain('user.admit');
  });

  test.for<[string, object, RegExp]>([
    ['is not verified', { email_verified: false }, /does not say that your e-mail address is verified/],
    ['is not said to be verified', { email_verified: undefined }, /does not say that/],
    ['is missing', { email: undefined }, /does not say that/],
    ['is of another domain', { email: 'grace@example.com' }, /not let in by themselves/],
    ['is of a domain below', { email: 'grace@mail.example.org' }, /not let in by themselves/],
    ['only ends like it', { email: 'grace@notexample.org' }, /not let in by themselves/],
    ['has it before the @', { email: 'example.org@example.com' }, /not let in by themselves/],
    ['is somebody’s here', { email: owner.email.toUpperCase() }, /has the address .* already/],
  ])('not if the address %s', async ([, person, message]) => {
    expect(await comes(person)).toEqual({ refused: expect.stringMatching(message) });
    expect(await w.world.api.get('/users')).toHaveLength(1);
  });

  test('not once they were removed, under whatever name they come', async () => {
    const { user } = await comes({});
    await w.world.api.delete(`/users/${user?.id}`, { confirm: user?.name });
    const removed = { refused: expect.stringMatching(/was removed/) };
    expect(await comes({})).toEqual(removed);
    expect(await comes({ email: 'other@example.org' })).toEqual(removed);
    w.provider.people.set('again', { email: 'grace@example.org', email_verified: true });
    expect(await w.told((await w.go({ for: 'sign-in' }, 'again')).response)).toMatchObject({
      message: expect.stringMatching(/was removed/),
    });
    const { url } = await w.world.api.post<{ url: string }>('/invitations', { standing: { role: 'viewer' } });
    const invited = await w.go({ for: 'join', token: new URL(url).hash.slice(1) }, 'grace');
    expect(await w.me(invited.cookie)).toMatchObject({ user: { role: 'viewer' } });
  });
});

describe('by a claim', () => {
  beforeEach(() => w.configure({ admission: { role, claim: { name: 'groups', values: ['dba', 'ops'] } } }));

  test.for<[string, object]>([
    ['one of several values', { groups: ['staff', 'ops'] }],
    ['a value alone', { groups: 'dba' }],
  ])('%s is enough', async ([, person]) => {
    expect(await comes(person)).toMatchObject({ user: { role: 'operator', labels: null } });
  });

  test.for<[string, object]>([
    ['another value', { groups: ['staff'] }],
    ['one that begins alike', { groups: 'ops-trainees' }],
    ['no claim', {}],
  ])('%s is not', async ([, person]) => {
    expect(await comes(person)).toEqual({ refused: expect.stringMatching(/names none of their values/) });
  });
});

test('never as an owner or admin, nor everybody', async () => {
  for (const admission of [
    { role: 'owner', domains: ['example.org'] },
    { role: 'admin', domains: ['example.org'] },
    { role: 'viewer' },
    { role: 'viewer', domains: [], claim: null },
    { role: 'viewer', domains: ['example.org'], labels: [] },
  ]) {
    expect((await w.configure({ admission })).status, JSON.stringify(admission)).toBe(400);
  }
});

test('homeport sets it up, shows it and takes it away', async () => {
  await using user = await cliUser(w.world.api);
  const { clientId, clientSecret, issuer } = w.provider;
  expect(await user.run(['sign-in-provider'])).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining('/api/auth/oidc/callback'),
  });
  const client = ['--name', 'Works', '--issuer', issuer, '--client-id', clientId];
  const letIn = [
    '--let-in',
    'viewer',
    '--domain',
    'example.org',
    '--claim',
    'groups=dba',
    '--claim',
    'groups=ops',
  ];
  const set = await user.run(['set-sign-in-provider', ...client, ...letIn], { input: clientSecret });
  expect(set).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining('addresses at example.org with groups dba or ops, as viewer'),
  });
  expect(await comes({ groups: ['ops'] })).toMatchObject({ user: { role: 'viewer' } });
  const kept = await user.run(['set-sign-in-provider', ...client, '--keep-secret']);
  expect(kept).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining('nobody without an invitation'),
  });
  const shown = await user.run(['sign-in-provider', '--json']);
  expect(JSON.parse(shown.stdout)).toMatchObject({ provider: { issuer, users: { connected: 1 } } });
  expect(JSON.stringify([set, kept, shown])).not.toContain(clientSecret);
  const wrong = await user.run(['set-sign-in-provider', ...client, '--domain', 'example.org'], {
    input: 'x',
  });
  expect(wrong).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('--let-in') });
  expect((await user.run(['remove-sign-in-provider', '--confirm', 'Other'])).exitCode).not.toBe(0);
  expect((await user.run(['remove-sign-in-provider', '--confirm', 'Works'])).exitCode).toBe(0);
  expect(await w.world.api.get('/sign-in-provider')).toMatchObject({ provider: null });
});
