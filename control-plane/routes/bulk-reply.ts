import type { Context } from 'hono';
import { BULK_HEADERS } from '../../protocol/bulk.ts';
import type { BulkEnv } from '../agents/bulk-auth.ts';

/** A reply that the agent can tell from anybody else's. */
export function signed(
  c: Context<BulkEnv>,
  body: Uint8Array<ArrayBuffer>,
  type = 'application/octet-stream',
): Response {
  const signature = c.get('signReply')(200, body);
  return c.body(body, 200, { 'content-type': type, [BULK_HEADERS.signature]: signature });
}

/** {@link signed}, of JSON. */
export function signedJson(c: Context<BulkEnv>, value: unknown): Response {
  return signed(c, Buffer.from(JSON.stringify(value)), 'application/json');
}
