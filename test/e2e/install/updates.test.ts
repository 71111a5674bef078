import { copyFile, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, vi } from 'vitest';
import { RELEASE_FILE } from '../../../protocol/release.ts';
import { refusal } from '../../support/api.ts';
import type { ApiAgent, ApiJob, ApiUpdate, ApiUpdates } from '../../support/api-shapes.ts';
import type { CleanHost } from '../../support/clean-host.ts';
import { eventually } from '../../support/eventually.ts';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';
import { addServer, protect } from '../../support/protect.ts';
import { createShop } from '../../support/shop.ts';
import { BROKEN, type ReleaseMaker, releaseMaker } from '../../support/signed-release.ts';
import { privilegedTest } from '../world.ts';
import { isRoot, sharedInstallWorld } from './world.ts';

// Executables are built in some of these.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 600_000 });
const world = sharedInstallWorld();

/** Real executables, replaced on a host whose own systemd runs; each test goes on where the one before ended. */
describe('updates from the control plane', () => {
  let host: CleanHost;
  let postgres: TestPostgres;
  let agent: ApiAgent;
  let maker: ReleaseMaker;
  let fresh: string[];

  beforeAll(async () => {
    if (!isRoot) return;
    host = await world().host({ boot: true });
    const libraries = '/usr/lib/x86_64-linux-gnu';
    await copyFile(`${libraries}/libatomic.so.1`, join(host.root, libraries, 'libatomic.so.1'));
    fresh = changes();
    postgres = await startPostgres();
    await createShop(postgres, 'shop', 2_000);
    maker = await releaseMaker(world().built, world().directory);
    for (const version of ['0.1.1', '0.2.0', '0.3.0']) await maker.build(version);
  });
  afterAll(() => postgres?.stop());

  const changes = () => host.changes().filter((path) => !path.includes('/systemd-private-'));
  const api = () => world().homeport.api;
  const version = async () => (await host.shell('homeport-agent --version')).output.trim();
  async function ended(): Promise<ApiUpdate> {
    return eventually(
      'the update has ended',
      async () => {
        const { agents } = await api().get<ApiUpdates>('/updates');
        const update = agents.find(({ agentId }) => agentId === agent.id)?.update;
        return update?.finishedAt ? update : undefined;
      },
      240_000,
    );
  }
  async function update(): Promise<ApiUpdate> {
    await api().post(`/agents/${agent.id}/update`);
    return ended();
  }
  const actions = async () =>
    (await api().get<{ action: string; actor: { kind: string } }[]>('/audit?limit=2')).map(
      ({ action, actor }) => `${actor.kind} ${action}`,
    );
  /** Whatever was refused: the agent runs as before, and takes jobs. */
  async function untouched(running: string): Promise<void> {
    expect(await version()).toBe(running);
    const status = await host.shell('homeport-agent status --wait 60');
    expect(status).toMatchObject({ code: 0, output: expect.stringContaining(`version ${running}`) });
    expect((await host.shell('ls -A /usr/local/bin')).output).toBe('homeport-agent\n');
  }

  privilegedTest(
    'a control plane whose build is not signed installs agents, and cannot update them',
    async () => {
      const { token } = await world().token('updated');
      const installed = await host.shell(
        `curl -fsSL ${world().url}/install.sh -o install.sh && sh install.sh </dev/null`,
        { env: { HOMEPORT_TOKEN: token } },
      );
      expect(installed).toMatchObject({ code: 0 });
      const agents = await api().get<ApiAgent[]>('/agents');
      agent = agents.find(({ name }) => name === 'updated') as ApiAgent;
      expect(await api().get<ApiUpdates>('/updates')).toMatchObject({
        served: { version: '0.1.0', key: null },
        failure: { code: 'update_not_possible', message: expect.stringContaining('not signed') },
      });
      const { failure } = await refusal(api().post(`/agents/${agent.id}/update`));
      expect(failure.code).toBe('update_not_possible');
    },
  );

  privilegedTest('systemd finds nothing to complain about in what replaces the program', async () => {
    const units = '/etc/systemd/system/homeport-agent-update';
    const verified = await host.shell(`systemd-analyze verify ${units}.service ${units}.path`);
    expect(verified).toEqual({ code: 0, output: '' });
    const judged = await host.shell(
      `systemd-analyze security --no-pager --offline=yes --threshold=30 ${units}.service`,
    );
    expect(judged).toMatchObject({ code: 0, output: expect.stringContaining('OK') });
  });

  privilegedTest('a host that has pinned no key takes no update', async () => {
    await world().serve(await maker.build('0.2.0'));
    expect(await update()).toMatchObject({
      state: 'failed',
      failure: { code: 'update_not_possible', message: expect.stringContaining('no release key pinned') },
    });
    await untouched('0.1.0');
  });

  privilegedTest('install.sh pins the key; then an update succeeds, after what runs has ended', async () => {
    // The former build once more, signed, as it might have been in the first place.
    await world().serve(await maker.build('0.1.1'));
    expect(await host.shell(`curl -fsSL ${world().url}/install.sh | sh`)).toMatchObject({
      code: 0,
      output: expect.stringContaining(maker.key),
    });
    await world().serve(await maker.build('0.2.0'));
    const server = await addServer(api(), agent, { name: 'near', server: postgres });
    const database = await protect(api(), server.id, 'shop');
    const { host: address, password, port } = postgres;
    const client = new pg.Client({ host: address, port, user: 'postgres', password, database: 'shop' });
    await client.connect();
    // The dump waits for this lock.
    await client.query('BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE');
    const job = await api().post<ApiJob>(`/databases/${database.id}/backup`);
    await eventually('the agent is at work', async () =>
      (await host.shell('homeport-agent status --json')).output.includes('"runningJobs":1'),
    );
    await api().post(`/agents/${agent.id}/update`);
    await eventually(
      'the build is there, and the agent waits for its job',
      async () => {
        const { agents } = await api().get<ApiUpdates>('/updates');
        return agents.find(({ agentId }) => agentId === agent.id)?.update?.state === 'applying';
      },
      60_000,
    );
    expect(await version()).toBe('0.1.1');
    await client.end();
    expect(await api().finished(job.id)).toMatchObject({ state: 'succeeded' });
    expect(await ended()).toMatchObject({ state: 'succeeded', fromVersion: '0.1.1', toVersion: '0.2.0' });
    expect(await actions()).toEqual(['agent agent.updated', 'api-key agent.update']);
    await untouched('0.2.0');
    const owner = await host.shell('stat -c "%U %a" /usr/local/bin/homeport-agent');
    expect(owner.output).toBe('root 755\n');
    expect((await host.shell('homeport-agent doctor')).output).toContain(`pinned release key ${maker.key}`);
  });

  privilegedTest('a control plane that serves a build of its own is refused', async () => {
    await world().serve(await maker.variant(await maker.build('0.3.0'), { foreign: true }));
    expect(await update()).toMatchObject({ state: 'failed', failure: { code: 'update_untrusted' } });
    expect(await actions()).toEqual(['agent agent.update-failed', 'api-key agent.update']);
    await untouched('0.2.0');
  });

  privilegedTest('what is older is not even offered', async () => {
    await world().serve(await maker.build('0.1.1'));
    const { failure } = await refusal(api().post(`/agents/${agent.id}/update`));
    expect(failure.code).toBe('update_not_newer');
    await untouched('0.2.0');
  });

  privilegedTest('an executable that was changed after it was signed is refused', async () => {
    const directory = await maker.variant(await maker.build('0.3.0'), {});
    const file = join(directory, 'homeport-agent-linux-x64.gz');
    const bytes = await readFile(file);
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
    await rm(file);
    await writeFile(file, bytes);
    await world().serve(directory);
    expect(await update()).toMatchObject({ state: 'failed', failure: { code: 'update_damaged' } });
    await untouched('0.2.0');
  });

  privilegedTest('a build that has nothing for this platform is refused', async () => {
    const files = world().built.release.files.filter(({ platform }) => platform !== 'linux-x64');
    await world().serve(await maker.variant(await maker.build('0.3.0'), { change: { files } }));
    expect(await update()).toMatchObject({
      state: 'failed',
      failure: { code: 'update_not_possible', message: expect.stringContaining('linux-x64') },
    });
    await untouched('0.2.0');
  });

  for (const [what, edit, code] of BROKEN) {
    privilegedTest(`a signed build that ${what} is taken back`, async () => {
      // It is not waited for as long as it would be elsewhere.
      await host.shell(
        `d=/etc/systemd/system/homeport-agent-update.service; mkdir -p $d.d; { echo [Service]; echo ExecStart=;
        sed -n 's/ --service/ --wait 8&/p' $d; } >$d.d/quick.conf; systemctl daemon-reload`,
      );
      await world().serve(await maker.build('0.3.0', edit));
      const found = await update();
      expect(found).toMatchObject({ state: 'failed', failure: { code } });
      if (what.includes('protocol'))
        expect(found.failure?.hint).toContain('speaks protocol 1–1, this agent 9–9');
      await untouched('0.2.0');
    });
  }

  privilegedTest('the local policy has the last word', async () => {
    await host.shell('printf \'[policy]\\nupdate = "deny"\\n\' >/etc/homeport/agent.toml');
    await host.shell('systemctl restart homeport-agent && homeport-agent status --wait 60');
    await world().serve(await maker.build('0.3.0'));
    expect(await update()).toMatchObject({ state: 'failed', failure: { code: 'policy_denied' } });
    await untouched('0.2.0');
  });

  privilegedTest('what the agent’s account leaves there by itself is judged all the same', async () => {
    // As if the agent had been taken over: a build of another key, laid down and asked for.
    const change = { version: '0.4.0' };
    const directory = await maker.variant(await maker.build('0.3.0'), { foreign: true, change });
    const room = join(host.root, 'var/lib/homeport-agent/update');
    await host.shell(
      "printf '' >/etc/homeport/agent.toml; install -d -o homeport-agent -m 0700 /var/lib/homeport-agent/update",
    );
    for (const name of [RELEASE_FILE, `${RELEASE_FILE}.sig`])
      await copyFile(join(directory, name), join(room, name));
    await copyFile(join(directory, 'homeport-agent-linux-x64.gz'), join(room, 'build.gz'));
    await writeFile(join(room, 'request.json'), '{"v":1,"version":"0.4.0"}');
    const outcome = await eventually(
      'the outcome is noted',
      async () => {
        const text = await readFile(join(host.root, 'var/lib/homeport-agent-update/outcome.json'), 'utf8');
        return text.includes('"to":"0.4.0"') && text;
      },
      60_000,
    );
    expect(JSON.parse(outcome)).toMatchObject({ result: 'refused', failure: { code: 'update_untrusted' } });
    await untouched('0.2.0');
  });

  privilegedTest('removed, nothing is left', async () => {
    expect(await host.shell('sh install.sh --uninstall')).toMatchObject({ code: 0 });
    expect(changes()).toEqual(fresh);
  });
});
