import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What an agent in a container can know about where it is. */
export interface Surroundings {
  container: 'docker' | 'podman' | 'other';
  /** Names and addresses of the container's host as seen from inside, best first. */
  hostAddresses: string[];
  /** Whether it shares its host's network; loopback is then the host's own. */
  hostNetwork: boolean;
}

/** Names that container engines give to their host. */
const HOST_NAMES = ['host.docker.internal', 'host.containers.internal'];
/** Network devices that hosts have and containers do not. */
const HOST_DEVICES = /^(docker|podman|cni-|br-|veth|virbr|bond|wl|en[opsx])/;

let ours: Surroundings | undefined | null = null;

/** Where this agent runs: `undefined` outside of any container. Read once: it cannot change. */
export function surroundings(): Surroundings | undefined {
  if (ours === null) ours = lookAround('/');
  return ours;
}

/** {@link surroundings} as the files below `root` tell them. */
export function lookAround(root: string): Surroundings | undefined {
  const container = containerKind(root);
  if (!container) return undefined;
  const gateway = defaultGateway(read(root, 'proc/net/route'));
  const named = HOST_NAMES.filter((name) => read(root, 'etc/hosts').split(/\s+/).includes(name));
  const devices = [...read(root, 'proc/net/dev').matchAll(/^\s*([^\s:]+):/gm)].map((match) => match[1] ?? '');
  return {
    container,
    hostAddresses: [...named, ...(gateway ? [gateway] : [])],
    hostNetwork: devices.some((device) => HOST_DEVICES.test(device)),
  };
}

function containerKind(root: string): Surroundings['container'] | undefined {
  if (existsSync(join(root, 'run/.containerenv'))) return 'podman';
  if (existsSync(join(root, '.dockerenv'))) return 'docker';
  // Only root may read this; others have the files above or the paths below.
  const announced = /(?:^|\0)container=([^\0]+)/.exec(read(root, 'proc/1/environ'))?.[1];
  if (announced === 'docker' || announced === 'podman') return announced;
  if (announced) return 'other';
  return /docker|kubepods|containerd|libpod|lxc/.test(read(root, 'proc/1/cgroup')) ? 'other' : undefined;
}

/** The IPv4 default gateway of a `/proc/net/route`, e.g. `172.17.0.1`. */
function defaultGateway(routes: string): string | undefined {
  for (const line of routes.split('\n')) {
    const [, destination, gateway = '', flags = ''] = line.trim().split(/\s+/);
    const viaGateway = (Number.parseInt(flags, 16) & 2) !== 0;
    if (destination !== '00000000' || !viaGateway || !/^[0-9A-F]{8}$/i.test(gateway)) continue;
    return [...Buffer.from(gateway, 'hex')].reverse().join('.');
  }
  return undefined;
}

function read(root: string, path: string): string {
  try {
    return readFileSync(join(root, path), 'utf8');
  } catch {
    return ''; // not there, or not ours to read: then it tells nothing
  }
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1)$/i;

/** Whether an address means the machine it is used on. */
export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host);
}

/** What else to check where nothing answered at `host`; empty where there is nothing to add. */
export function refusedAdvice(host: string, around: Surroundings | undefined): string {
  if (!around || around.hostNetwork) {
    return isLoopback(host)
      ? ' A server in a container is reached here only by a port that its container publishes.'
      : '';
  }
  if (host.startsWith('/')) {
    return ' This agent runs in a container: a unix socket of the host has to be mounted into it.';
  }
  if (!isLoopback(host)) return '';
  return ` This agent runs in a container, so “${host}” is that container itself. ${toTheHost(around)} A server in another container is reached by that container’s name, on a network that both are on.`;
}

function toTheHost({ container, hostAddresses }: Surroundings): string {
  const docker = 'host.docker.internal';
  const known = hostAddresses.map((address) => `“${address}”`).join(' or ');
  // Docker on Linux knows this name only if it is told to: then it stands in /etc/hosts.
  const untold =
    container === 'docker' && !hostAddresses.includes(docker)
      ? `${known ? '; ' : ''}“${docker}” works on macOS and Windows, on Linux with extra_hosts “${docker}:host-gateway”`
      : '';
  const ways = known || untold ? `enter ${known}${untold}, or ` : '';
  return `For a server on the container’s host, which must listen on more than its own loopback, ${ways}run the agent’s container with network_mode: host.`;
}

/** What else to check where a name does not resolve. */
export function unknownHostAdvice(around: Surroundings | undefined): string {
  if (!around) {
    return ' A container’s name resolves only inside its container network: on the host use the port that the container publishes.';
  }
  const join = around.container === 'other' ? '' : `: ${around.container} network connect NETWORK CONTAINER`;
  return ` This agent runs in a container. Names of containers and of compose services resolve only on a network that both are on, and not on the default one; join the agent’s container to the database’s network${join}.`;
}
