import { createHash } from 'node:crypto';
import { Hono } from 'hono';
import type { RouterRoute } from 'hono/types';
import type { PrincipalEnv } from '../auth/principal.ts';
import { openapiDocument } from '../openapi/document.ts';

/**
 * What the API is, for programs: OpenAPI 3.1.
 * @param url address people use, without a trailing slash
 * @param routes all that are registered, once they are
 */
export function openapiRoutes(url: string, routes: () => readonly RouterRoute[]) {
  let made: { text: string; etag: string } | undefined;
  const document = () => {
    const text = JSON.stringify(openapiDocument(url, routes()));
    return { text, etag: `"${createHash('sha256').update(text).digest('hex')}"` };
  };
  return new Hono<PrincipalEnv>().get('/openapi.json', (c) => {
    made ??= document();
    const headers = { etag: made.etag, 'cache-control': 'private, no-cache' };
    if (c.req.header('if-none-match') === made.etag) return c.body(null, 304, headers);
    return c.body(made.text, 200, { ...headers, 'content-type': 'application/json' });
  });
}
