import { copyFile, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, vi } from 'vitest';
import { signRelease, writeReleaseKey } from '../../../agent/build/signing.ts';
import type { ApiAgent, ApiDatabase } from '../../support/api-shapes.ts';
import { checksums } from '../../support/checksums.ts';
import { type Child, startChild } from '../../support/child.ts';
import type { CleanHost } from '../../support/clean-host.ts';
import { eventually } from '../../support/eventually.ts';
import { newerRelease } from '../../support/newer-release.ts';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';
import { addServer, backUp, protect, restore } from '../../support/protect.ts';
import { createShop } from '../../support/shop.ts';
import { documented } from '../../vault-format/documents.ts';
import { privilegedTest } from '../world.ts';
import { isRoot, sharedInstallWorld } from './world.ts';

// Executables are built, signed and unpacked in some of these.
vi.setConfig({ testTimeout: 300_000 });
const world = sharedInstallWorld({ tls: true });

/** What a package that was missing brings. */
const LIBRARY = /libatomic|\/dpkg\/|ld\.so\.cache/;

/** One host, from its first install to its last trace; each test goes on where the one before ended. */
describe('an agent on a minimal Debian without Node and without systemd', () => {
  let host: CleanHost;
  let postgres: TestPostgres;
  let fresh: string[];
  let agent: ApiAgent;
  let database: ApiDatabase;
  let running: Child | undefined;
  let command: string;

  beforeAll(async () => {
    if (!isRoot) return;
    host = await world().host();
    await copyFile(world().certificateFile ?? '', join(host.root, 'usr/local/share/ca-certificates/own.crt'));
    expect(await host.shell('update-ca-certificates')).toMatchObject({ code: 0 });
    postgres = await startPostgres({ root: host.root });
    await createShop(postgres, 'shop', 2_000);
    fresh = withoutServer(host.changes());
  }, 300_000);
  afterAll(async () => {
    await running?.end('SIGKILL');
    await postgres?.stop();
  });

  /** The server of the test lies in the host's `/tmp`. */
  const withoutServer = (paths: string[]) =>
    paths.filter((path) => !path.includes(postgres.directory.slice(host.root.length)));
  const paste = (text: string) => host.shell(text.replaceAll('sudo ', ''));
  const runAgent = () => {
    // The shell is replaced by the agent, so that signals reach it.
    const script = `exec ${documented('docs/installing.md', 'Hosts without systemd')}`;
    const place = ['env', '-i', 'PATH=/usr/local/bin:/usr/bin:/bin', 'sh', '-c', script];
    running = startChild({
      name: 'installed',
      command: [...host.prefix, ...place] as [string, ...string[]],
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
      logDirectory: world().directory,
    });
  };
  const online = (version: string) =>
    eventually(`the agent of version ${version} is online`, async () => {
      const [found] = await world().homeport.api.get<ApiAgent[]>('/agents');
      return found?.state === 'online' && found.inventory?.version === version && found;
    });

  privilegedTest('the command that the UI shows installs it', async () => {
    expect((await host.shell('command -v node || ls /run/systemd/system')).code).not.toBe(0);
    const shown = await world().token('db-1');
    ({ command } = shown);
    const [, sha256 = ''] = /echo '([0-9a-f]{64}) /.exec(command) ?? [];
    const inDocument = documented('docs/installing.md', 'Install')
      .replace('https://backups.example.org', world().url)
      .replace('<sha256>', sha256)
      .replace('hpe_…', shown.token);
    expect(command).toBe(inDocument.trimEnd());
    const { code, output } = await paste(command);
    expect(output).toContain('install the package libatomic1');
    expect(output).toContain('create the system account homeport-agent');
    expect(output).toContain('The agent can connect to ');
    expect(output).toContain('This host runs no systemd');
    expect(output).toContain('sh /root/homeport-install.sh --uninstall');
    expect(output).not.toContain(shown.token);
    expect(code).toBe(0);
    const made = withoutServer(host.changes()).filter((path) => !fresh.includes(path) && !LIBRARY.test(path));
    expect(made).toEqual([
      '~ /etc/group',
      '~ /etc/gshadow',
      '+ /etc/homeport',
      '~ /etc/passwd',
      '~ /etc/shadow',
      '+ /usr/local/bin/homeport-agent',
      '+ /var/lib/homeport-agent',
    ]);
  });

  privilegedTest('what it made belongs to whom it should', async () => {
    const at = async (path: string) => {
      const { gid, mode, uid } = await stat(join(host.root, path));
      return `${(mode & 0o7777).toString(8)} ${uid === 0 && gid === 0 ? 'root' : 'agent'}`;
    };
    expect(await at('var/lib/homeport-agent')).toBe('700 agent');
    expect(await at('var/lib/homeport-agent/identity.json')).toBe('600 agent');
    expect(await at('etc/homeport/agent.toml')).toBe('644 root');
    expect(await at('usr/local/bin/homeport-agent')).toBe('755 root');
    const account = await readFile(join(host.root, 'etc/passwd'), 'utf8');
    expect(account).toMatch(
      /^homeport-agent:x:[1-9]\d{2}:\d+::\/var\/lib\/homeport-agent:\/usr\/sbin\/nologin$/m,
    );
    const [enrolled] = await world().homeport.api.get<ApiAgent[]>('/agents');
    expect(enrolled).toMatchObject({ name: 'db-1', state: 'offline' });
  });

  privilegedTest('started in the foreground by root it is no root, and backs up and restores', async () => {
    runAgent();
    agent = await online('0.1.0');
    const status = await readFile(`/proc/${running?.pid}/status`, 'utf8');
    expect(status).toMatch(/^Uid:\t[1-9]\d{2}\t/m);
    const { api } = world().homeport;
    const server = await addServer(api, agent, { name: 'there', server: postgres });
    database = await protect(api, server.id, 'shop');
    const { snapshot } = await backUp(api, database.id);
    await restore(api, snapshot.id, { serverId: server.id, plan: { targetDatabase: 'shop back' } });
    expect(await checksums(postgres, 'shop back')).toEqual(await checksums(postgres, 'shop'));
  });

  privilegedTest('root’s own commands work on its state, as its account', async () => {
    const before = await host.shell('homeport-agent status && homeport-agent server list');
    expect(before).toMatchObject({ code: 0, output: expect.stringContaining('there') });
    const owners = await host.shell('find /var/lib/homeport-agent -user root');
    expect(owners).toEqual({ code: 0, output: '' });
  });

  privilegedTest('the same command again changes nothing, and needs no new token', async () => {
    const before = host.changes();
    const { code, output } = await paste(command);
    expect(output).toContain('it is this build already');
    expect(code).toBe(0);
    expect(host.changes()).toEqual(before);
  });

  privilegedTest('with a newer agent on the control plane it upgrades in place', async () => {
    const directory = join(world().directory, 'newer');
    await newerRelease(world().built, { directory, version: '0.2.0' });
    const key = await writeReleaseKey(join(world().directory, 'release.key'));
    await signRelease(directory, join(world().directory, 'release.key'));
    await world().serve(directory);
    const { code, output } = await host.shell(`curl -fsSL ${world().url}/install.sh | sh`);
    expect(output).toContain('place the agent at /usr/local/bin/homeport-agent');
    expect(output).toContain(`pin the key that updates have to be signed with, ${key}`);
    expect(code).toBe(0);
    const pinned = join(host.root, 'etc/homeport/release-key');
    expect(await readFile(pinned, 'utf8')).toBe(`${key}\n`);
    const { mode, uid } = await stat(pinned);
    expect([mode & 0o777, uid]).toEqual([0o644, 0]);
    expect((await host.shell('homeport-agent doctor')).output).toContain(`pinned release key ${key}`);
    await running?.end('SIGTERM');
    runAgent();
    expect((await online('0.2.0')).id).toBe(agent.id);
    await backUp(world().homeport.api, database.id);
  });

  privilegedTest('one that is signed with another key is refused, and nothing is changed', async () => {
    const directory = join(world().directory, 'newer');
    const key = await writeReleaseKey(join(world().directory, 'foreign.key'));
    await signRelease(directory, join(world().directory, 'foreign.key'));
    const before = host.changes();
    const { code, output } = await host.shell(`curl -fsSL ${world().url}/install.sh | sh`);
    expect(output).toContain(`signed with: ${key}`);
    expect(output).toContain('remove /etc/homeport/release-key');
    expect(code).toBe(1);
    expect(host.changes()).toEqual(before);
  });

  privilegedTest('an upgrade that cannot connect is taken back', async () => {
    await running?.end('SIGTERM');
    const directory = join(world().directory, 'broken');
    const edit = (text: string) =>
      text.replace(/^#!.*$/m, "if (process.argv.includes('run')) process.exit(3);");
    await newerRelease(world().built, { directory, version: '0.3.0', edit });
    await world().serve(directory);
    const before = host.changes();
    const { code, output } = await host.shell(`curl -fsSL ${world().url}/install.sh | sh`, {
      env: { HOMEPORT_WAIT_SECONDS: '2' },
    });
    expect(output).toContain('this host is as it was before');
    expect(code).toBe(1);
    expect(host.changes()).toEqual(before);
    expect(await host.shell('homeport-agent --version')).toEqual({ code: 0, output: '0.2.0\n' });
    runAgent();
    expect((await online('0.2.0')).id).toBe(agent.id);
  });

  privilegedTest(
    'removing it says what it would do, refuses while it runs, then leaves nothing',
    async () => {
      const script = documented('docs/installing.md', 'Remove').trimEnd();
      const uninstall = (more = '') => paste(`${script} ${more}`);
      // A running agent has rooms for its tools now and then.
      const settled = () => host.changes().filter((path) => !path.includes('/homeport-room-'));
      const before = settled();
      expect(await uninstall('--dry-run')).toMatchObject({
        code: 0,
        output: expect.stringContaining('Nothing was changed.'),
      });
      expect(await uninstall()).toMatchObject({ code: 1, output: expect.stringContaining('still running') });
      expect(settled()).toEqual(before);
      await running?.end('SIGTERM');
      expect(await uninstall()).toMatchObject({
        code: 0,
        output: expect.stringContaining('Revoke the agent'),
      });
      expect(withoutServer(host.changes())).toEqual(fresh);
      expect(await uninstall()).toMatchObject({
        code: 0,
        output: expect.stringContaining('is not installed here'),
      });
    },
  );
});
