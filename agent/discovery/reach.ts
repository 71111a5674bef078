import type { NetworkInterfaceInfo } from 'node:os';
import { isLoopback, type Surroundings } from '../surroundings.ts';
import type { Container } from './containers.ts';

/** Where the agent itself is. */
export interface Standpoint {
  around: Surroundings | undefined;
  hostname: string;
  interfaces: NodeJS.Dict<NetworkInterfaceInfo[]>;
}

/** Addresses to try for one port of a container, best first; the first that answers is offered. */
export function waysInto(
  container: Container,
  port: number,
  { self, standpoint }: { self: Container | undefined; standpoint: Standpoint },
): { host: string; port: number }[] {
  const { around } = standpoint;
  const inside = container.networks.map(({ address }) => ({ host: address, port }));
  const published = container.ports.flatMap((one) =>
    one.inside === port && one.published ? [one.published] : [],
  );
  if (!around || around.hostNetwork) {
    // What is published stays when the container is made anew; its own address does not.
    const ways = published.map((one) => ({ host: local(one.address), port: one.port }));
    return distinct([...ways, ...inside]);
  }
  const shared =
    self?.networks.some(({ name }) => container.networks.some((one) => one.name === name)) ?? false;
  const named = shared ? [{ host: container.name, port }] : [];
  const byHost = published
    .filter(({ address }) => !isLoopback(address))
    .flatMap((one) => around.hostAddresses.map((host) => ({ host, port: one.port })));
  return distinct([...named, ...inside, ...byHost]);
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

function distinct(ways: { host: string; port: number }[]): { host: string; port: number }[] {
  const seen = new Set<string>();
  return ways.filter(({ host, port }) => {
    const key = `${host} ${port}`;
    return seen.has(key) ? false : seen.add(key);
  });
}
