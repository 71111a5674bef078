import { isIP, type Socket } from 'node:net';
import type { CheckResult } from '../../protocol/doctor.ts';
import { reasonOf } from '../connection/endings.ts';
import type { Route } from '../connection/proxy.ts';
import { certificateFinding } from './certificate.ts';
import { type Finding, found, look, ok, type Subject, skipped, trouble } from './check.ts';
import {
  type Answered,
  addressesOf,
  askHealth,
  connectToAny,
  type Destination,
  openTunnel,
  shakeHands,
} from './stages.ts';

/** How long one stage may take, in milliseconds. */
const STAGE_MS = 8_000;
/** A clock that is further off than this is worth a word, in milliseconds. */
const SKEW_MS = 60_000;

/** What the stages hand to each other. */
interface Walk {
  origin: URL;
  destination: Destination;
  route: Route;
  addresses: string[];
  socket: Socket | undefined;
  answered: Answered | undefined;
}

interface Stage extends Subject {
  /** Whether later stages can do without it. */
  optional?: boolean;
  act(walk: Walk, signal: AbortSignal): Promise<Finding>;
}

/**
 * The way to a control plane, stage by stage: name, connection, certificate, answer, clock. A stage that fails keeps
 * those behind it from being looked at. Nothing secret is sent but a proxy's login to the proxy.
 */
export async function lookAtWay(origin: URL, route: Route): Promise<CheckResult[]> {
  const host = origin.hostname.replace(/^\[|\]$/g, '');
  const port = Number(origin.port) || (origin.protocol === 'https:' ? 443 : 80);
  const destination = { host, port };
  const walk: Walk = { origin, destination, route, addresses: [], socket: undefined, answered: undefined };
  const stages = [PROXY, ...(route.proxy ? [] : [NAME, CONNECTION]), CERTIFICATE, ANSWER, CLOCK];
  const results: CheckResult[] = [];
  let broken: string | undefined;
  for (const stage of stages) {
    const { id, title } = stage;
    const subject = { id, title };
    if (broken !== undefined) {
      results.push(found(subject, skipped(`Not looked at: “${broken}” comes before it.`)));
      continue;
    }
    // Left for a stage to end before its time is over, so that it can tell what it met.
    const result = await look(subject, STAGE_MS, (signal) =>
      stage.act(walk, AbortSignal.any([signal, AbortSignal.timeout(STAGE_MS - 1_000)])),
    );
    results.push(result);
    if (result.verdict === 'failed' && !stage.optional) broken = title;
  }
  walk.socket?.destroy();
  return results;
}

const PROXY: Stage = {
  id: 'control-plane.proxy',
  title: 'Proxy',
  async act(walk, signal) {
    const { destination, route } = walk;
    if (!route.proxy) return ok(`Not used: ${route.why}.`);
    walk.socket = await openTunnel(route.proxy, destination, signal);
    return ok(`${route.why}; it opens a tunnel to ${destination.host}:${destination.port}.`);
  },
};

const NAME: Stage = {
  id: 'control-plane.name',
  title: 'Name of the control plane',
  async act(walk) {
    const { host } = walk.destination;
    if (isIP(host) !== 0) {
      walk.addresses = [host];
      return ok(`${host} is an address.`);
    }
    try {
      walk.addresses = (await addressesOf(host)).slice(0, 8);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      const seen = code === 'ENOTFOUND' ? `${host} does not resolve.` : `No name server answers for ${host}.`;
      return trouble('failed', `${seen} (${reasonOf(error)})`, {
        fix: 'Check the spelling of the control plane’s address, and the DNS of this host. Where only a proxy resolves names, name it in agent.toml.',
        paste: `getent hosts ${host}`,
      });
    }
    return ok(`${host} is ${walk.addresses.join(', ')}.`);
  },
};

const CONNECTION: Stage = {
  id: 'control-plane.connection',
  title: 'Connection to the control plane',
  async act(walk, signal) {
    const { port } = walk.destination;
    const started = performance.now();
    try {
      const { address, failed, socket } = await connectToAny(walk.addresses, port, signal);
      walk.socket = socket;
      const took = Math.round(performance.now() - started);
      const lost = failed.filter(({ reason }) => !/ENETUNREACH|EADDRNOTAVAIL/.test(reason));
      if (lost.length === 0) return ok(`${address} port ${port} answers after ${took} ms.`);
      const named = lost.map(({ address: at, reason }) => `${at} (${reason})`).join(', ');
      return trouble('warning', `${address} port ${port} answers, but not ${named}.`, {
        fix: 'Mend these addresses, or take them out of the DNS: each connection may try them first.',
      });
    } catch (error) {
      return unanswered(error, walk);
    }
  },
};

function unanswered(error: unknown, { addresses, destination, origin }: Walk): Finding {
  const where = `${addresses.join(', ')} port ${destination.port}`;
  if ((error as NodeJS.ErrnoException).code === 'ECONNREFUSED') {
    return trouble('failed', `Nothing listens at ${where}.`, {
      fix: `Is the control plane, or the reverse proxy in front of it, running? Is ${origin.origin} its address, with the right port?`,
    });
  }
  return trouble('failed', `${where} cannot be connected to: ${reasonOf(error)}`, {
    fix: `Let this host open TCP connections to port ${destination.port} there, through every firewall; where a proxy is the only way out, name it in agent.toml.`,
  });
}

const CERTIFICATE: Stage = {
  id: 'control-plane.certificate',
  title: 'Certificate of the control plane',
  async act(walk, signal) {
    const { destination, origin, socket } = walk;
    if (origin.protocol === 'http:') return ok('Not used: on loopback plain HTTP will do.');
    if (!socket) throw new Error('There is no connection.');
    try {
      const { secured, shown } = await shakeHands(socket, destination.host, signal);
      walk.socket = secured;
      return certificateFinding(shown, Date.now());
    } catch (error) {
      walk.socket = undefined;
      return trouble('failed', `What answers there does not speak TLS: ${reasonOf(error)}`, {
        fix: 'Put TLS in front of the control plane and use that address; its own port speaks plain HTTP.',
      });
    }
  },
  // One that is not trusted still tells what is behind it, and what time it is there.
  optional: true,
};

const REVERSE_PROXY =
  'Check the address. A reverse proxy has to pass everything to the control plane, WebSockets included.';

const ANSWER: Stage = {
  id: 'control-plane.answer',
  title: 'Answer of the control plane',
  async act(walk, signal) {
    const { origin, socket } = walk;
    if (!socket) return skipped('Not looked at: there is no connection.');
    try {
      walk.answered = await askHealth(socket, origin, signal);
    } catch (error) {
      const seen = `What listens at ${origin.origin} gives no answer: ${reasonOf(error)}`;
      return trouble('failed', seen, { fix: `${REVERSE_PROXY} Is it the right port?` });
    }
    const { healthy, status } = walk.answered;
    if (healthy) return ok(`A control plane answers at ${origin.origin}.`);
    return trouble(
      'failed',
      `What answers at ${origin.origin} is no healthy control plane: status ${status}.`,
      {
        fix: `${REVERSE_PROXY} 502 to 504 mean that it cannot reach it.`,
      },
    );
  },
  optional: true,
};

const CLOCK: Stage = {
  id: 'host.clock',
  title: 'Clock of this host',
  async act({ answered }) {
    const skewMs = answered?.skewMs;
    if (skewMs === undefined) return skipped('Not compared: the control plane told no time.');
    const seconds = Math.round(Math.abs(skewMs) / 1000);
    if (Math.abs(skewMs) < SKEW_MS) return ok('It agrees with the control plane’s.');
    const seen = `It is ${lengthOf(seconds)} ${skewMs > 0 ? 'behind' : 'ahead of'} the control plane’s.`;
    return trouble('warning', seen, {
      fix: 'Set the wrong one of the two. Certificates are judged by this clock, and snapshots and job logs carry its times; leases and schedules do not depend on it.',
      paste: 'timedatectl set-ntp true',
    });
  },
};

function lengthOf(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} days`;
}
