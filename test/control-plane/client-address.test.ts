import { describe, expect, test } from 'vitest';
import { createClientAddress } from '../../control-plane/client-address.ts';
import { readConfig } from '../../control-plane/config.ts';

/** A request from this address, with this `X-Forwarded-For`. */
function from(remoteAddress: string, forwarded?: string) {
  const headers = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded };
  return { headers, socket: { remoteAddress } } as Parameters<ReturnType<typeof createClientAddress>>[0];
}
const configured = (text?: string) => {
  const env: Record<string, string> = text === undefined ? {} : { HOMEPORT_TRUSTED_PROXY: text };
  return createClientAddress(readConfig(env).trustedProxies);
};

describe('the address of a client', () => {
  test('is what a proxy on this host says of the hop before it, unless told otherwise', () => {
    const clientAddress = configured();
    for (const proxy of ['127.0.0.1', '127.0.0.9', '::1', '::ffff:127.0.0.1'])
      expect(clientAddress(from(proxy, '203.0.113.9, 198.51.100.7'))).toBe('198.51.100.7');
    expect(clientAddress(from('127.0.0.1'))).toBe('127.0.0.1');
    expect(clientAddress(from('127.0.0.1', 'unknown'))).toBe('127.0.0.1');
    expect(clientAddress(from('::1', '2001:db8::5'))).toBe('2001:db8::5');
  });

  test('is that of the connection where the other end is no configured proxy', () => {
    expect(configured()(from('192.0.2.4', '198.51.100.7'))).toBe('192.0.2.4');
    expect(configured()(from('::ffff:192.0.2.4', '198.51.100.7'))).toBe('192.0.2.4');
    const other = configured('10.89.0.0/24,2001:db8::/64');
    expect(other(from('10.89.0.3', '198.51.100.7'))).toBe('198.51.100.7');
    expect(other(from('2001:db8::9', '198.51.100.7'))).toBe('198.51.100.7');
    for (const stranger of ['10.89.1.3', '127.0.0.1', '::1', '2001:db8:1::9'])
      expect(other(from(stranger, '198.51.100.7'))).toBe(stranger);
    expect(configured('none')(from('127.0.0.1', '198.51.100.7'))).toBe('127.0.0.1');
  });

  test('wants proxies that are addresses', () => {
    for (const wrong of [
      'proxy.example.org',
      '10.0.0.0/33',
      '10.0.0.0/',
      '10.0.0.0/8/8',
      '10.0.0.0/-1',
      '/8',
    ])
      expect(() => configured(wrong), wrong).toThrow(/HOMEPORT_TRUSTED_PROXY: “.*” is neither/);
  });
});
