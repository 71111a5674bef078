import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { serveStatic } from '@hono/node-server/serve-static';
import { Hono } from 'hono';
import type { RequestEnv } from './env.ts';

const NOT_BUILT = 'The web UI is not built. Stop this and run: npm start\n';

/** The built web UI: files as they are, and its one page for every other path. */
export function webRoutes(webRoot: string) {
  const page = join(webRoot, 'index.html');
  return new Hono<RequestEnv>()
    .use('/assets/*', async (c, next) => {
      await next();
      // Their names carry a hash of their content.
      if (c.res.ok) c.header('cache-control', 'public, max-age=31536000, immutable');
    })
    .use('*', existsSync(webRoot) ? serveStatic({ root: webRoot, index: 'none' }) : (_c, next) => next())
    .get('*', async (c) => {
      if (c.req.path.startsWith('/assets/')) return c.notFound();
      const html = await readFile(page, 'utf8').catch(() => undefined);
      if (html === undefined) return c.text(NOT_BUILT, 503);
      return c.html(html, 200, { 'cache-control': 'no-cache' });
    });
}
