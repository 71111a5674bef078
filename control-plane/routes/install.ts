import { existsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { Hono } from 'hono';
import { fail } from '../../protocol/failure.ts';
import type { AppDeps } from '../deps.ts';
import type { RequestEnv } from '../http/env.ts';

/**
 * What a host needs to get an agent, to be mounted at `/`: public, because a host that has none yet has no
 * credentials either; there is nothing secret in it. Caches may keep it, and ask each time whether it has changed:
 * script and files belong together.
 */
export function installRoutes({ release }: Pick<AppDeps, 'release'>) {
  return new Hono<RequestEnv>()
    .get('/install.sh', async (c) => {
      const script = await release.script();
      if (!script) throw notBuilt();
      const etag = `"${script.sha256}"`;
      const headers = { 'cache-control': 'public, no-cache', etag };
      if (c.req.header('if-none-match') === etag) return c.body(null, 304, headers);
      return c.body(script.text, 200, { ...headers, 'content-type': 'text/x-shellscript; charset=utf-8' });
    })
    .get('/agent/:file', async (c) => {
      const name = c.req.param('file');
      const described = await release.file(name);
      // A packed control plane has only what hosts download.
      const file = described && existsSync(described.path) ? described : undefined;
      if (!file) throw (await release.current()) ? notHere(name) : notBuilt();
      const etag = `"${file.sha256}"`;
      const headers = { 'cache-control': 'public, no-cache', etag };
      if (c.req.header('if-none-match') === etag) return c.body(null, 304, headers);
      const head = {
        ...headers,
        'content-type': 'application/octet-stream',
        'content-length': String(file.size),
      };
      if (c.req.method === 'HEAD') return c.body(null, 200, head);
      const stream = (await open(file.path)).createReadStream();
      return c.body(Readable.toWeb(stream) as ReadableStream, 200, head);
    });
}

function notBuilt() {
  return fail(
    'not_found',
    'This control plane has no built agent to install.',
    'Run “npm run build” in its checkout; it needs no restart.',
  );
}

function notHere(name: string) {
  return fail('not_found', `The built agent has no file “${name}”.`, 'Its files are named in release.json.');
}
