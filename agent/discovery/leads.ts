import { createReadStream } from 'node:fs';
import type { DiscoveredServer } from '../../protocol/messages.ts';
import type { Endpoint, EngineDriver, HostProcess } from '../engines/driver.ts';
import { isLoopback, type Surroundings } from '../surroundings.ts';
import { socketOwners } from './processes.ts';
import { type ListeningPort, parseTcp, parseUnix } from './sockets.ts';

/** Most that is read of one list of sockets, in bytes. */
const MAX_LIST_BYTES = 4 * 1024 * 1024;

/** One way to a server: how it is asked, and what a connection then has as host and port. */
export interface Way {
  host: string;
  port: number;
  endpoint: Endpoint;
}

/** A place where a server may be, to be asked. */
export interface Lead {
  source: DiscoveredServer['source'];
  /** Engines it may be of, likeliest first. */
  drivers: EngineDriver[];
  /** Best first; the first that answers is offered. */
  ways: Way[];
  process?: HostProcess | undefined;
  container?: string;
}

/** A way by TCP. */
export function byTcp({ host, port }: { host: string; port: number }): Way {
  return { host, port, endpoint: { host, port } };
}

/** Ports at which servers of this engine usually listen. */
export function usualPorts(driver: EngineDriver): readonly number[] {
  return driver.traces?.ports ?? [];
}

/** What listens on this host, by TCP and by unix socket. @throws where this is no Linux */
export async function hostLeads(drivers: EngineDriver[], signal: AbortSignal): Promise<Lead[]> {
  const [tcp, tcp6, unix] = await Promise.all([
    readStart('/proc/net/tcp'),
    readStart('/proc/net/tcp6').catch(() => ''), // IPv6 may be off
    readStart('/proc/net/unix').catch(() => ''),
  ]);
  const programs = new Set(drivers.flatMap(({ traces }) => traces?.programs ?? []));
  const owners = await socketOwners(programs, signal);
  return [
    ...tcpLeads([...parseTcp(tcp), ...parseTcp(tcp6)], drivers, owners),
    ...parseUnix(unix).flatMap(({ path, inode }) => socketLead(path, drivers, owners.get(inode))),
  ];
}

/**
 * The whole lines at the beginning of a list of the kernel's, which may be very long: a busy proxy has a million
 * connections. Those who listen come first.
 */
async function readStart(path: string): Promise<string> {
  const parts = await Array.fromAsync(createReadStream(path, { end: MAX_LIST_BYTES - 1 }));
  const text = Buffer.concat(parts).toString('utf8');
  return text.slice(0, text.lastIndexOf('\n') + 1);
}

function tcpLeads(
  listening: ListeningPort[],
  drivers: EngineDriver[],
  owners: Map<number, HostProcess>,
): Lead[] {
  const servers = Map.groupBy(listening, ({ inode, port }) => `${port} ${owners.get(inode)?.pid ?? ''}`);
  return [...servers.values()].flatMap((sockets): Lead[] => {
    const [{ inode, port }] = sockets as [ListeningPort, ...ListeningPort[]];
    const process = owners.get(inode);
    const likely = drivers.filter(
      (driver) =>
        usualPorts(driver).includes(port) || (process && driver.traces?.programs.includes(process.name)),
    );
    const ways = [...new Set(sockets.flatMap(({ address }) => reachableAs(address)))].toSorted(loopbackFirst);
    const lead = { source: 'tcp' as const, process, ways: ways.map((host) => byTcp({ host, port })) };
    return likely.length > 0 ? [{ ...lead, drivers: programFirst(likely, process) }] : [];
  });
}

function socketLead(path: string, drivers: EngineDriver[], process: HostProcess | undefined): Lead[] {
  const fitting = drivers.filter(({ traces }) => traces?.socket(path));
  const place = fitting[0]?.traces?.socket(path);
  if (!place) return [];
  const ways = [{ ...place, endpoint: { path } }];
  return [{ source: 'socket', drivers: programFirst(fitting, process), ways, process }];
}

/** One question less for a server whose program tells its engine; each may count as a failed connection there. */
function programFirst(drivers: EngineDriver[], process: HostProcess | undefined): EngineDriver[] {
  const own = (driver: EngineDriver) => Number(process && driver.traces?.programs.includes(process.name));
  return drivers.toSorted((a, b) => own(b) - own(a));
}

/** Whoever listens everywhere is reached on loopback, which no firewall and no change of address touches. */
function reachableAs(address: string): string[] {
  if (address === '0.0.0.0') return ['127.0.0.1'];
  return address === '::' ? ['127.0.0.1', '::1'] : [address];
}

function loopbackFirst(a: string, b: string): number {
  const rank = (host: string) => (host === '127.0.0.1' ? 0 : isLoopback(host) ? 1 : 2);
  return rank(a) - rank(b);
}

/** The usual ports of the host whose container the agent is in: nothing tells what listens there. */
export function outerHostLeads(drivers: EngineDriver[], around: Surroundings | undefined): Lead[] {
  if (!around || around.hostNetwork || around.hostAddresses.length === 0) return [];
  const ports = Map.groupBy(
    drivers.filter((driver) => usualPorts(driver).length > 0),
    (driver) => usualPorts(driver)[0] as number,
  );
  return [...ports].map(([port, those]) => ({
    source: 'tcp' as const,
    drivers: those,
    ways: around.hostAddresses.map((host) => byTcp({ host, port })),
  }));
}
