import { beforeEach, describe, expect, test } from 'vitest';
import { ageSessions } from '../support/age-sessions.ts';
import { cookieOf, owner, ownerAt } from './owner.ts';
import { startWorld, type World } from './world.ts';

let world: World;
let ada: Awaited<ReturnType<typeof ownerAt>>;

beforeEach(async () => {
  world = await startWorld();
  ada = await ownerAt(world);
  return () => world[Symbol.asyncDispose]();
});

describe('signing in', () => {
  test('with a password that is replaced at the same moment opens nothing', async () => {
    const [user] = await world.api.get<{ id: string }[]>('/users');
    const { url } = await world.api.post<{ url: string }>(`/users/${user?.id}/recovery-link`);
    const token = new URL(url).hash.slice(1);
    const recovering = ada.post('/api/v1/links/accept', { token, password: 'another horse' });
    const tries = await Promise.all(Array.from({ length: 6 }, () => ada.signIn()));
    await recovering;
    for (const answer of tries.filter(({ status }) => status === 200)) {
      expect((await ada.send('GET', '/api/v1/me', undefined, cookieOf(answer))).status).toBe(401);
    }
  });

  test('under a name spelled otherwise, or not as JSON, is not signing in, and fills no log', async () => {
    const before = (await ada.actions()).length;
    for (const path of ['/api/auth/%73ign-in/email', '/api/auth/sign%2Din/email']) {
      const { email, password } = owner;
      await ada.post(path, { email, password: 'guess' }, '');
      const form = new URLSearchParams({ email, password });
      const answer = await fetch(`${world.api.url}/api/auth/sign-in/email`, { method: 'POST', body: form });
      expect(answer.status).toBe(400);
    }
    expect((await ada.actions()).slice(0, -before)).toEqual(['user.sign-in-refused', 'user.sign-in-refused']);
  });

  test('is in the log with whose it was, the first step of two as well', async () => {
    await ada.withSecondFactor();
    await ada.signIn();
    await ada.signIn('wrong horse');
    const log = await world.api.get<{ action: string; actor: object }[]>('/audit');
    const id = world.db.$client.prepare('SELECT id FROM user').pluck().get();
    for (const action of ['user.password-right', 'user.sign-in-refused', 'user.enable-two-factor']) {
      expect(log.find((entry) => entry.action === action)?.actor).toEqual({ kind: 'user', id, name: 'Ada' });
    }
  });
});

describe('sessions', () => {
  test('are listed without what would open them, and ended one by one or all', async () => {
    await ada.signIn();
    await ada.signIn();
    const list = async () =>
      (await (await ada.send('GET', '/api/v1/me/sessions')).json()) as { id: string; current: boolean }[];
    const three = await list();
    expect(three.map(({ current }) => current).sort()).toEqual([false, false, true]);
    const tokens = world.db.$client.prepare('SELECT token FROM session').pluck().all() as string[];
    for (const token of tokens) expect(JSON.stringify(three)).not.toContain(token);
    const other = three.find(({ current }) => !current);
    expect((await ada.send('DELETE', `/api/v1/me/sessions/${other?.id}`)).status).toBe(200);
    expect(await (await ada.send('DELETE', '/api/v1/me/sessions')).json()).toEqual({ ended: 1 });
    expect(await list()).toMatchObject([{ current: true }]);
    expect(await ada.actions()).toContain('user.end-sessions');
  });

  test('nobody ends other people’s', async () => {
    const id = world.db.$client.prepare('SELECT id FROM session').pluck().get() as string;
    await expect(world.api.delete(`/me/sessions/${id}`)).rejects.toMatchObject({ status: 404 });
    expect((await ada.send('GET', '/api/v1/me')).status).toBe(200);
  });

  test('no answer holds the token that the cookie holds', async () => {
    const answer = await ada.signIn();
    const text = await answer.text();
    const tokens = world.db.$client.prepare('SELECT token FROM session').pluck().all() as string[];
    expect(tokens.length).toBeGreaterThan(1);
    for (const token of tokens) expect(text).not.toContain(token);
  });

  test('signing in once more in a browser ends the session it had', async () => {
    const again = await ada.signIn(owner.password, ada.jar.cookie);
    expect((await ada.send('GET', '/api/v1/me', undefined, ada.jar.cookie)).status).toBe(401);
    expect((await ada.send('GET', '/api/v1/me', undefined, cookieOf(again))).status).toBe(200);
  });

  test('a new password ends the others', async () => {
    const elsewhere = cookieOf(await ada.signIn());
    const body = { currentPassword: owner.password, newPassword: 'another horse', revokeOtherSessions: true };
    const changed = await ada.post('/api/auth/change-password', body, ada.jar.cookie);
    expect(changed.status).toBe(200);
    expect((await ada.send('GET', '/api/v1/me', undefined, elsewhere)).status).toBe(401);
    expect((await ada.send('GET', '/api/v1/me', undefined, cookieOf(changed))).status).toBe(200);
    expect(await ada.actions()).toContain('user.change-password');
  });
});

describe('a session that was signed in to a while ago', () => {
  const age = () => ageSessions(world.db.$client);

  test('has to be signed in to again for what cannot be taken back; keys are not asked', async () => {
    const [vault] = await world.api.get<{ id: string }[]>('/vaults');
    const kit = (jar?: string) =>
      ada.send('POST', `/api/v1/vaults/${vault?.id}/recovery-kit`, undefined, jar);
    expect((await kit()).status).toBe(200);
    age();
    const refused = await kit();
    expect(refused.status).toBe(403);
    expect(await refused.json()).toMatchObject({ error: { code: 'reauthentication_required' } });
    for (const [method, path, body] of [
      ['POST', '/invitations', { standing: { role: 'viewer' } }],
      ['POST', '/api-keys', { name: 'x' }],
    ] as const) {
      expect((await ada.send(method, `/api/v1${path}`, body)).status).toBe(403);
    }
    expect((await ada.send('GET', '/api/v1/overview')).status).toBe(200);
    const again = cookieOf(await ada.signIn(owner.password, ada.jar.cookie));
    expect((await kit(again)).status).toBe(200);
    await world.api.post('/invitations', { standing: { role: 'viewer' } });
  });
});
