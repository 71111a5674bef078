import { Resolver } from 'node:dns/promises';
import type { NetworkInterfaceInfo } from 'node:os';
import { isLoopback, type Surroundings } from '../surroundings.ts';
import type { Container } from './containers.ts';
import { byTcp, type Way } from './leads.ts';

/** Limit of one question to a name server, in milliseconds. */
const NAME_MS = 300;

/** Where the agent itself is. */
export interface Standpoint {
  around: Surroundings | undefined;
  hostname: string;
  interfaces: NodeJS.Dict<NetworkInterfaceInfo[]>;
}

/**
 * Ways to one port of a container, best first; the first that answers is offered.
 * @param named address that the container's name stands for where the agent is, if it does
 */
export function waysInto(
  container: Container,
  port: number,
  { around, named }: { around: Surroundings | undefined; named: string | undefined },
): Way[] {
  const inside = container.networks.map(({ address }) => byTcp({ host: address, port }));
  const published = container.ports.flatMap((one) =>
    one.inside === port && one.published ? [one.published] : [],
  );
  if (!around || around.hostNetwork) {
    // What is published stays when the container is made anew; its own address does not.
    return [
      ...distinct(published.map((one) => byTcp({ host: local(one.address), port: one.port }))),
      ...inside,
    ];
  }
  const byName = named ? [{ host: container.name, port, endpoint: { host: named, port } }] : [];
  const byHost = published
    .filter(({ address }) => !isLoopback(address))
    .flatMap((one) => around.hostAddresses.map((host) => byTcp({ host, port: one.port })));
  return [...byName, ...inside, ...distinct(byHost)];
}

/**
 * The address that a container's name stands for; `undefined` where no name server near the agent knows it. Asked of
 * name servers directly: the system's own look-up cannot be ended, and would keep the agent from its files.
 */
export async function addressByName(container: Container): Promise<string | undefined> {
  const resolver = new Resolver({ timeout: NAME_MS, tries: 1 });
  const addresses = await resolver.resolve4(container.name).catch(() => []);
  return addresses.find((address) => container.networks.some((network) => network.address === address));
}

/** The container this agent runs in, out of the list: it has the agent's host name, or one of its addresses. */
export function selfAmong(containers: Container[], standpoint: Standpoint): Container | undefined {
  if (!standpoint.around || standpoint.around.hostNetwork) return undefined;
  const mine = new Set(
    Object.values(standpoint.interfaces).flatMap((list) => (list ?? []).map(({ address }) => address)),
  );
  return (
    containers.find(({ id }) => standpoint.hostname.length >= 12 && id.startsWith(standpoint.hostname)) ??
    containers.find(({ networks }) => networks.some(({ address }) => mine.has(address)))
  );
}

function local(address: string): string {
  if (address === '0.0.0.0' || address === '::') return '127.0.0.1';
  return address;
}

/** A port may be published for IPv4 and IPv6 alike. */
function distinct(ways: Way[]): Way[] {
  return ways.filter(
    (way, at) => ways.findIndex(({ host, port }) => host === way.host && port === way.port) === at,
  );
}
