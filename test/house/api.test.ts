import { expect, test } from 'vitest';
import { ACCESS } from '../../control-plane/auth/access.ts';
import { registeredRoutes } from '../support/routes.ts';
import { read } from './sources.ts';

test('docs/api.md lists every route of the API, and no other', () => {
  const rows = read('docs/api.md').matchAll(/^\| `([A-Z]+ \/[^`?]*)(?:\?[^`]*)?` \|/gm);
  const listed = [...rows].map((match) => match[1] ?? '');
  expect(registeredRoutes().length).toBeGreaterThan(30);
  expect(listed.toSorted()).toEqual(registeredRoutes());
});

test('docs/access.md says what each route asks for', () => {
  const rows = [...read('docs/access.md').matchAll(/^\| `([A-Z]+ \/[^`]*)` \| (.*) \|$/gm)];
  const listed = rows.map(([, route, rights]) => [route, rights?.replaceAll('`', '').split(' ')]);
  expect(listed).toEqual(Object.entries(ACCESS).map(([route, { needs }]) => [route, needs]));
});
