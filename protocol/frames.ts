import { createHmac, timingSafeEqual } from 'node:crypto';
import { fail } from './failure.ts';

/** Largest frame on the agent socket, in bytes, either way. */
export const MAX_FRAME_BYTES = 1024 * 1024;

function mac(key: Uint8Array, counter: number, body: string): Buffer {
  return createHmac('sha256', key).update(`${counter}.`).update(body).digest();
}

/**
 * Wraps the JSON text of a message: `<counter>.<mac>.<json>`, the counter from 1, the MAC
 * HMAC-SHA-256(direction key, `<counter>.<json>`) in base64url.
 */
export function createFrameSealer(key: Uint8Array): (body: string) => string {
  let counter = 0;
  return (body) => {
    counter += 1;
    return `${counter}.${mac(key, counter, body).toString('base64url')}.${body}`;
  };
}

/** Unwraps frames in order; throws `signature_invalid` for one injected, replayed, dropped or reordered. */
export function createFrameOpener(key: Uint8Array): (frame: string) => string {
  let counter = 0;
  return (frame) => {
    const match = /^(\d{1,15})\.([A-Za-z0-9_-]{43})\./.exec(frame);
    const body = match ? frame.slice(match[0].length) : '';
    counter += 1;
    const given = Buffer.from(match?.[2] ?? '', 'base64url');
    const expected = mac(key, counter, body);
    if (
      Number(match?.[1]) !== counter ||
      given.length !== expected.length ||
      !timingSafeEqual(given, expected)
    ) {
      throw fail(
        'signature_invalid',
        'A frame on the agent socket was not sent by the other side.',
        'Something between agent and control plane changes traffic. Both reconnect by themselves; look for a proxy that rewrites WebSockets.',
        { retryable: true },
      );
    }
    return body;
  };
}
