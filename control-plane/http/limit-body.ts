import { createMiddleware } from 'hono/factory';
import { fail } from '../../protocol/failure.ts';

/** What is read and thrown away of an oversized body, at most. */
const DISCARD = { bytes: 64 * 1024 * 1024, milliseconds: 1_000 };

type Reader = ReadableStreamDefaultReader<Uint8Array>;

/**
 * Bounds a request's body, and has it whole before anything else is looked at: nobody asks while they may do
 * something and sends what it is once they may not any more. Of one that is too large some more is read and thrown away before the refusal goes out:
 * closed on a client that still sends, the connection would be reset and the answer lost.
 * @param maxSize bytes
 * @throws FailureError `message_too_large`
 */
export function limitBody(maxSize: number) {
  return createMiddleware(async (c, next) => {
    const { body, headers } = c.req.raw;
    if (!body) return next();
    const declared = headers.has('transfer-encoding') ? null : headers.get('content-length');
    const reader = body.getReader();
    const fits = declared === null || Number(declared) <= maxSize;
    const read = fits ? await readUpTo(reader, maxSize) : undefined;
    if (!read) {
      await discard(reader);
      throw tooLarge(maxSize);
    }
    c.req.raw = new Request(c.req.raw, { body: read });
    return next();
  });
}

/** The whole body; undefined where it goes on beyond `maxSize` bytes. */
async function readUpTo(reader: Reader, maxSize: number): Promise<Buffer<ArrayBuffer> | undefined> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return Buffer.concat(parts);
    length += value.length;
    if (length > maxSize) return undefined;
    parts.push(value);
  }
}

async function discard(reader: Reader): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<'late'>();
  const timer = setTimeout(resolve, DISCARD.milliseconds, 'late');
  let length = 0;
  try {
    while (length <= DISCARD.bytes) {
      const part = await Promise.race([reader.read(), late]);
      if (part === 'late' || part.done) return;
      length += part.value.length;
    }
  } catch {
    // The client hung up: nobody is left to be told.
  } finally {
    clearTimeout(timer);
  }
}

function tooLarge(maxSize: number) {
  return fail(
    'message_too_large',
    `The body is larger than the ${maxSize} bytes accepted here.`,
    'Send less at a time.',
  );
}
