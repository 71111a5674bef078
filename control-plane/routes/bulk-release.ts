import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { Hono, type MiddlewareHandler } from 'hono';
import { fail } from '../../protocol/failure.ts';
import type { SignedManifest } from '../../protocol/release.ts';
import type { BulkEnv } from '../agents/bulk-auth.ts';
import type { AgentRelease } from '../agents/release.ts';
import { servedRefusal } from '../agents/updates.ts';
import { signedJson } from './bulk-reply.ts';

/**
 * The signed build for agents that update, to be mounted at `/agent/v1`: the manifest, then its files part by part.
 * @param authenticate `bulkAuth`
 */
export function bulkReleaseRoutes(release: AgentRelease, authenticate: MiddlewareHandler<BulkEnv>) {
  return new Hono<BulkEnv>()
    .use('/release', authenticate)
    .use('/release/*', authenticate)
    .get('/release', async (c) => {
      const refusal = await servedRefusal(release);
      const found = await release.signed();
      if (refusal) throw refusal;
      if (!found) throw gone();
      const reply: SignedManifest = {
        manifest: found.manifest.toString('utf8'),
        signature: found.signature,
      };
      return signedJson(c, reply);
    })
    .get('/release/:file', async (c) => {
      const file = await release.file(c.req.param('file'));
      if (!file) throw gone();
      const match = /^bytes=(\d{1,10})-(\d{1,10})$/.exec(c.req.header('range') ?? '');
      const [start, end] = [Number(match?.[1]), Number(match?.[2])];
      if (!match || start > end || end >= file.size) {
        throw fail('invalid_input', 'The range is not one of this file.', 'Ask for the update again.');
      }
      const stream = (await open(file.path)).createReadStream({ start, end });
      return c.body(Readable.toWeb(stream) as ReadableStream, 206, {
        'content-type': 'application/octet-stream',
        'content-length': String(end - start + 1),
        'content-range': `bytes ${start}-${end}/${file.size}`,
      });
    });
}

function gone() {
  return fail(
    'not_found',
    'The built agent has no such file.',
    'It was built anew: ask for the update again.',
  );
}
