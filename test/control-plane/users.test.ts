import { randomUUID } from 'node:crypto';
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { changeStanding } from '../../control-plane/db/users.ts';
import { addPerson } from '../support/people.ts';
import { startWorld, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

interface Invitation {
  id: string;
  url: string;
}

function post(path: string, body: unknown, headers: Record<string, string> = {}) {
  return fetch(`${world.api.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
}

const failureOf = async (response: Response) =>
  ((await response.json()) as { error: { code: string } }).error.code;
const tokenOf = ({ url }: { url: string }) => new URL(url).hash.slice(1);
const cookieOf = (response: Response) =>
  response.headers
    .getSetCookie()
    .map((cookie) => cookie.split(';')[0])
    .join('; ');
const me = async (cookie: string) => fetch(`${world.api.url}/api/v1/me`, { headers: { cookie } });
const joiner = (email: string) => ({ name: 'Grace', email, password: 'correct horse' });

function invite(standing: object, rest: object = {}) {
  return world.api.post<Invitation>('/invitations', { standing, ...rest });
}

describe('an invitation', () => {
  test('says what it is for, makes an account of that standing, and works once', async () => {
    const made = await invite({ role: 'operator', extraRights: ['restore'] }, { note: 'Grace of the shop' });
    const token = tokenOf(made);
    expect(JSON.stringify(await world.api.get('/invitations'))).not.toContain(token);
    const look = await post('/api/v1/links/look', { token });
    expect(await look.json()).toMatchObject({ kind: 'invitation', role: 'operator', user: null });
    const tries = await Promise.all(
      ['grace@example.org', 'eve@example.org'].map((email) =>
        post('/api/v1/links/accept', { token, ...joiner(email) }),
      ),
    );
    expect(tries.map(({ status }) => status).sort()).toEqual([201, 403]);
    const won = tries.find(({ status }) => status === 201) as Response;
    const { rights, user } = (await (await me(cookieOf(won))).json()) as { rights: string[]; user: object };
    expect(user).toMatchObject({ name: 'Grace', role: 'operator', labels: null });
    expect(rights.toSorted()).toEqual(['fleet', 'metrics', 'operate', 'restore', 'view']);
    expect(await world.api.get('/invitations')).toEqual([]);
    const log = await world.api.get<{ action: string }[]>('/audit');
    expect(log.map(({ action }) => action)).toEqual(expect.arrayContaining(['user.invite', 'user.join']));
  });

  test('that was withdrawn or has expired is refused; nothing is said of why', async () => {
    const withdrawn = await invite({ role: 'viewer' });
    await world.api.delete(`/invitations/${withdrawn.id}`);
    const old = await invite({ role: 'viewer' });
    world.db.$client.prepare('UPDATE user_links SET expiresAt = 1 WHERE id = ?').run(old.id);
    for (const link of [withdrawn, old, { url: 'http://x/#guess' }]) {
      const answer = await post('/api/v1/links/accept', {
        token: tokenOf(link),
        ...joiner('late@example.org'),
      });
      expect([answer.status, await failureOf(answer)]).toEqual([403, 'forbidden']);
    }
  });

  test('does not take over the account of somebody who is here, and is not used up by trying', async () => {
    const there = await addPerson(world, { role: 'owner' });
    const token = tokenOf(await invite({ role: 'viewer' }));
    const accept = (email: string) => post('/api/v1/links/accept', { token, ...joiner(email) });
    expect((await accept(there.email.toUpperCase())).status).toBe(409);
    expect((await accept('free@example.org')).status).toBe(201);
  });

  test.for([
    [{ role: 'owner', labels: ['team=a'] }, 'owners see the whole fleet'],
    [{ role: 'viewer', labels: [] }, 'name at least one'],
    [{ role: 'viewer', labels: ['no spaces here'] }, 'letters and digits'],
    [{ role: 'king' }, 'role'],
  ] as const)('for %j is refused with words', async ([standing, words]) => {
    await expect(invite(standing)).rejects.toMatchObject({
      status: 400,
      failure: { message: expect.stringContaining(words) },
    });
  });
});

describe('a recovery link', () => {
  test('gives an account a new password and ends its sessions, and the links before it', async () => {
    const token = tokenOf(await invite({ role: 'viewer' }));
    const joined = await post('/api/v1/links/accept', { token, ...joiner('forgetful@example.org') });
    const cookie = cookieOf(joined);
    const { user } = (await joined.json()) as { user: { id: string } };
    const link = () => world.api.post<{ url: string }>(`/users/${user.id}/recovery-link`);
    const [first, second] = [tokenOf(await link()), tokenOf(await link())];
    const accept = (given: string) =>
      post('/api/v1/links/accept', { token: given, password: 'another horse' });
    expect((await accept(first)).status).toBe(403);
    expect((await (await post('/api/v1/links/look', { token: second })).json()).user.email).toBe(
      'forgetful@example.org',
    );
    expect((await accept(second)).status).toBe(201);
    expect((await me(cookie)).status).toBe(401);
    const signIn = (password: string) =>
      post('/api/auth/sign-in/email', { email: 'forgetful@example.org', password }, { origin: world.url });
    expect((await signIn('correct horse')).status).toBe(401);
    expect((await signIn('another horse')).status).toBe(200);
  });
});

describe('a link is worth what its maker may give now', () => {
  const accept = (url: string) =>
    post('/api/v1/links/accept', { token: tokenOf({ url }), ...joiner(`${randomUUID()}@example.org`) });
  const forget = (url: string) =>
    post('/api/v1/links/accept', { token: tokenOf({ url }), password: 'another horse' });

  test('an admin’s recovery link does not open the account once that is an owner’s', async () => {
    const admin = await addPerson(world, { role: 'admin' });
    const user = await addPerson(world, { role: 'viewer' });
    const { url } = await admin.api.post<Invitation>(`/users/${user.id}/recovery-link`);
    await world.api.patch(`/users/${user.id}`, { role: 'owner' });
    expect((await forget(url)).status).toBe(403);
  });

  test('invitations end with whoever made them, and with what they could give', async () => {
    const owner = await addPerson(world, { role: 'owner' });
    const ask = (role: string) => owner.api.post<Invitation>('/invitations', { standing: { role } });
    const [anOwner, aViewer, later] = [await ask('owner'), await ask('viewer'), await ask('viewer')];
    await world.api.patch(`/users/${owner.id}`, { role: 'admin' });
    expect((await accept(anOwner.url)).status).toBe(403);
    expect((await accept(aViewer.url)).status).toBe(201);
    const users = await world.api.get<{ id: string; name: string }[]>('/users');
    const confirm = users.find(({ id }) => id === owner.id)?.name;
    await world.api.delete(`/users/${owner.id}`, { confirm });
    expect((await accept(later.url)).status).toBe(403);
  });

  test('rights are judged when the body is there, not before', async () => {
    const owner = await addPerson(world, { role: 'owner' });
    const { hostname, port } = new URL(world.api.url);
    const body = JSON.stringify({ standing: { role: 'owner' } });
    const headers = {
      authorization: `Bearer ${owner.api.key}`,
      'content-type': 'application/json',
      'content-length': body.length,
    };
    const asking = request({ hostname, port, method: 'POST', path: '/api/v1/invitations', headers });
    const answered = new Promise<number | undefined>((resolve) =>
      asking.once('response', ({ statusCode }) => resolve(statusCode)),
    );
    asking.write(body.slice(0, 1));
    await new Promise<void>((sent) => asking.once('socket', () => sent()));
    const users = await world.api.get<{ id: string; name: string }[]>('/users');
    const confirm = users.find(({ id }) => id === owner.id)?.name;
    await world.api.delete(`/users/${owner.id}`, { confirm });
    asking.end(body.slice(1));
    expect(await answered).toBe(401);
  });
});

describe('admins', () => {
  test('manage operators and viewers, and give nothing they do not have', async () => {
    const admin = await addPerson(world, { role: 'admin', extraRights: ['download'] });
    const ask = (standing: object) => admin.api.post('/invitations', { standing });
    const refused = { status: 403, failure: { code: 'forbidden' } };
    await expect(ask({ role: 'owner' })).rejects.toMatchObject(refused);
    await expect(ask({ role: 'admin' })).rejects.toMatchObject(refused);
    await expect(ask({ role: 'viewer', extraRights: ['restore'] })).rejects.toMatchObject(refused);
    await ask({ role: 'operator', extraRights: ['download'] });
    const [owner, peer] = [
      await addPerson(world, { role: 'owner' }),
      await addPerson(world, { role: 'admin' }),
    ];
    for (const { id } of [owner, peer]) {
      await expect(admin.api.post(`/users/${id}/recovery-link`)).rejects.toMatchObject(refused);
      await expect(admin.api.patch(`/users/${id}`, { role: 'viewer' })).rejects.toMatchObject(refused);
      await expect(admin.api.delete(`/users/${id}`, { confirm: 'x' })).rejects.toMatchObject(refused);
    }
  });

  test('nobody changes themselves, and the last owner stays', async () => {
    const admin = await addPerson(world, { role: 'admin' });
    await expect(admin.api.patch(`/users/${admin.id}`, { role: 'viewer' })).rejects.toMatchObject({
      status: 409,
    });
    const users = await world.api.get<{ id: string; role: string }[]>('/users');
    const owners = users.filter(({ role }) => role === 'owner');
    const last = await addPerson(world, { role: 'owner' });
    for (const { id } of owners)
      changeStanding(world.db, id, { role: 'viewer', extraRights: [], labels: null });
    await expect(world.api.patch(`/users/${last.id}`, { role: 'admin' })).rejects.toMatchObject({
      status: 409,
      failure: { message: expect.stringContaining('only owner') },
    });
  });
});
