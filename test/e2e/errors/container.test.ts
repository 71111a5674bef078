import { afterAll, beforeAll, describe } from 'vitest';
import type { Agent } from '../../support/agent.ts';
import { startMariadb } from '../../support/mariadb.ts';
import { createNamespace, type Namespace } from '../../support/network.ts';
import { startPostgres } from '../../support/postgres.ts';
import { protect } from '../../support/protect.ts';
import type { TestServer } from '../../support/server-process.ts';
import { startTlsProxy } from '../../support/tls-proxy.ts';
import { privilegedTest } from '../world.ts';
import { connectionFailure, enter, jobFailure, sharedDesk } from './shown.ts';

/**
 * An agent in a container, as far as it can tell: a network of its own whose gateway is its host, where the database
 * servers are, and the mark that Podman leaves. With a real Podman: test/agent/discovery/containers.test.ts.
 */
const marked = (nameServer: string) => [
  ...['unshare', '--mount', 'sh', '-c'],
  `mount -t tmpfs none /run; touch /run/.containerenv; echo nameserver ${nameServer} >/run/resolv.conf
   mount --bind /run/resolv.conf /etc/resolv.conf; exec "$@"`,
  'sh',
];

const desk = sharedDesk();
const resources = new AsyncDisposableStack();
let network: Namespace;
/** Port of the control plane’s front, as agents in there dial it. */
let way: number;
let agent: Agent;
/** One whose name server never answers. */
let lost: Agent;
const servers: Record<string, TestServer> = {};

beforeAll(async () => {
  if (process.getuid?.() !== 0 && !process.env.HOMEPORT_CI) return;
  network = resources.use(await createNamespace());
  const { controlPlane, directory, agent: start } = desk().homeport;
  const host = network.hostAddress;
  const tls = resources.use(await startTlsProxy({ host, targetPort: controlPlane.port, directory }));
  way = tls.port;
  const everywhere = { listen_addresses: '*' };
  const hba = ['host all all 0.0.0.0/0 scram-sha-256'];
  servers.postgresql = resources.use(await startPostgres({ settings: everywhere, hba }));
  servers.mariadb = resources.use(await startMariadb({ settings: { bind_address: '0.0.0.0' } }));
  const boxed = (name: string, nameServer: string) =>
    start(name, {
      url: `https://${host}:${tls.port}`,
      prefix: [...network.prefix, ...marked(nameServer)],
      env: { NODE_EXTRA_CA_CERTS: tls.certificateFile },
    });
  // Nobody is at the first address, which refuses at once; packets to the other vanish.
  agent = await boxed('boxed', '127.0.0.1');
  lost = await boxed('lost', '192.0.2.53');
}, 90_000);
afterAll(() => resources.disposeAsync());

describe.each(['postgresql', 'mariadb'])('%s', (engine) => {
  privilegedTest('refused on loopback: the host’s address is named, and lets it in', async () => {
    const server = servers[engine] as TestServer;
    const entry = await enter(desk(), agent, {
      ...{ name: `${engine} at localhost`, server },
      connection: { host: 'localhost' },
    });
    const hint = [
      'so “localhost” is that container itself',
      `enter “${network.hostAddress}”`,
      'network_mode: host',
      'by that container’s name, on a network that both are on',
    ];
    await connectionFailure(desk(), entry, { code: 'connection_refused', hint });
    const database = await protect(desk().api, entry.id, engine === 'mariadb' ? 'mysql' : 'postgres');
    const job = await desk().api.post<{ id: string }>(`/databases/${database.id}/backup`);
    await jobFailure(desk(), job.id, { code: 'connection_refused', hint });

    const there = { name: `${engine} at its host`, server, connection: { host: network.hostAddress } };
    const { agentId, id } = await enter(desk(), agent, there);
    await desk().api.post('/servers/probe', { agentId, serverId: id });
  });

  privilegedTest('packets that vanish: the firewall is named, with host and port', async () => {
    const server = servers[engine] as TestServer;
    const connection = { host: network.hostAddress };
    const entry = await enter(desk(), agent, { name: `${engine} behind a wall`, server, connection });
    await network.allowOnly(way);
    await connectionFailure(desk(), entry, {
      code: 'connection_timeout',
      message: [`${network.hostAddress}:${server.port} did not answer within 10 seconds`],
      hint: [`let TCP from the agent’s host to ${network.hostAddress}:${server.port} through`, 'firewall'],
    });
    await network.open();
  });

  privilegedTest('a container’s name that does not resolve: the network to join is named', async () => {
    const server = servers[engine] as TestServer;
    const named = { name: `${engine} by name`, server, connection: { host: 'shop-db' } };
    await connectionFailure(desk(), await enter(desk(), agent, named), {
      code: 'unknown_host',
      message: ['“shop-db”'],
      hint: ['only on a network that both are on', 'podman network connect NETWORK CONTAINER'],
    });
  });
});

privilegedTest('a name server that never answers is not taken for a lost packet', async () => {
  const server = servers.postgresql as TestServer;
  const named = { name: 'unanswered', server, connection: { host: 'shop-db' } };
  await connectionFailure(desk(), await enter(desk(), lost, named), {
    code: 'unknown_host',
    message: ['“shop-db”'],
    hint: ['getent hosts shop-db'],
  });
});
