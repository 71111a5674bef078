import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, vi } from 'vitest';
import type { Api } from '../support/api.ts';
import type { ApiAgent, ApiJob, ApiServer, ApiUpdates } from '../support/api-shapes.ts';
import { checksums } from '../support/checksums.ts';
import { ROOT } from '../support/child.ts';
import { eventually } from '../support/eventually.ts';
import { startMariadb } from '../support/mariadb.ts';
import { createMariadbShop } from '../support/mariadb-shop.ts';
import { newerRelease } from '../support/newer-release.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { addServer, backUp, protect, restore } from '../support/protect.ts';
import type { TestServer } from '../support/server-process.ts';
import { createShop } from '../support/shop.ts';
import {
  AGENT,
  CADDY,
  CONTROL_PLANE,
  MASTER_KEY,
  NAME,
  NEWER,
  sharedContainerWorld,
} from './containers-world.ts';
import { privilegedTest } from './world.ts';

// Images are built, packages fetched for them.
vi.setConfig({ testTimeout: 600_000 });

/** The compose files as they are, with images of this checkout; databases are on the containers' host and beside them. */
describe('in containers', () => {
  const world = sharedContainerWorld();
  const resources = new AsyncDisposableStack();
  const servers: { postgres?: TestPostgres; mariadb?: TestServer } = {};
  let api: Api;
  let agent: ApiAgent;
  let token: string;
  let main: ApiServer;
  let shop: { id: string };
  let snapshotId: string;

  beforeAll(async () => {
    if (!world()) return;
    const namespace = world().engine.host.name;
    const everywhere = { listen_addresses: '*' };
    const hba = ['host all all 0.0.0.0/0 scram-sha-256'];
    servers.postgres = resources.use(await startPostgres({ namespace, settings: everywhere, hba }));
    await createShop(servers.postgres, 'shop', 2_000);
    const mariadb = resources.use(await startMariadb({ namespace, settings: { bind_address: '0.0.0.0' } }));
    await createMariadbShop(mariadb, 'shop', 500);
    servers.mariadb = mariadb;
  }, 120_000);
  afterAll(() => resources.disposeAsync());

  privilegedTest('the images are built of what “npm run build” made', async () => {
    await world().controlPlane(['build'], { outside: true });
    await world().agent(['build'], { outside: true });
    const image = async (name: string) => JSON.parse(await world().inspect(name, '{{json .}}'))[0];
    expect(await image('homeport')).toMatchObject({
      Config: { User: '7433:7433', Volumes: { '/var/lib/homeport': {} } },
      Healthcheck: { Test: ['CMD', 'homeport', 'healthy'] },
    });
    expect(await image('homeport-agent')).toMatchObject({
      Config: { User: '7434:7434', Volumes: { '/var/lib/homeport-agent': {} } },
      Healthcheck: { Test: ['CMD', 'homeport-agent', 'status'] },
    });
  });

  privilegedTest('the control plane starts behind Caddy, and is set up by the link it prints', async () => {
    await world().controlPlane(['up', '--detach']);
    await eventually('it is healthy', () => world().healthy(CONTROL_PLANE));
    await eventually('Caddy has made its authority', async () => {
      const { code } = await world().exec(CADDY, 'test', '-s', '/data/caddy/pki/authorities/local/root.crt');
      return code === 0;
    });
    api = await world().setUp();
    expect(await api.get('/agents')).toEqual([]);
  });

  privilegedTest(
    'the agent is enrolled by a token on standard input, and is not taken for Caddy',
    async () => {
      ({ token } = await api.post<{ token: string }>('/enrolment-tokens', { name: 'in a container' }));
      const enrol = ['run', '--rm', '--no-deps', '-T', 'homeport-agent', 'enrol', '--url', `https://${NAME}`];
      expect(await world().agent(enrol, { input: `${token}\n` })).toContain(`Enrolled with https://${NAME}`);
      await world().agent(['up', '--detach']);
      agent = await world().online(api);
      expect(agent.name).toBe('in a container');
      const tools = agent.inventory?.tools.map(({ engine, name }) => `${engine} ${name}`);
      expect(tools).toEqual(expect.arrayContaining(['postgresql pg_dump', 'mariadb mariadb-dump']));
      await eventually('it is healthy', () => world().healthy(AGENT));
      const doctor = await world().exec(AGENT, 'homeport-agent', 'doctor');
      expect(doctor.output).toMatch(/^ok +Handshake.* connected from \d/m);
      // It comes in by Caddy, whose word on where from is taken.
      const caddy = await world().inspect(CADDY, '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}');
      expect(caddy).toMatch(/^10\.74\.33\./);
      expect(doctor.output).not.toContain(`connected from ${caddy} `);
    },
  );

  privilegedTest('databases of the host are backed up and restored by the tools in the image', async () => {
    const connection = { host: 'host.containers.internal' };
    for (const server of Object.values(servers) as TestServer[]) {
      const entry = await addServer(api, agent, { name: server.engine, server, connection });
      const database = await protect(api, entry.id, 'shop');
      const { snapshot } = await backUp(api, database.id);
      const plan = { targetDatabase: 'shop_copy' };
      await restore(api, snapshot.id, { serverId: entry.id, plan });
      expect(await checksums(server, 'shop_copy')).toEqual(await checksums(server, 'shop'));
      if (server.engine === 'postgresql') [main, shop, snapshotId] = [entry, database, snapshot.id];
    }
  });

  privilegedTest('a database in another container is found by its name on a network of both', async () => {
    await world().databaseBeside('shop-db', 'databases');
    await world().engine.run(['podman', 'network', 'connect', 'databases', AGENT]);
    const add = 'server add beside --engine postgresql --host shop-db --user postgres --tls off'.split(' ');
    const command = ['exec', '-T', 'homeport-agent', 'homeport-agent', ...add];
    const added = await world().agent(command, { input: 'a password of its own' });
    expect(added).toContain('Logged in as postgres');
  });

  privilegedTest('they may do nothing that they need not, and no secret is in their settings', async () => {
    for (const container of [CONTROL_PLANE, AGENT]) {
      const status = (await world().exec(container, 'cat', '/proc/1/status')).output;
      expect(status).toMatch(/^NoNewPrivs:\t1$/m);
      expect(status.match(/^Cap(Prm|Eff|Bnd):\t0+$/gm)).toHaveLength(3);
      expect((await world().exec(container, 'touch', '/usr/local/bin/x')).output).toContain('Read-only');
      const told = await world().inspect(container, '{{json .}}');
      for (const secret of [token, servers.postgres?.password ?? '', 'a password of its own', MASTER_KEY])
        expect(told).not.toContain(secret);
    }
    const keys = (await world().exec(CONTROL_PLANE, 'ls', '/var/lib/homeport/keys')).output;
    expect(keys).toContain('control-plane.json');
    expect(keys).not.toContain('master.key');
    expect((await world().exec(CONTROL_PLANE, 'rclone', 'version')).output).toMatch(/^rclone v/);
    const build = '/opt/homeport/dist/agent/release.json';
    expect((await world().exec(CONTROL_PLANE, 'cat', build)).output).toContain('linux-arm64');
    const state = await world().exec(AGENT, 'stat', '-c', '%U %a', '/var/lib/homeport-agent');
    expect(state.output).toBe('homeport-agent 700\n');
  });

  privilegedTest('what processes leave behind is collected', async () => {
    for (const container of [CONTROL_PLANE, AGENT]) {
      await world().exec(container, 'sh', '-c', '(sleep 0.1 &)');
      await eventually('nothing is left', async () => {
        const states = await world().exec(container, 'sh', '-c', 'cat /proc/[0-9]*/status; true');
        return !/^State:\tZ/m.test(states.output) && !/^Name:\tsleep$/m.test(states.output);
      });
    }
  });

  privilegedTest('a second container on the agent’s volume does not work with it', async () => {
    const same = ['--volume', 'homeport-agent_state:/var/lib/homeport-agent', '--network', 'none'];
    const second = await world().engine.tried(['podman', 'run', '--rm', ...same, 'homeport-agent']);
    expect(second).toMatchObject({ code: 1, output: expect.stringContaining('agent_duplicate') });
  });

  privilegedTest('one that hangs is unhealthy', async () => {
    const signal = (name: string) =>
      world().exec(CONTROL_PLANE, 'sh', '-c', `kill -${name} $(cat /proc/1/task/1/children)`);
    await signal('STOP');
    expect(await world().healthy(CONTROL_PLANE)).toBe(false);
    await signal('CONT');
    expect(await world().healthy(CONTROL_PLANE)).toBe(true);
  });

  privilegedTest('an update from afar is refused, with what to do instead', async () => {
    // It lost its connection while the control plane hung.
    await world().online(api);
    await api.post(`/agents/${agent.id}/update`);
    const failure = await eventually('the agent has refused', async () => {
      const { agents } = await api.get<ApiUpdates>('/updates');
      return agents[0]?.update?.failure ?? undefined;
    });
    expect(failure).toMatchObject({
      code: 'update_not_possible',
      message: expect.stringContaining('runs in a container'),
      hint: expect.stringContaining('newer image'),
    });
    expect((await world().exec(AGENT, 'homeport-agent', 'doctor')).output).toContain('by a newer image');
  });

  privilegedTest('stopped, the agent lets a backup come to its end', async () => {
    const { password, port, psqlEnv, superuser: user } = servers.postgres as TestPostgres;
    const holder = new pg.Client({ host: psqlEnv.PGHOST, port, password, user, database: 'shop' });
    await holder.connect();
    // The dump waits for this table as long as somebody else holds it.
    await holder.query('BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE');
    const { id } = await api.post<ApiJob>(`/databases/${shop.id}/backup`);
    await eventually('it runs', async () => (await api.get<ApiJob>(`/jobs/${id}`)).state === 'running');
    const stopped = world().agent(['stop', '--timeout', '90']);
    await eventually('the agent has been told', async () =>
      (await world().engine.run(['podman', 'logs', AGENT])).includes('finishing what runs'),
    );
    await holder.end();
    await stopped;
    expect((await api.finished(id)).state).toBe('succeeded');
    expect(await world().inspect(AGENT, '{{.State.ExitCode}}')).toBe('0');
  });

  privilegedTest('newer images go on with the same volumes', async () => {
    const { engine, release } = world();
    const newer = join(engine.directory, 'newer');
    await newerRelease(release, { directory: newer, version: NEWER });
    // A link there, out of the build's reach; and of no use here.
    const other = join(newer, 'homeport-agent-linux-arm64');
    await rm(other);
    await writeFile(other, '');
    const file = ['--file', `${ROOT}/deploy/agent.Dockerfile`];
    await engine.run(['podman', 'build', ...file, '--tag', 'homeport-agent', newer], { outside: true });
    await engine.image('homeport', 'FROM localhost/homeport\nLABEL newer=yes\n');
    await world().controlPlane(['stop', '--timeout', '30']);
    expect(await world().inspect(CONTROL_PLANE, '{{.State.ExitCode}}')).toBe('0');
    await world().agent(['down', '--timeout', '90']);
    await world().controlPlane(['down', '--timeout', '30']);
    await world().controlPlane(['up', '--detach']);
    await world().agent(['up', '--detach']);
    expect((await world().online(api, NEWER)).id).toBe(agent.id);
    expect(await world().inspect(CONTROL_PLANE, '{{index .Config.Labels "newer"}}')).toBe('yes');
    await restore(api, snapshotId, { serverId: main.id, plan: { targetDatabase: 'shop_again' } });
    const { postgres } = servers as { postgres: TestPostgres };
    expect(await checksums(postgres, 'shop_again')).toEqual(await checksums(postgres, 'shop'));
  });

  privilegedTest('a directory of the host that they may not write to is named, with the remedy', async () => {
    const foreign = join(world().engine.directory, 'foreign');
    await mkdir(foreign);
    const wrong = [
      { image: 'homeport', state: '/var/lib/homeport', uid: 7433 },
      { image: 'homeport-agent', state: '/var/lib/homeport-agent', uid: 7434 },
    ];
    for (const { image, state, uid } of wrong) {
      const mounted = ['--network', 'none', '--volume', `${foreign}:${state}`];
      const answer = await world().engine.tried(['podman', 'run', '--rm', ...mounted, image]);
      expect(answer).toMatchObject({ code: 1, output: expect.stringContaining(`by user ${uid}`) });
      expect(answer.output).toContain(`chown -R ${uid}`);
    }
  });
});
