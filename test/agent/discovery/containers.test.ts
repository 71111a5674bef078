import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { privilegedTest } from '../../e2e/world.ts';
import { ROOT } from '../../support/child.ts';
import { output } from '../../support/command.ts';
import { eventually } from '../../support/eventually.ts';
import { createNamespace, type Namespace } from '../../support/network.ts';
import { type Podman, startPodman } from '../../support/podman.ts';
import { postgresBinaries, startPostgres, type TestPostgres } from '../../support/postgres.ts';

/**
 * Servers in real containers, found through a real API socket; and an agent that is in a container itself. All of it
 * lives in a network of its own, whose “host” is the namespace.
 */
describe('containers', () => {
  const resources = new AsyncDisposableStack();
  let namespace: Namespace;
  let podman: Podman;
  let onHost: TestPostgres;
  const AGENT = join(ROOT, 'agent/homeport-agent');

  beforeAll(async () => {
    if (process.getuid?.() !== 0 && !process.env.HOMEPORT_CI) return;
    namespace = resources.use(await createNamespace());
    podman = resources.use(await startPodman(namespace));
    onHost = resources.use(
      await startPostgres({
        namespace: namespace.name,
        settings: { listen_addresses: '*' },
        hba: ['host all all 0.0.0.0/0 scram-sha-256'],
      }),
    );
    await podman.image('localhost/postgres:15');
    await podman.image('localhost/agent:1');
    await database('shop-db', ['-p', '5433:5432']);
    await database('blog-db', []);
    await podman.run({
      name: 'agent',
      image: 'localhost/agent:1',
      // No name server: nothing outside is asked, and nothing is waited for.
      options: [
        '--dns',
        'none',
        '-v',
        `${ROOT}:${ROOT}:ro`,
        '-v',
        `${podman.socket}:/run/podman/podman.sock`,
      ],
      command: ['sleep', 'infinity'],
    });
  }, 120_000);
  afterAll(() => resources.disposeAsync());

  async function database(name: string, options: string[]): Promise<void> {
    const programs = postgresBinaries().directory;
    const start = `${programs}/initdb -D /tmp/data -A trust >/dev/null && exec ${programs}/postgres -D /tmp/data -c listen_addresses='*' -c unix_socket_directories=/tmp`;
    await podman.run({
      name,
      image: 'localhost/postgres:15',
      options: ['--user', 'postgres', ...options],
      command: ['sh', '-c', start],
    });
    await eventually(`${name} is ready`, async () => {
      const { code } = await podman.exec(name, [`${programs}/pg_isready`, '-h', '127.0.0.1']);
      return code === 0;
    });
  }

  const addressOf = (name: string) => podman.inspect(name, '{{.NetworkSettings.IPAddress}}');
  const inContainer = (...args: string[]) =>
    podman.exec('agent', ['env', 'NODE_COMPILE_CACHE=/tmp/cache', AGENT, '--state', '/tmp/state', ...args]);

  async function onTheHost(...args: string[]) {
    const state = join(podman.shared, 'host-agent');
    await mkdir(state, { recursive: true });
    const config = join(state, 'agent.toml');
    await writeFile(config, `container_socket = "${podman.socket}"\n`);
    return output([...podman.prefix, AGENT, '--state', state, '--config', config, ...args]);
  }

  privilegedTest(
    'an agent on the host takes the published port, else the container’s own address',
    async () => {
      const found = await onTheHost('server', 'discover');
      const lines = found.output.split('\n');
      expect(lines).toContain('postgresql  127.0.0.1:5433  container shop-db');
      expect(lines).toContain(`postgresql  ${await addressOf('blog-db')}:5432  container blog-db`);
      expect(lines).toContain(`postgresql ${onHost.major}  127.0.0.1:${onHost.port}`);
      expect(lines.filter((line) => line.startsWith('postgresql'))).toHaveLength(3);
    },
  );

  privilegedTest('an agent in a container finds those beside it', async () => {
    const found = await inContainer('server', 'discover');
    const lines = found.output.split('\n');
    expect(lines).toContain(`postgresql  ${await addressOf('shop-db')}:5432  container shop-db`);
    expect(lines).toContain(`postgresql  ${await addressOf('blog-db')}:5432  container blog-db`);
    expect(found.output).toContain('This agent runs in a container');
    expect(found.output).not.toContain('took too long');
  });

  privilegedTest('refused on loopback, it names the host’s address, and that one works', async () => {
    const add = (host: string) =>
      podman.exec('agent', [
        'sh',
        '-c',
        `echo ${onHost.password} | NODE_COMPILE_CACHE=/tmp/cache ${AGENT} --state /tmp/state server add ${host} --engine postgresql --user postgres --host ${host} --port ${onHost.port}`,
      ]);
    const refused = await add('127.0.0.1');
    expect(refused.code).toBe(1);
    expect(refused.output).toContain('connection_refused');
    expect(refused.output).toContain('so “127.0.0.1” is that container itself');
    const gateway = await podman.inspect('agent', '{{.NetworkSettings.Gateway}}');
    expect(refused.output).toContain(`“${gateway}”`);
    for (const host of new Set([gateway, 'host.containers.internal'])) {
      expect(refused.output).toContain(`“${host}”`);
      expect((await add(host)).output).toContain('Logged in as postgres');
    }
  });

  privilegedTest('a name that does not resolve says what container names need', async () => {
    const unknown = await podman.exec('agent', [
      'sh',
      '-c',
      `echo x | NODE_COMPILE_CACHE=/tmp/cache ${AGENT} --state /tmp/state server add x --engine postgresql --user postgres --host shop-db`,
    ]);
    expect(unknown.output).toContain('unknown_host');
    expect(unknown.output).toContain('podman network connect NETWORK CONTAINER');
  });

  privilegedTest('who may not open the socket is told how, and that it is optional', async () => {
    const config = join(podman.shared, 'nobody.toml');
    await writeFile(config, `container_socket = "${podman.socket}"\n`);
    const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
    const state = join(podman.shared, 'nobody');
    const room = ['env', `NODE_COMPILE_CACHE=${state}`];
    const args = ['--state', state, '--config', config, 'server', 'discover'];
    const found = await output([...podman.prefix, ...nobody, ...room, AGENT, ...args]);
    expect(found.output).toContain('Containers were not looked at: the agent may not open');
    expect(found.output).toContain('This is optional.');
    expect(found.output).toMatch(/^postgresql {2}127\.0\.0\.1:5433$/m);
  });
});
