import { createApp } from '../../control-plane/app.ts';

/** Every route under `/api/v1`, as the app itself knows them; nothing is called, so nothing is needed behind them. */
export function registeredRoutes(): string[] {
  const nothing = { url: '', origins: [], webRoot: '' } as unknown as Parameters<typeof createApp>[0];
  const routes = createApp(nothing)
    .routes.filter(({ method, path }) => method !== 'ALL' && path.startsWith('/api/v1/'))
    .map(({ method, path }) => `${method} ${path.slice('/api/v1'.length)}`);
  return [...new Set(routes)].toSorted();
}
