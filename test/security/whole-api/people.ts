import { expect } from 'vitest';
import { cookieOf, owner, ownerAt } from '../../control-plane/owner.ts';
import type { World } from '../../control-plane/world.ts';
import type { Place } from './world.ts';

type Browser = Awaited<ReturnType<typeof ownerAt>>;

/** The owner, another user and their keys, sessions and links: whatever concerns people, asked once. */
export async function peopleStory(place: Place): Promise<Browser> {
  const ada = await becomeOwner(place);
  await secondFactor(place, ada);
  await sessions(place, ada);
  await keys(place, ada);
  await colleague(place, ada);
  return ada;
}

/** Both halves of a cookie, as the browser has it and as it reads decoded. */
function plantCookie({ canaries }: Place, name: string, cookie: string, shownBy: string): void {
  for (const pair of cookie.split('; ').filter((one) => /session_token=/.test(one))) {
    const value = decodeURIComponent(pair.slice(pair.indexOf('=') + 1));
    canaries.plant(`${name} (cookie)`, value, shownBy);
    canaries.plant(`${name} (token)`, value.split('.')[0] ?? '', shownBy);
  }
}

async function becomeOwner(place: Place): Promise<Browser> {
  const { canaries, home } = place;
  const link = await home.controlPlane.setupLink();
  const token = canaries.plant('set-up token', link.split('#')[1] ?? '', 'the control plane’s log');
  canaries.plant('password of a user', owner.password);
  const { url } = home.controlPlane;
  await home.api.get('/setup');
  const ada = await ownerAt({ url, api: home.api, setupToken: () => token } as World);
  plantCookie(place, 'first session', ada.jar.cookie, 'POST /api/v1/setup');
  expect((await ada.signIn(canaries.plant('wrong password', 'canary: not my password'))).status).toBe(401);
  return ada;
}

async function secondFactor(place: Place, ada: Browser): Promise<void> {
  const { canaries } = place;
  const { backupCodes, totpURI } = await ada.withSecondFactor();
  const enabled = 'POST /api/auth/two-factor/enable';
  plantCookie(place, 'session after enabling', ada.jar.cookie, 'POST /api/auth/two-factor/verify-totp');
  canaries.plant('TOTP secret', new URL(totpURI).searchParams.get('secret') ?? '', enabled);
  for (const [n, code] of backupCodes.entries()) canaries.plant(`backup code ${n}`, code, enabled);
  const again = await ada.signIn();
  const used = { code: backupCodes[0] };
  const verified = await ada.post('/api/auth/two-factor/verify-backup-code', used, cookieOf(again));
  expect(verified.status).toBe(200);
  plantCookie(place, 'second session', cookieOf(verified), 'POST /api/auth/two-factor/verify-backup-code');
  const wrong = { code: canaries.plant('wrong code', 'canary-code') };
  await ada.post('/api/auth/two-factor/verify-backup-code', wrong, cookieOf(await ada.signIn()));
}

async function sessions({ home }: Place, ada: Browser): Promise<void> {
  const list = await ada.send('GET', '/api/v1/me/sessions');
  const all = (await list.json()) as { id: string; current: boolean }[];
  const other = all.find(({ current }) => !current);
  expect((await ada.send('DELETE', `/api/v1/me/sessions/${other?.id}`)).status).toBe(200);
  expect((await ada.send('DELETE', '/api/v1/me/sessions')).status).toBe(200);
  await home.api.get('/me/passkeys');
  await home.api.get('/sign-in');
}

async function keys({ canaries }: Place, ada: Browser): Promise<void> {
  const made = await ada.send('POST', '/api/v1/api-keys', { name: 'scoped', scopes: ['view'] });
  const { id, key } = (await made.json()) as { id: string; key: string };
  canaries.plant('API key', key, 'POST /api/v1/api-keys');
  expect((await ada.send('DELETE', `/api/v1/api-keys/${id}`)).status).toBe(200);
}

const hashOf = (url: string) => url.split('#')[1] ?? '';

/** Somebody is invited, joins, forgets the password, comes back, and is removed. */
async function colleague({ canaries, home: { api } }: Place, ada: Browser): Promise<void> {
  const withdrawn = await api.post<{ id: string; url: string }>('/invitations', {
    standing: { role: 'viewer' },
  });
  canaries.plant('token of a withdrawn invitation', hashOf(withdrawn.url), 'POST /api/v1/invitations');
  const { url } = await api.post<{ url: string }>('/invitations', {
    standing: { role: 'operator', extraRights: ['restore'], labels: ['canary-label'] },
    note: 'for Ben',
  });
  const token = canaries.plant('token of an invitation', hashOf(url), 'POST /api/v1/invitations');
  await api.get('/invitations');
  await api.delete(`/invitations/${withdrawn.id}`);
  await ada.post('/api/v1/links/look', { token });
  const password = canaries.plant('password of a colleague', 'canary of a colleague');
  const ben = { name: 'Ben', email: 'ben@example.org', password };
  expect((await ada.post('/api/v1/links/accept', { token, ...ben })).status).toBe(201);
  const users = await api.get<{ id: string; name: string }[]>('/users');
  const { id } = users.find(({ name }) => name === 'Ben') ?? { id: '' };
  const path = '/api/v1/users/:id/recovery-link';
  const recovery = await api.post<{ url: string }>(`/users/${id}/recovery-link`);
  const back = canaries.plant('token of a recovery link', hashOf(recovery.url), `POST ${path}`);
  await ada.post('/api/v1/links/look', { token: back });
  const chosen = canaries.plant('recovered password', 'canary, another one');
  expect((await ada.post('/api/v1/links/accept', { token: back, password: chosen })).status).toBe(201);
  await api.patch(`/users/${id}`, { role: 'viewer' });
  await api.delete(`/users/${id}`, { confirm: 'Ben' });
}
