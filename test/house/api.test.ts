import { expect, test } from 'vitest';
import { createApp } from '../../control-plane/app.ts';
import { read } from './sources.ts';

/** Every route under `/api/v1`, as the app itself knows them; nothing is called, so nothing is needed behind them. */
function registered(): string[] {
  const nothing = { url: '', origins: [], webRoot: '' } as unknown as Parameters<typeof createApp>[0];
  const routes = createApp(nothing)
    .routes.filter(({ method, path }) => method !== 'ALL' && path.startsWith('/api/v1/'))
    .map(({ method, path }) => `${method} ${path.slice('/api/v1'.length)}`);
  return [...new Set(routes)].toSorted();
}

test('docs/api.md lists every route of the API, and no other', () => {
  const rows = read('docs/api.md').matchAll(/^\| `([A-Z]+ \/[^`?]*)(?:\?[^`]*)?` \|/gm);
  const listed = [...rows].map((match) => match[1] ?? '');
  expect(registered().length).toBeGreaterThan(30);
  expect(listed.toSorted()).toEqual(registered());
});
