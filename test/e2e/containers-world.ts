import { randomBytes } from 'node:crypto';
import { chown, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { signRelease, writeReleaseKey } from '../../agent/build/signing.ts';
import { type Api, createApi } from '../support/api.ts';
import type { ApiAgent } from '../support/api-shapes.ts';
import { ROOT } from '../support/child.ts';
import { claim } from '../support/control-plane.ts';
import { type CommandOptions, DEBIAN, type Engine, startEngine } from '../support/engine.ts';
import { eventually } from '../support/eventually.ts';
import { builtPackage } from '../support/package.ts';
import { postgresBinaries } from '../support/postgres.ts';
import { type BuiltRelease, builtRelease } from '../support/release.ts';
import { writeSmallRelease } from '../support/small-release.ts';

/** What people and agents call the control plane. */
export const NAME = 'backups.example.org';
/** A version that is newer than this one. */
export const NEWER = '0.2.0';
/** Kept apart from the control plane's data. */
export const MASTER_KEY = randomBytes(32).toString('base64');
/** What podman-compose calls the containers. */
export const CONTROL_PLANE = 'homeport_homeport_1';
export const CADDY = 'homeport_caddy_1';
export const AGENT = 'homeport-agent_homeport-agent_1';

/** Stands in for Caddy's own image, which is at a registry: Debian's, with its data where that one has it. */
const CADDY_IMAGE = `FROM ${DEBIAN}
RUN apt-get update && apt-get install --yes --no-install-recommends caddy
ENV XDG_DATA_HOME=/data XDG_CONFIG_HOME=/config
`;
/** podman-compose of Debian 12 makes networks without the addresses that the file wants for them. */
const NETWORK = ['podman', 'network', 'create', '--subnet', '10.74.33.0/24', 'homeport_front'];

/** The compose files of `deploy/`, on a host with Podman. */
export interface ContainerWorld {
  readonly engine: Engine;
  readonly release: BuiltRelease;
  /** Runs podman-compose on `deploy/compose.yaml`. */
  controlPlane(args: readonly string[], options?: CommandOptions): Promise<string>;
  /** Runs podman-compose on `deploy/compose.agent.yaml`. */
  agent(args: readonly string[], options?: CommandOptions): Promise<string>;
  /** Runs a command in a container, whatever its exit code. */
  exec(container: string, ...command: string[]): Promise<{ code: number; output: string }>;
  /** What the container's own health check finds. */
  healthy(container: string): Promise<boolean>;
  /** What Podman says about a container or an image. */
  inspect(what: string, format: string): Promise<string>;
  /** Starts a PostgreSQL server, of this machine's programs, in a container on a network that is made for it. */
  databaseBeside(name: string, network: string): Promise<void>;
  /** Makes the owner's account by the link that the container prints. */
  setUp(): Promise<Api>;
  /** The agent, once it is connected. */
  online(api: Api, version?: string): Promise<ApiAgent>;
}

export function sharedContainerWorld(): () => ContainerWorld {
  let world: (ContainerWorld & AsyncDisposable) | undefined;
  beforeAll(async () => {
    if (process.getuid?.() !== 0 && !process.env.HOMEPORT_CI) return;
    world = await startWorld();
  }, 600_000);
  afterAll(() => world?.[Symbol.asyncDispose](), 60_000);
  return () => world as ContainerWorld;
}

/** What is no newer agent but looks like one, and is signed. */
async function writeSignedRelease(directory: string, room: string): Promise<void> {
  const keyFile = join(room, 'release.key');
  await writeSmallRelease(directory, { version: NEWER });
  await writeReleaseKey(keyFile);
  await signRelease(directory, keyFile);
}

/** What is added to the compose files, as people would: paths of two more files. */
async function writeOverrides(
  { directory, host }: Engine,
  built: string,
): Promise<{ ours: string; trust: string }> {
  const path = (name: string) => join(directory, name);
  const [ours, trust] = [path('ours.yaml'), path('trust.yaml')];
  await writeSignedRelease(path('served'), directory);
  await writeFile(path('master.key'), MASTER_KEY, { mode: 0o400 });
  await chown(path('master.key'), 7433, 7433);
  // In place of dist/control-plane, which belongs to whoever works in this checkout; and a build to be updated to.
  await writeFile(
    ours,
    `services:
  homeport:
    build:
      context: ${built}
    environment:
      HOMEPORT_RELEASE: /served
      HOMEPORT_MASTER_KEY_FILE: /etc/homeport/master.key
    volumes:
      - ${path('served')}:/served:ro
      - ${path('master.key')}:/etc/homeport/master.key:ro
`,
  );
  await writeFile(
    trust,
    `services:
  homeport-agent:
    environment:
      NODE_EXTRA_CA_CERTS: /etc/homeport/authority.crt
    extra_hosts:
      - "${NAME}:${host.address}"
    volumes:
      - ${path('authority.crt')}:/etc/homeport/authority.crt:ro
`,
  );
  return { ours, trust };
}

async function startWorld(): Promise<ContainerWorld & AsyncDisposable> {
  const release = await builtRelease();
  const built = await builtPackage(release.directory);
  const engine = await startEngine();
  const { address } = engine.host;
  const { ours, trust } = await writeOverrides(engine, built);
  const settings = {
    HOMEPORT_NAME: NAME,
    HOMEPORT_LISTEN: `${address}:7433`,
    HOMEPORT_CADDY_OPTIONS: '--internal-certs',
  };
  const compose = (project: string, files: string[], args: readonly string[], options: CommandOptions = {}) =>
    engine.run(
      ['podman-compose', '--project-name', project, ...files.flatMap((file) => ['--file', file]), ...args],
      { ...options, env: { ...settings, ...options.env } },
    );
  const world: ContainerWorld = {
    ...{ engine, release },
    controlPlane: (args, options) =>
      compose('homeport', [`${ROOT}/deploy/compose.yaml`, ours], args, options),
    agent: (args, options) =>
      compose('homeport-agent', [`${ROOT}/deploy/compose.agent.yaml`, trust], args, options),
    exec: (container, ...command) => engine.tried(['podman', 'exec', container, ...command]),
    healthy: async (container) =>
      (await engine.tried(['podman', 'healthcheck', 'run', container])).code === 0,
    inspect: async (what, format) =>
      (await engine.run(['podman', 'inspect', '--format', format, what])).trim(),
    databaseBeside: (name, network) => startDatabase(engine, name, network),
    async setUp() {
      const said = await world.controlPlane(['exec', '-T', 'homeport', 'homeport', 'setup-link']);
      const link = new RegExp(`https://${NAME}/setup#[\\w-]+`).exec(said)?.[0];
      if (link === undefined) throw new Error(`There is no link to set it up in:\n${said}`);
      const { key } = await claim(`http://${address}:7433`, `https://${NAME}`, link);
      const { output } = await world.exec(CADDY, ...['cat', '/data/caddy/pki/authorities/local/root.crt']);
      await writeFile(join(engine.directory, 'authority.crt'), output);
      // A container's network goes with it, now and then before the end of its connections has come through: none is kept.
      return createApi(`http://${address}:7433`, key, { connection: 'close' });
    },
    online: (api, version) =>
      eventually(
        'the agent in its container is online',
        async () => {
          const [found] = await api.get<ApiAgent[]>('/agents').catch(() => []); // while it starts
          const { inventory, state } = found ?? {};
          const wanted = version === undefined || inventory?.version === version;
          return state === 'online' && inventory !== null && wanted && found;
          // While the control plane starts, the agent's waits between two tries grow to a minute.
        },
        180_000,
      ),
  };
  try {
    await engine.image('docker.io/library/caddy:2', CADDY_IMAGE);
    await engine.run(NETWORK);
  } catch (error) {
    await engine[Symbol.asyncDispose]();
    throw error;
  }
  return { ...world, [Symbol.asyncDispose]: () => engine[Symbol.asyncDispose]() };
}

async function startDatabase({ run, tried }: Engine, name: string, network: string): Promise<void> {
  const programs = postgresBinaries().directory;
  const start = `${programs}/initdb -D /tmp/data -U postgres -A trust >/dev/null
echo host all all all trust >>/tmp/data/pg_hba.conf
exec ${programs}/postgres -D /tmp/data -c listen_addresses='*' -c unix_socket_directories=/tmp`;
  const options = ['--name', name, '--network', network, '--user', '70', '--volume', '/usr:/usr:ro'];
  await run(['podman', 'network', 'create', network]);
  await run(['podman', 'run', '--detach', ...options, DEBIAN, 'sh', '-ec', start]);
  await eventually(`${name} is ready`, async () => {
    const { code } = await tried(['podman', 'exec', name, `${programs}/pg_isready`, '-h', '127.0.0.1']);
    return code === 0;
  });
}
