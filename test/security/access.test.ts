import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ACCESS } from '../../control-plane/auth/access.ts';
import { EXTRA_RIGHTS, type ExtraRight, ROLES, type Role } from '../../control-plane/auth/rights.ts';
import { startWorld, type World } from '../control-plane/world.ts';
import { type Api, createApi } from '../support/api.ts';
import { addPerson, type Person } from '../support/people.ts';
import { registeredRoutes } from '../support/routes.ts';
import { LEAST, OPEN_TO_ALL } from './access-table.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

/** What a route has to get before it looks at who asks. */
const BODIES: Record<string, object> = { 'POST /api-keys': { name: 'x', scopes: ['view'] } };

/** Asks a route about things that do not exist: only whether it lets the caller in is of interest. */
async function isAdmitted(route: string, key: string): Promise<boolean> {
  const [method = '', path = ''] = route.split(' ');
  const url = `${world.api.url}/api/v1${path.replace(':id', randomUUID())}`;
  const stop = new AbortController();
  const body = method === 'GET' ? {} : { body: JSON.stringify(BODIES[route] ?? {}) };
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  const response = await fetch(url, { method, headers, signal: stop.signal, ...body });
  const refused = response.status === 403 && (await response.json()).error.code === 'forbidden';
  stop.abort();
  expect(response.status, route).toBeLessThan(500 + (route.includes('probe') ? 100 : 0));
  return !refused;
}

function isMeant(least: string, role: Role, extras: readonly ExtraRight[]): boolean {
  const [leastRole, extra] = least.split('+') as [Role, ExtraRight | undefined];
  const enough = ROLES.indexOf(role) <= ROLES.indexOf(leastRole);
  return enough && (extra === undefined || role === 'owner' || extras.includes(extra));
}

test('every route of the API is in the table of access, and in the one of this test', () => {
  const guarded = registeredRoutes().filter((route) => !OPEN_TO_ALL.includes(route));
  expect(Object.keys(ACCESS).toSorted()).toEqual(guarded);
  expect(Object.keys(LEAST).toSorted()).toEqual(guarded);
});

const EXTRAS: readonly (readonly ExtraRight[])[] = [
  [],
  ...EXTRA_RIGHTS.map((right) => [right]),
  EXTRA_RIGHTS,
];
const STANDINGS = ROLES.flatMap((role) => EXTRAS.map((extras) => ({ role, extras })));

describe.for(STANDINGS)('$role with [$extras]', ({ extras, role }) => {
  let person: Person;
  beforeAll(async () => {
    person = await addPerson(world, { role, extraRights: extras });
  });

  test('may do what is meant, and nothing else', async () => {
    const seen: Record<string, boolean> = {};
    for (const route of Object.keys(LEAST)) seen[route] = await isAdmitted(route, person.api.key);
    const meant = Object.entries(LEAST).map(([route, least]) => [route, isMeant(least, role, extras)]);
    expect(seen).toEqual(Object.fromEntries(meant));
  });
});

describe('an API key', () => {
  test.for([...EXTRA_RIGHTS, 'metrics', 'operate', 'configure', 'administer', 'own'] as const)(
    'without the scope %s cannot use that right of its owner',
    async (right) => {
      const owner = await addPerson(world, { role: 'owner' });
      const { rights } = await owner.api.get<{ rights: string[] }>('/me');
      const scopes = rights.filter((one) => one !== right);
      const { key } = await owner.api.post<{ key: string }>('/api-keys', { name: 'narrow', scopes });
      const needing = Object.keys(ACCESS).filter((route) => ACCESS[route]?.needs.includes(right));
      expect(needing.length).toBeGreaterThan(0);
      for (const route of needing) expect([route, await isAdmitted(route, key)]).toEqual([route, false]);
    },
  );

  test('makes no other keys, and none that may do more than it may itself', async () => {
    const owner = await addPerson(world, { role: 'owner' });
    for (const maker of [owner.api, world.api]) {
      const keyWith = async (scopes: string[]) =>
        createApi(
          world.api.url,
          (await maker.post<{ key: string }>('/api-keys', { name: 'narrow', scopes })).key,
        );
      const ask = (api: Api, body: object = {}) =>
        api.post<{ scopes: string[] }>('/api-keys', { name: 'wider', ...body });
      const reader = await keyWith(['view']);
      await expect(ask(reader)).rejects.toMatchObject({ status: 403 });
      expect((await reader.get<{ rights: string[] }>('/me')).rights).toEqual(['view']);
      const admin = await keyWith(['view', 'fleet', 'administer']);
      await expect(ask(admin, { scopes: ['view', 'restore'] })).rejects.toMatchObject({ status: 403 });
      expect((await ask(admin)).scopes).toEqual(['view', 'fleet', 'administer']);
      // Nor does it let anybody in who may.
      for (const role of ['owner', 'operator']) {
        await expect(admin.post('/invitations', { standing: { role } })).rejects.toMatchObject({
          status: 403,
        });
      }
      await admin.post('/invitations', { standing: { role: 'viewer' } });
    }
  });

  test('loses what its user loses, at once, and ends with its user', async () => {
    const person = await addPerson(world, { role: 'operator', extraRights: ['restore'] });
    const change = (body: object) => world.api.patch(`/users/${person.id}`, body);
    const restore = 'POST /snapshots/:id/restore';
    expect(await isAdmitted(restore, person.api.key)).toBe(true);
    await change({ role: 'operator' });
    expect(await isAdmitted(restore, person.api.key)).toBe(false);
    await change({ role: 'viewer' });
    expect(await isAdmitted('POST /databases/:id/backup', person.api.key)).toBe(false);
    const users = await world.api.get<{ id: string; name: string }[]>('/users');
    const name = users.find(({ id }) => id === person.id)?.name;
    await world.api.delete(`/users/${person.id}`, { confirm: name });
    await expect(person.api.get('/me')).rejects.toMatchObject({ status: 401 });
  });
});
