import os from 'node:os';
import { ENGINE_IDS } from '../../protocol/engines/registry.ts';
import type { DiscoveredServer, KnownServer, ValueOf } from '../../protocol/messages.ts';
import type { EngineDriver } from '../engines/driver.ts';
import type { JobParts } from '../jobs/parts.ts';
import { isLoopback, type Surroundings, surroundings } from '../surroundings.ts';
import { containerLeads } from './container-leads.ts';
import { hostLeads, type Lead, outerHostLeads, type Way } from './leads.ts';

/** Limit of one look around, in milliseconds; what has not answered by then is left out. */
const LIMIT_MS = 2_500;
/** Limit of one question, in milliseconds. */
const ASK_MS = 800;
const AT_ONCE = 8;
const MAX_LEADS = 200;
const MAX_SERVERS = 100;
const MAX_NOTES = 20;

export type DiscoveryParts = Pick<JobParts, 'servers' | 'driverFor'> & {
  /** API sockets of Docker or Podman to ask for containers. */
  containerSockets?: readonly string[] | undefined;
  /** Whether the agent is in a container; found out where absent. */
  around?: Surroundings | undefined;
};

interface Found {
  lead: Lead;
  driver: EngineDriver;
  version: string | null;
  way: Way;
}

/**
 * Looks for database servers on this host, without logging in to any: what listens here, by TCP or unix socket,
 * and what containers hold. Ends within three seconds.
 */
export async function discoverServers(
  parts: DiscoveryParts,
  signal: AbortSignal,
): Promise<ValueOf<'servers.discover'>> {
  const deadline = AbortSignal.timeout(LIMIT_MS);
  const within = AbortSignal.any([signal, deadline]);
  const drivers = ENGINE_IDS.map((engine) => parts.driverFor(engine)).filter(({ identify }) => identify);
  const { leads, notes } = await collectLeads(parts, drivers, within);
  const found = await askAll(leads.slice(0, MAX_LEADS), within);
  signal.throwIfAborted();
  if (deadline.aborted)
    notes.push('Looking took too long; some places were not asked. Look again, or add the server by hand.');
  const known = await parts.servers.list();
  return {
    servers: merge(found)
      .slice(0, MAX_SERVERS)
      .map((same) => describe(same, known)),
    notes: notes.slice(0, MAX_NOTES).map((note) => note.slice(0, 1024)),
  };
}

async function collectLeads(parts: DiscoveryParts, drivers: EngineDriver[], signal: AbortSignal) {
  const around = 'around' in parts ? parts.around : surroundings();
  const standpoint = { around, hostname: os.hostname(), interfaces: os.networkInterfaces() };
  const notes: string[] = [];
  const [containers, host] = await Promise.all([
    containerLeads(parts.containerSockets ?? [], drivers, { standpoint, signal }),
    hostLeads(drivers, signal).catch(() => {
      notes.push('What listens on this host can be looked up on Linux only. Add servers by hand here.');
      return [];
    }),
  ]);
  if (around && !around.hostNetwork) {
    notes.push(
      'This agent runs in a container: it sees servers inside it, on its host’s usual ports, and containers whose engine it may ask.',
    );
  }
  return {
    leads: [...containers.leads, ...host, ...outerHostLeads(drivers, around)],
    notes: [...notes, ...containers.notes],
  };
}

/** In the order of the leads, some at a time. */
async function askAll(leads: Lead[], signal: AbortSignal): Promise<Found[]> {
  const answers: (Found | undefined)[] = [];
  const waiting = [...leads.entries()];
  const worker = async () => {
    for (let next = waiting.shift(); next && !signal.aborted; next = waiting.shift()) {
      answers[next[0]] = await ask(next[1], signal);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return answers.filter((one) => one !== undefined);
}

async function ask(lead: Lead, signal: AbortSignal): Promise<Found | undefined> {
  for (const way of lead.ways) {
    for (const driver of lead.drivers) {
      if (signal.aborted) return undefined;
      const patience = AbortSignal.any([signal, AbortSignal.timeout(ASK_MS)]);
      // Whatever a stranger's port does instead of answering means: no server of this engine.
      const greeting = await driver.identify?.(way.endpoint, patience).catch(() => undefined);
      if (!greeting) continue;
      const seen = lead.process && (await driver.traces?.version?.(lead.process));
      return { lead, driver, way, version: greeting.version ?? seen ?? null };
    }
  }
  return undefined;
}

/** One server may have been met on several ways; the groups have the best one first. */
function merge(found: Found[]): Found[][] {
  const groups: Found[][] = [];
  for (const one of found) {
    const same = groups.find((group) => group.some((other) => isSame(one, other)));
    if (same) same.push(one);
    else groups.push([one]);
  }
  return groups;
}

function isSame(a: Found, b: Found): boolean {
  if (a.driver.engine !== b.driver.engine) return false;
  const [mine, other] = [a.lead.process, b.lead.process];
  if (mine && other) return mine.pid === other.pid;
  if (sameAddress(a.way, b.way)) return true;
  // Where processes cannot be looked at, a server's socket is told by its port.
  const sources = [a.lead.source, b.lead.source];
  const socketAndTcp = sources.includes('socket') && sources.includes('tcp');
  return socketAndTcp && !mine && !other && a.way.port === b.way.port;
}

function describe(same: Found[], known: KnownServer[]): DiscoveredServer {
  const [{ driver, lead, version, way }] = same as [Found, ...Found[]];
  const added = known.find(({ connection }) => same.some((one) => sameAddress(one.way, connection)));
  return {
    engine: driver.engine,
    version: version?.slice(0, 64) ?? null,
    host: way.host,
    port: way.port,
    source: lead.source,
    ...(lead.container ? { container: lead.container.slice(0, 255) } : {}),
    serverId: added?.id ?? null,
  };
}

/** A unix socket's path may tell the server by itself, whatever the port. */
function sameAddress(way: Way, { host, port }: { host?: unknown; port?: unknown }): boolean {
  if (typeof host !== 'string') return false;
  if (Number(port) !== way.port) return 'path' in way.endpoint && host === way.endpoint.path;
  return host === way.host || (isLoopback(host) && isLoopback(way.host));
}
