import { execFile, spawn } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { createConnection } from 'node:net';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * A network of its own (Linux namespace) joined to this host by one cable. Needs root. Programs run inside
 * with `prefix` before their command.
 */
export interface Namespace extends AsyncDisposable {
  readonly name: string;
  readonly prefix: readonly string[];
  /** This host's end of the cable, as seen from inside. */
  readonly hostAddress: string;
  /** The inside's end. */
  readonly address: string;
  /** Raises the wall: nothing may come in, and the only way out is TCP to this port of the host. */
  allowOnly(port: number): Promise<void>;
  /** Takes the wall down. */
  open(): Promise<void>;
}

export async function createNamespace(): Promise<Namespace> {
  const id = randomBytes(3).toString('hex');
  const name = `hp-${id}`;
  const [outer, inner] = [`hpo${id}`, `hpi${id}`];
  const net = `10.${randomInt(128, 255)}.${randomInt(0, 255)}`;
  const [hostAddress, address] = [`${net}.1`, `${net}.2`];
  const ip = (...args: string[]) => run('ip', args);
  const remove = async () => {
    await ip('link', 'del', outer).catch(() => {}); // gone already when its twin went
    await ip('netns', 'del', name);
  };
  await ip('netns', 'add', name);
  try {
    await ip('link', 'add', outer, 'type', 'veth', 'peer', 'name', inner, 'netns', name);
    await ip('addr', 'add', `${hostAddress}/24`, 'dev', outer);
    await ip('link', 'set', outer, 'up');
    await ip('-n', name, 'addr', 'add', `${address}/24`, 'dev', inner);
    await ip('-n', name, 'link', 'set', inner, 'up');
    await ip('-n', name, 'link', 'set', 'lo', 'up');
    await ip('-n', name, 'route', 'add', 'default', 'via', hostAddress);
  } catch (error) {
    await remove();
    throw error;
  }
  return {
    name,
    prefix: ['ip', 'netns', 'exec', name],
    hostAddress,
    address,
    allowOnly: (port) => nft(name, wall(hostAddress, port)),
    open: () => nft(name, 'flush ruleset\n'),
    [Symbol.asyncDispose]: remove,
  };
}

function wall(host: string, port: number): string {
  return `flush ruleset
table inet wall {
  chain input {
    type filter hook input priority 0; policy drop;
    iif lo accept
    ct state established,related accept
  }
  chain output {
    type filter hook output priority 0; policy drop;
    oif lo accept
    ct state established,related accept
    ip daddr ${host} tcp dport ${port} accept
  }
}
`;
}

function nft(namespace: string, rules: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('ip', ['netns', 'exec', namespace, 'nft', '-f', '-'], {
      stdio: ['pipe', 'ignore', 'pipe'],
    });
    let complaint = '';
    child.stderr.on('data', (chunk) => {
      complaint += chunk;
    });
    child.once('error', reject);
    child.once('close', (code) => (code === 0 ? resolve() : reject(new Error(`nft: ${complaint}`))));
    child.stdin.end(rules);
  });
}

/** Whether a TCP connection to this address comes about within two seconds. */
export function reachable(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host, port, timeout: 2000 });
    const answer = (value: boolean) => {
      socket.destroy();
      resolve(value);
    };
    socket.once('connect', () => answer(true));
    socket.once('error', () => answer(false));
    socket.once('timeout', () => answer(false));
  });
}
