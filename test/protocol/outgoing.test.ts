import { createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createOutgoing } from '../../protocol/outgoing.ts';

let port: number;
const server = createServer((_, reply) => void reply.end('reached'));
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  port = (server.address() as AddressInfo).port;
});
afterAll(() => server.close());

/** What a request to `localhost` that looks names up as told comes to. */
function ask(allowLocal: boolean): Promise<string> {
  const { lookup } = createOutgoing(allowLocal);
  return new Promise((resolve, reject) => {
    const request = get({ host: 'localhost', family: 4, port, lookup }, (reply) => {
      reply.setEncoding('utf8').once('data', resolve);
    });
    request.once('error', reject);
  });
}

test('a name that leads to this host is refused, unless the operator allows it', async () => {
  await expect(ask(false)).rejects.toThrow('this host itself');
  expect(await ask(true)).toBe('reached');
});

test.each([
  ['127.0.0.1', true],
  ['127.8.8.8', true],
  ['0.0.0.0', true],
  ['169.254.169.254', true],
  ['[::1]', true],
  ['[::]', true],
  ['[::ffff:127.0.0.1]', true],
  ['[fe80::1]', true],
  ['[fd00:ec2::254]', true],
  ['10.0.0.5', false],
  ['192.168.1.4', false],
  ['93.184.215.14', false],
  ['[2606:2800:220:1::1]', false],
  ['s3.example.org', false],
])('%s as a host: refused is %s', (host, refused) => {
  const check = () => createOutgoing(false).requireHost(host);
  if (refused) expect(check).toThrow('forbidden');
  else expect(check).not.toThrow();
  expect(() => createOutgoing(true).requireHost(host)).not.toThrow();
});
