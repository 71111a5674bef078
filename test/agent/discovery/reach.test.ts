import { expect, test } from 'vitest';
import type { Container } from '../../../agent/discovery/containers.ts';
import { selfAmong, waysInto } from '../../../agent/discovery/reach.ts';
import type { Surroundings } from '../../../agent/surroundings.ts';

const container = (facts: Partial<Container>): Container => ({
  id: 'a'.repeat(64),
  name: 'shop-db',
  image: 'any',
  networks: [{ name: 'shop', address: '172.18.0.2' }],
  ports: [{ inside: 5432 }],
  ...facts,
});
const inside: Surroundings = { container: 'docker', hostAddresses: ['172.17.0.1'], hostNetwork: false };
const addresses = (ways: ReturnType<typeof waysInto>) => ways.map(({ host, port }) => `${host}:${port}`);
const published = (address: string) => ({ inside: 5432, published: { address, port: 5433 } });

test('from the host: a published port first, once, then the container’s own address', () => {
  const one = container({ ports: [published('0.0.0.0'), published('::')] });
  for (const around of [undefined, { ...inside, hostNetwork: true }]) {
    expect(addresses(waysInto(one, 5432, { around, named: undefined }))).toEqual([
      '127.0.0.1:5433',
      '172.18.0.2:5432',
    ]);
  }
});

test('published on one address of the host only, it is that one', () => {
  const one = container({ ports: [published('10.0.0.7')] });
  expect(addresses(waysInto(one, 5432, { around: undefined, named: undefined }))[0]).toBe('10.0.0.7:5433');
});

test('from a container: by name where the name is known, then by address, then through the host', () => {
  const one = container({ ports: [published('0.0.0.0')] });
  const ways = waysInto(one, 5432, { around: inside, named: '172.18.0.2' });
  expect(addresses(ways)).toEqual(['shop-db:5432', '172.18.0.2:5432', '172.17.0.1:5433']);
  // It is asked by its address: the name has been looked up already.
  expect(ways[0]?.endpoint).toEqual({ host: '172.18.0.2', port: 5432 });
});

test('what is published on the host’s loopback only is of no use in a container', () => {
  const one = container({ networks: [], ports: [published('127.0.0.1')] });
  expect(waysInto(one, 5432, { around: inside, named: undefined })).toEqual([]);
});

test('an agent knows its own container by its host name or its address', () => {
  const [other, own] = [container({}), container({ id: `0123456789ab${'c'.repeat(52)}`, networks: [] })];
  const at = { around: inside, interfaces: {} };
  expect(selfAmong([other, own], { ...at, hostname: '0123456789ab' })).toBe(own);
  expect(selfAmong([other, own], { ...at, hostname: 'agent' })).toBeUndefined();
  const interfaces = { eth0: [{ address: '172.18.0.2' }] as never };
  expect(selfAmong([other, own], { ...at, interfaces, hostname: 'agent' })).toBe(other);
  expect(selfAmong([other, own], { around: undefined, interfaces, hostname: 'x' })).toBeUndefined();
});
