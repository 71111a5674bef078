import { beforeEach, describe, expect, test } from 'vitest';
import { ageSessions } from '../support/age-sessions.ts';
import { codeFor, cookieOf, owner, ownerAt } from './owner.ts';
import { startWorld, type World } from './world.ts';

let world: World;
let ada: Awaited<ReturnType<typeof ownerAt>>;

beforeEach(async () => {
  world = await startWorld();
  ada = await ownerAt(world);
  return () => world[Symbol.asyncDispose]();
});

describe('a second factor', () => {
  test('is asked for from then on; without it nothing is served', async () => {
    const { totpURI } = await ada.withSecondFactor();
    const first = await ada.signIn();
    expect(await first.json()).toMatchObject({ twoFactorRedirect: true });
    const pending = cookieOf(first);
    expect((await ada.send('GET', '/api/v1/me', undefined, pending)).status).toBe(401);
    expect((await ada.post('/api/auth/two-factor/verify-totp', { code: '000000' }, pending)).status).toBe(
      401,
    );
    const second = await ada.post('/api/auth/two-factor/verify-totp', { code: codeFor(totpURI) }, pending);
    expect(second.status).toBe(200);
    const me = await ada.send('GET', '/api/v1/me', undefined, cookieOf(second));
    expect(await me.json()).toMatchObject({ user: { name: 'Ada', twoFactor: true } });
    expect(await ada.actions()).toEqual(
      expect.arrayContaining(['user.enable-two-factor', 'user.sign-in', 'user.sign-in-refused']),
    );
  });

  test('a backup code does once where the app is lost', async () => {
    const { backupCodes } = await ada.withSecondFactor();
    const use = async (code: string | undefined) =>
      (await ada.post('/api/auth/two-factor/verify-backup-code', { code }, cookieOf(await ada.signIn())))
        .status;
    expect(await use(backupCodes[0])).toBe(200);
    expect(await use(backupCodes[0])).toBe(401);
    expect(await use(backupCodes[1])).toBe(200);
  });

  test('guesses at codes are stopped', async () => {
    await ada.withSecondFactor();
    const pending = cookieOf(await ada.signIn());
    const statuses: number[] = [];
    for (let n = 0; n < 12; n += 1) {
      const guess = await ada.post(
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
    await ada.withSecondFactor();
    const disable = (password: string) =>
      ada.post('/api/auth/two-factor/disable', { password }, ada.jar.cookie);
    expect((await disable('wrong horse')).status).toBe(400);
    const disabled = await disable(owner.password);
    expect(disabled.status).toBe(200);
    expect(await (await ada.signIn()).json()).not.toHaveProperty('twoFactorRedirect');
    ada.jar.cookie = cookieOf(disabled);
    await ada.withSecondFactor();
    const [user] = await world.api.get<{ id: string }[]>('/users');
    const { url } = await world.api.post<{ url: string }>(`/users/${user?.id}/recovery-link`);
    const token = new URL(url).hash.slice(1);
    expect((await ada.post('/api/v1/links/accept', { token, password: 'another horse' })).status).toBe(201);
    expect(await (await ada.signIn('another horse')).json()).not.toHaveProperty('twoFactorRedirect');
  });
});

describe('what would go around the second factor does not', () => {
  test('no device is trusted', async () => {
    const { totpURI } = await ada.withSecondFactor();
    const pending = cookieOf(await ada.signIn());
    const body = { code: codeFor(totpURI), trustDevice: true };
    const done = await ada.post('/api/auth/two-factor/verify-totp', body, pending);
    expect(done.headers.getSetCookie().join()).not.toContain('trust_device');
    const jar = cookieOf(done);
    expect(await (await ada.signIn(owner.password, jar)).json()).toMatchObject({ twoFactorRedirect: true });
  });

  test.for([
    ['/two-factor/disable', { password: owner.password }],
    ['/two-factor/generate-backup-codes', { password: owner.password }],
    ['/change-password', { currentPassword: owner.password, newPassword: 'another horse' }],
  ] as const)('%s with the password alone needs a fresh sign-in', async ([path, body]) => {
    await ada.withSecondFactor();
    ageSessions(world.db.$client);
    const refused = await ada.post(`/api/auth${path}`, body, ada.jar.cookie);
    expect([refused.status, (await refused.json()).error.code]).toEqual([403, 'reauthentication_required']);
  });

  test('signing in once more keeps the session until the code is right, then ends it', async () => {
    const { totpURI } = await ada.withSecondFactor();
    const first = await ada.signIn(owner.password, ada.jar.cookie);
    const pending = cookieOf(first);
    expect(pending).not.toContain('session_token');
    expect((await ada.send('GET', '/api/v1/me')).status).toBe(200);
    const jar = `${ada.jar.cookie}; ${pending}`;
    expect((await ada.post('/api/auth/two-factor/verify-totp', { code: '000000' }, jar)).status).toBe(401);
    expect((await ada.send('GET', '/api/v1/me')).status).toBe(200);
    const done = await ada.post('/api/auth/two-factor/verify-totp', { code: codeFor(totpURI) }, jar);
    expect(done.status).toBe(200);
    expect((await ada.send('GET', '/api/v1/me')).status).toBe(401);
    expect((await ada.send('GET', '/api/v1/me', undefined, cookieOf(done))).status).toBe(200);
  });
});
