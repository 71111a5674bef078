import { copyFile, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, vi } from 'vitest';
import type { ApiAgent, ApiDatabase, ApiJob } from '../../support/api-shapes.ts';
import { checksums } from '../../support/checksums.ts';
import type { CleanHost } from '../../support/clean-host.ts';
import { eventually } from '../../support/eventually.ts';
import { newerRelease } from '../../support/newer-release.ts';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';
import { addServer, backUp, protect, restore } from '../../support/protect.ts';
import { createShop } from '../../support/shop.ts';
import { documented } from '../../vault-format/documents.ts';
import { privilegedTest } from '../world.ts';
import { isRoot, sharedInstallWorld } from './world.ts';

// A whole program is installed in most of these, and built in one.
vi.setConfig({ testTimeout: 300_000 });
const world = sharedInstallWorld();

/** A host whose own systemd runs as the first process of a container: units start, stop and are confined for real. */
describe('an agent as a service', () => {
  let host: CleanHost;
  let postgres: TestPostgres;
  let fresh: string[];
  let agent: ApiAgent;
  let database: ApiDatabase;

  beforeAll(async () => {
    if (!isRoot) return;
    host = await world().host({ boot: true });
    const libraries = '/usr/lib/x86_64-linux-gnu';
    await copyFile(`${libraries}/libatomic.so.1`, join(host.root, libraries, 'libatomic.so.1'));
    fresh = changes();
    postgres = await startPostgres();
    await createShop(postgres, 'shop', 2_000);
  }, 300_000);
  afterAll(() => postgres?.stop());

  /** Without the private directories that systemd gives to running services. */
  const changes = () => host.changes().filter((path) => !path.includes('/systemd-private-'));
  const install = (env: Record<string, string> = {}) =>
    host.shell(`curl -fsSL ${world().url}/install.sh -o install.sh && sh install.sh </dev/null`, { env });
  const processOf = async () =>
    (await host.shell('systemctl show --property MainPID --value homeport-agent')).output.trim();

  // The first two calls are what the script asks systemd before it changes anything.
  for (const [step, nth] of [
    ['loading the unit', 3],
    ['enabling it', 4],
    ['starting it', 5],
  ] as const) {
    privilegedTest(`${step} fails: the host is as it was`, async () => {
      const calls = '/shims/systemctl.calls';
      await host.shim(
        'systemctl',
        `echo >>${calls}; [ "$(wc -l <${calls})" != ${nth} ] || { echo "systemctl: broken"; exit 1; }
exec /usr/bin/systemctl "$@"`,
      );
      const { token } = await world().token();
      const { code, output } = await install({ HOMEPORT_TOKEN: token });
      expect(output).toContain('systemctl: broken');
      expect(output).toContain('this host is as it was before');
      expect(code).not.toBe(0);
      expect(changes()).toEqual(fresh);
      host.removeShims();
      const left = await host.shell('systemctl --all --no-legend list-units homeport-agent.service');
      expect(left.output).toBe('');
    });
  }

  privilegedTest('is started, connected and enabled for the next boot', async () => {
    const { token } = await world().token('a service');
    const command = documented('docs/installing.md', 'Install', 1)
      .replace('https://backups.example.org', world().url)
      .replace('hpe_…', token)
      .replace('sudo ', '');
    const { code, output } = await host.shell(command);
    expect(output).toContain('The agent is connected to ');
    expect(code).toBe(0);
    const state = await host.shell('systemctl is-active homeport-agent; systemctl is-enabled homeport-agent');
    expect(state).toEqual({ code: 0, output: 'active\nenabled\n' });
    const looked = await host.shell(`set -e\n${documented('docs/installing.md', 'The service')}`);
    expect(looked).toMatchObject({ code: 0, output: expect.stringContaining('Active: active (running)') });
    expect(looked.output).toMatch(/^State: +connected since /m);
    const owner = await host.shell(`stat -c %U /proc/${await processOf()}`);
    expect(owner.output).toBe('homeport-agent\n');
    const agents = await world().homeport.api.get<ApiAgent[]>('/agents');
    agent = agents.find(({ name }) => name === 'a service') as ApiAgent;
    expect(agent).toMatchObject({ state: 'online' });
  });

  privilegedTest('systemd finds nothing to complain about, and little that it may do', async () => {
    const unit = '/etc/systemd/system/homeport-agent.service';
    expect(await host.shell(`systemd-analyze verify ${unit}`)).toEqual({ code: 0, output: '' });
    // Tenths of systemd's measure of exposure, from 0 (none) to 100.
    const judged = await host.shell(
      `systemd-analyze security --no-pager --offline=yes --threshold=20 ${unit}`,
    );
    expect(judged).toMatchObject({ code: 0, output: expect.stringContaining('OK') });
    const seen = await host.shell(
      `grep -E '^(CapBnd|NoNewPrivs|Seccomp):' /proc/${await processOf()}/status`,
    );
    expect(seen.output).toMatch(/^CapBnd:\t0+\nNoNewPrivs:\t1\nSeccomp:\t2\n$/);
  });

  privilegedTest('backs up and restores, confined as it is', async () => {
    const { api } = world().homeport;
    const server = await addServer(api, agent, { name: 'near', server: postgres });
    database = await protect(api, server.id, 'shop');
    const { snapshot } = await backUp(api, database.id);
    await restore(api, snapshot.id, { serverId: server.id, plan: { targetDatabase: 'back' } });
    expect(await checksums(postgres, 'back')).toEqual(await checksums(postgres, 'shop'));
  });

  privilegedTest('no upgrade and no removal while a backup runs', async () => {
    const { api } = world().homeport;
    const { host: address, password, port } = postgres;
    const client = new pg.Client({ host: address, port, user: 'postgres', password, database: 'shop' });
    await client.connect();
    // The dump waits for this lock.
    await client.query('BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE');
    const { id } = await api.post<ApiJob>(`/databases/${database.id}/backup`);
    await eventually('the agent is at work', async () => {
      const { output } = await host.shell('homeport-agent status --json');
      return output.includes('"runningJobs":1');
    });
    const refused = { code: 1, output: expect.stringContaining('is running a backup or a restore') };
    expect(await install()).toMatchObject(refused);
    expect(await host.shell('sh install.sh --uninstall')).toMatchObject(refused);
    await client.end();
    expect(await api.finished(id)).toMatchObject({ state: 'succeeded' });
  });

  privilegedTest('comes back when it is killed', async () => {
    const before = await processOf();
    await host.shell('systemctl kill --kill-who=main --signal=KILL homeport-agent');
    await eventually('systemd has started it again', async () => {
      const { code, output } = await host.shell('homeport-agent status --json');
      return code === 0 && !output.includes(`"pid":${before},`);
    });
  });

  privilegedTest(
    'an upgrade that does not connect is replaced by the former one, which goes on',
    async () => {
      const directory = await mkdtemp(join(world().directory, 'broken-'));
      const edit = (text: string) =>
        text.replace(/^#!.*$/m, "if (process.argv.includes('run')) process.exit(3);");
      await newerRelease(world().built, { directory, version: '0.3.0', edit });
      await world().serve(directory);
      const before = changes();
      const { code, output } = await install({ HOMEPORT_WAIT_SECONDS: '3' });
      expect(output).toContain('this host is as it was before');
      expect(code).toBe(1);
      expect(changes()).toEqual(before);
      const status = await host.shell('homeport-agent status --wait 60');
      expect(status).toMatchObject({ code: 0, output: expect.stringContaining('version 0.1.0') });
      await world().serve(world().built.directory);
    },
  );

  privilegedTest('revoked, it has to be removed first; then the same token makes another one', async () => {
    const { api } = world().homeport;
    await api.post(`/agents/${agent.id}/revoke`, { confirm: agent.name });
    await eventually('the agent knows', async () =>
      (await host.shell('homeport-agent status --json')).output.includes('"code":"agent_revoked"'),
    );
    const { token } = await world().token('another');
    const before = changes();
    const refused = await install({ HOMEPORT_TOKEN: token });
    expect(refused).toMatchObject({ code: 1, output: expect.stringContaining('it was revoked.') });
    expect(refused.output).toContain('run this again with the token: sh /root/install.sh --uninstall');
    expect(changes()).toEqual(before);
    expect(await host.shell('sh install.sh --uninstall')).toMatchObject({ code: 0 });
    const { code, output } = await install({ HOMEPORT_TOKEN: token });
    expect(output).toContain('The agent is connected to ');
    expect(code).toBe(0);
    const agents = await api.get<ApiAgent[]>('/agents');
    agent = agents.find(({ name }) => name === 'another') as ApiAgent;
    expect(agent).toMatchObject({ state: 'online' });
  });

  privilegedTest('removed, nothing is left', async () => {
    const { code, output } = await host.shell('sh install.sh --uninstall');
    expect(output).toContain('stop and remove the service');
    expect(code).toBe(0);
    expect(changes()).toEqual(fresh);
    expect((await host.shell('systemctl status homeport-agent')).output).toContain('could not be found');
    await eventually('the control plane sees it gone', async () => {
      const found = await world().homeport.api.get<ApiAgent>(`/agents/${agent.id}`);
      return found.state === 'offline';
    });
  });
});
