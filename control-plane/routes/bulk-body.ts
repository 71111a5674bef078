import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import type { Context } from 'hono';
import { fail } from '../../protocol/failure.ts';
import type { BulkEnv } from '../agents/bulk-auth.ts';

/**
 * The body of a bulk request, part by part as the socket gives it: no web stream and no copy in between.
 * @throws FailureError `message_too_large` at once where the request says so itself, else when it gets there
 */
export async function* bodyOf(c: Context<BulkEnv>, maxBytes: number): AsyncGenerator<Uint8Array, void> {
  if (Number(c.req.header('content-length') ?? 0) > maxBytes) throw tooLarge(maxBytes);
  let length = 0;
  try {
    for await (const part of partsOf(c)) {
      length += part.length;
      if (length > maxBytes) throw tooLarge(maxBytes);
      yield part;
    }
  } catch (error) {
    if (!isBrokenOff(error)) throw error;
    throw fail('invalid_input', 'The upload broke off.', 'The agent sends it again by itself.', {
      retryable: true,
      cause: error,
    });
  }
}

/**
 * Lets one upload of a kind go on at a time, since it is kept in memory: a newer one under the same name means
 * that the agent has given the earlier up.
 */
export function uploadTurns(): (c: Context<BulkEnv>, name: string) => void {
  const uploads = new Map<string, IncomingMessage>();
  return (c, name) => {
    const incoming = c.env?.incoming as IncomingMessage | undefined;
    if (!incoming) return;
    uploads.get(name)?.destroy();
    uploads.set(name, incoming);
    incoming.once('close', () => {
      if (uploads.get(name) === incoming) uploads.delete(name);
    });
  };
}

/** A whole small body, proved to be the one that was signed. @throws FailureError `message_too_large` | `unauthorized` */
export async function collectBody(c: Context<BulkEnv>, maxBytes: number): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  const hash = createHash('sha256');
  for await (const part of bodyOf(c, maxBytes)) {
    hash.update(part);
    parts.push(part);
  }
  if (hash.digest('hex') !== c.get('bodyHash'))
    throw fail(
      'unauthorized',
      'The body is not the one the agent signed.',
      'Look for a proxy in front of the control plane that changes what passes.',
      { retryable: true },
    );
  return Buffer.concat(parts);
}

function partsOf(c: Context<BulkEnv>): AsyncIterable<Uint8Array> {
  const incoming: IncomingMessage | undefined = c.env?.incoming as IncomingMessage | undefined;
  // Stopping early must leave the socket alone: the refusal goes out on it.
  if (incoming) return incoming.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>;
  return c.req.raw.body ?? Readable.from([]);
}

function isBrokenOff(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ECONNRESET';
}

function tooLarge(maxBytes: number) {
  return fail('message_too_large', `The body is larger than ${maxBytes} bytes.`, 'Send less at once.');
}
