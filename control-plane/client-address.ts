import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';

const LOOPBACK = new Set(['127.0.0.1', '::1', '::ffff:127.0.0.1']);

/**
 * Address a request came from. A reverse proxy on this host is believed about the hop before it, nobody else:
 * the header's other entries are the client's own words.
 */
export function clientAddress(request: Pick<IncomingMessage, 'headers' | 'socket'>): string {
  const peer = request.socket.remoteAddress ?? '';
  const forwarded = String(request.headers['x-forwarded-for'] ?? '')
    .split(',')
    .at(-1)
    ?.trim();
  if (LOOPBACK.has(peer) && forwarded && isIP(forwarded)) return forwarded;
  return peer.replace(/^::ffff:/, '');
}
