import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect } from 'vitest';
import { type Api, createApi } from '../../support/api.ts';
import type { CleanHost } from '../../support/clean-host.ts';
import { eventually } from '../../support/eventually.ts';
import { documented } from '../../vault-format/documents.ts';
import { privilegedTest } from '../world.ts';
import { type ControlPlaneHost, sharedControlPlaneHost } from './control-plane-world.ts';
import { isRoot } from './world.ts';

/** What a package that was missing brings. */
const LIBRARY = /libatomic|\/dpkg\/|ld\.so\.cache/;
const UNIT = '/etc/systemd/system/homeport.service';

const shared = sharedControlPlaneHost();
let host: CleanHost;
let api: Api;
let fresh: string[];

beforeAll(() => {
  if (!isRoot) return;
  host = shared().host;
  fresh = changes();
});

const changes = () => shared().changes();
const install: ControlPlaneHost['install'] = (...args) => shared().install(...args);
const version = async () => (await host.shell('homeport --version')).output.trim();
const processOf = async () =>
  (await host.shell('systemctl show --property MainPID --value homeport')).output.trim();

/** A line of the documents, for root, who needs no sudo. */
const asRoot = (script: string) => script.replaceAll('sudo ', '');
/** The two ways to remove it. */
const removing = asRoot(documented('docs/running.md', 'Remove')).trimEnd().split('\n');

/** A package of a newer version, with a main module of these lines where there are some. */
async function newerPackage(name: string, next: string, main?: string): Promise<string> {
  const at = `/root/${name}`;
  await host.shell(`cp -R /package ${at}
sed -i 's/"version": "0.1.0"/"version": "${next}"/' ${at}/build.json
sed -i "s/'0.1.0'/'${next}'/" ${at}/protocol/version.ts`);
  if (main) await host.shell(`cat >${at}/control-plane/main.ts`, { input: main });
  return at;
}

describe('the control plane as a service', () => {
  privilegedTest('a dry run says every step, and changes nothing', async () => {
    const { code, output } = await install(`${shared().firstTime} --dry-run`);
    for (const said of ['/opt/homeport', '/etc/homeport/control-plane.env', 'account homeport', UNIT])
      expect(output).toContain(said);
    expect(output).toContain('Nothing was changed.');
    expect(code).toBe(0);
    expect(changes()).toEqual(fresh);
  });

  privilegedTest('is installed on a host without Node, and served at once', async () => {
    const { code, output } = await install(shared().firstTime);
    expect(output).toContain('install the package libatomic1');
    expect(output).toContain('The control plane serves.');
    expect(output).toContain('homeport setup-link');
    expect(output).toContain('sh /opt/homeport/install.sh control-plane --uninstall --keep-data');
    expect(code).toBe(0);
    const made = changes().filter((path) => !fresh.includes(path) && !LIBRARY.test(path));
    expect(made).toEqual([
      '~ /etc/group',
      '~ /etc/gshadow',
      '+ /etc/homeport',
      '~ /etc/passwd',
      '~ /etc/shadow',
      '+ /etc/systemd/system/homeport.service',
      '+ /etc/systemd/system/multi-user.target.wants/homeport.service',
      '+ /opt/homeport',
      '+ /usr/local/bin/homeport',
      '+ /var/lib/homeport',
    ]);
    expect((await fetch(`${shared().url}/healthz`)).status).toBe(200);
    expect(await (await fetch(shared().url)).text()).toContain('<title>');
  });

  privilegedTest('what it made belongs to whom it should', async () => {
    const at = async (path: string) => {
      const { gid, mode, uid } = await stat(join(host.root, path));
      return `${(mode & 0o7777).toString(8)} ${uid === 0 && gid === 0 ? 'root' : 'homeport'}`;
    };
    expect(await at('var/lib/homeport')).toBe('700 homeport');
    expect(await at('var/lib/homeport/homeport.sqlite')).toBe('600 homeport');
    expect(await at('etc/homeport/control-plane.env')).toBe('600 root');
    expect(await at('opt/homeport/control-plane/main.ts')).toBe('644 root');
    const owner = await host.shell(`stat -c %U /proc/${await processOf()}`);
    expect(owner.output).toBe('homeport\n');
    expect(await host.shell('find /opt/homeport ! -user root -o -perm /022 ! -type l')).toMatchObject({
      output: '',
    });
  });

  privilegedTest('systemd finds nothing to complain about, and little that it may do', async () => {
    expect(await host.shell(`systemd-analyze verify ${UNIT}`)).toEqual({ code: 0, output: '' });
    // Tenths of systemd's measure of exposure, from 0 (none) to 100.
    const judge = `systemd-analyze security --no-pager --offline=yes --threshold=20 ${UNIT}`;
    expect(await host.shell(judge)).toMatchObject({ code: 0, output: expect.stringContaining('OK') });
    const seen = await host.shell(
      `grep -E '^(CapBnd|NoNewPrivs|Seccomp):' /proc/${await processOf()}/status`,
    );
    expect(seen.output).toMatch(/^CapBnd:\t0+\nNoNewPrivs:\t1\nSeccomp:\t2\n$/);
  });

  privilegedTest('root’s own commands work on its data, as its account', async () => {
    const link = await host.shell(asRoot(documented('docs/running.md', 'Install', 1)));
    expect(link).toMatchObject({
      code: 0,
      output: expect.stringMatching(`^${shared().url}/setup#[\\w-]+\n$`),
    });
    const { output } = await host.shell('homeport api-key create --name test');
    api = createApi(shared().url, output.trim());
    expect(await api.get('/agents')).toEqual([]);
    expect(await host.shell('find /var/lib/homeport -user root')).toEqual({ code: 0, output: '' });
    const log = await host.shell('journalctl --unit homeport --output cat');
    expect(log.output).toContain(`${shared().url}/setup#`);
    const looked = await host.shell(`set -e\n${asRoot(documented('docs/running.md', 'The service'))}`);
    expect(looked).toMatchObject({ code: 0, output: expect.stringContaining('Active: active (running)') });
    const somebody = await host.shell('setpriv --reuid 1 homeport setup-link');
    expect(somebody).toMatchObject({ code: 3, output: expect.stringContaining('run it as root') });
  });

  privilegedTest('the same again changes nothing; something else than what is there is refused', async () => {
    const [before, process] = [changes(), await processOf()];
    expect(await install(shared().firstTime)).toMatchObject({
      code: 0,
      output: expect.stringContaining('it is this build already'),
    });
    const other = await install('--url https://backups.example.org');
    expect(other).toMatchObject({
      code: 1,
      output: expect.stringContaining('is not what this control plane'),
    });
    expect(changes()).toEqual(before);
    expect(await processOf()).toBe(process);
  });

  privilegedTest(
    'an upgrade that does not serve is taken back: the former one goes on, with its index',
    async () => {
      const from = await newerPackage(
        'broken',
        '0.2.0',
        `import Database from 'better-sqlite3';
const db = new Database(process.env.HOMEPORT_DATA + '/homeport.sqlite');
db.exec('DROP TABLE IF EXISTS apikey');
console.log('the new one spoils its index');
process.exit(3);`,
      );
      const before = changes();
      const { code, output } = await install('', { from, HOMEPORT_WAIT_SECONDS: '4' });
      expect(output).toContain('the new one spoils its index');
      expect(output).toContain('does not serve after 4 seconds');
      expect(output).toContain('this host is as it was before');
      expect(code).toBe(1);
      expect(changes()).toEqual(before);
      expect(await host.shell('homeport healthy --wait 60')).toMatchObject({ code: 0 });
      expect(await version()).toBe('0.1.0');
      expect(await api.get('/agents')).toEqual([]);
      expect((await host.shell('ls /var/lib/homeport')).output).not.toContain('index-before');
    },
  );

  privilegedTest('an upgrade keeps data and settings, and needs no options', async () => {
    const from = await newerPackage('newer', '0.2.0');
    await host.shell('echo HOMEPORT_LOG_LEVEL=debug >>/etc/homeport/control-plane.env');
    const { code, output } = await install('', { from });
    expect(output).toContain('stop the former version');
    expect(output).not.toContain('setup-link');
    expect(code).toBe(0);
    expect(await version()).toBe('0.2.0');
    expect(await api.get('/agents')).toEqual([]);
    expect((await host.shell('cat /etc/homeport/control-plane.env')).output).toContain('LOG_LEVEL=debug');
    expect((await host.shell('ls /var/lib/homeport')).output).not.toContain('index-before');
  });

  privilegedTest('comes back when it is killed', async () => {
    const before = await processOf();
    await host.shell('systemctl kill --kill-who=main --signal=KILL homeport');
    await eventually('systemd has started it again', async () => {
      const { code } = await host.shell('homeport healthy');
      return code === 0 && (await processOf()) !== before;
    });
  });

  privilegedTest('removing it asks what becomes of the data; kept, it goes on from there', async () => {
    const before = changes();
    const untold = await install('--uninstall', { from: '/opt/homeport' });
    expect(untold).toMatchObject({
      code: 1,
      output: expect.stringContaining('--keep-data or --remove-data'),
    });
    const dry = await install('--uninstall --remove-data --dry-run', { from: '/opt/homeport' });
    expect(dry).toMatchObject({ code: 0, output: expect.stringContaining('Nothing was changed.') });
    expect(changes()).toEqual(before);
    const [keeping] = removing;
    const kept = await host.shell(`${keeping} </dev/null`);
    expect(kept).toMatchObject({ code: 0, output: expect.stringContaining('stay; installed again') });
    const left = changes().filter((path) => !fresh.includes(path) && !LIBRARY.test(path));
    expect(left.filter((path) => !/passwd|shadow|group/.test(path))).toEqual([
      '+ /etc/homeport',
      '+ /var/lib/homeport',
    ]);
    expect(await install()).toMatchObject({ code: 0 });
    expect(await version()).toBe('0.1.0');
    expect(await api.get('/agents')).toEqual([]);
  });

  privilegedTest('removed with its data, nothing is left', async () => {
    const { code, output } = await host.shell(`${removing[1]} </dev/null`);
    expect(output).toContain('Removed, with all data.');
    expect(code).toBe(0);
    expect(changes()).toEqual(fresh);
    expect(await host.shell('ls /var/cache/homeport')).not.toMatchObject({ code: 0 });
    expect((await host.shell('systemctl status homeport')).output).toContain('could not be found');
    const again = await install('--uninstall --remove-data');
    expect(again).toMatchObject({ code: 0, output: expect.stringContaining('is not installed here') });
  });
});
