import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';
import { fail } from '../protocol/failure.ts';

/** Address a request came from, as far as it can be believed. */
export type ClientAddress = (request: Pick<IncomingMessage, 'headers' | 'socket'>) => string;

/**
 * A reverse proxy among `proxies` is believed about the hop before it, nobody else: `X-Forwarded-For`’s other entries
 * are the client's own words, and so is all of it from anybody else. What a proxy says of scheme or host is never
 * looked at: the address of this control plane is a setting.
 * @param proxies addresses or ranges such as `10.89.0.0/24`
 * @throws FailureError `invalid_input` naming the one that is neither
 */
export function createClientAddress(proxies: readonly string[]): ClientAddress {
  const trusted = new BlockList();
  for (const proxy of proxies) addRange(trusted, proxy);
  return ({ headers, socket }) => {
    const peer = (socket.remoteAddress ?? '').replace(/^::ffff:/, '');
    const forwarded = String(headers['x-forwarded-for'] ?? '')
      .split(',')
      .at(-1)
      ?.trim();
    if (!forwarded || isIP(forwarded) === 0 || isIP(peer) === 0) return peer;
    return trusted.check(peer, familyOf(peer)) ? forwarded : peer;
  };
}

function addRange(list: BlockList, text: string): void {
  const [address = '', prefix, more] = text.split('/');
  const longest = isIP(address) === 6 ? 128 : 32;
  const length = prefix === undefined ? longest : /^\d+$/.test(prefix) ? Number(prefix) : Number.NaN;
  if (isIP(address) === 0 || more !== undefined || !(length <= longest))
    throw fail(
      'invalid_input',
      `HOMEPORT_TRUSTED_PROXY: “${text}” is neither an address nor a range of addresses.`,
      'Name the proxy as 192.0.2.7 or 192.0.2.0/24, several with commas between them, or none.',
    );
  list.addSubnet(address, length, familyOf(address));
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4';
}
