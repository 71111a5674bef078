import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect } from 'vitest';
import { privilegedTest } from '../world.ts';
import { sharedControlPlaneHost } from './control-plane-world.ts';
import { isRoot } from './world.ts';

const shared = sharedControlPlaneHost();

describe('whatever breaks, the host is as it was', () => {
  /** The package but for what is not needed before the service starts: it is copied each time. */
  const LIGHT = '/root/light';
  beforeAll(async () => {
    if (!isRoot) return;
    const { host } = shared();
    // Nothing is to be fetched each time.
    const libraries = '/usr/lib/x86_64-linux-gnu';
    await copyFile(`${libraries}/libatomic.so.1`, join(host.root, libraries, 'libatomic.so.1'));
    const parts = '$(ls -A | grep -v node_modules) node_modules/.bin node_modules/node';
    await host.shell(`mkdir ${LIGHT}; cd /package && tar -c ${parts} | tar -xC ${LIGHT}`);
  });

  // In the order of the steps. Of systemctl the first two calls are questions.
  const STEPS: [step: string, name: string, nth: number, then?: string][] = [
    ['room for the copy', 'mktemp', 1],
    ['the copy', 'cp', 1],
    ['its owner', 'chown', 1],
    ['its rights', 'chmod', 1],
    ['the folder of the settings', 'mkdir', 1],
    ['the account', 'useradd', 1],
    ['the data directory', 'mkdir', 2],
    ['whose it is', 'chown', 2],
    ['placing the program', 'mv', 1],
    ['placing the command', 'cp', 2],
    ['loading the unit', 'systemctl', 3],
    ['enabling it', 'systemctl', 4],
    ['starting it', 'systemctl', 5],
    ['a signal while the program is placed', 'mv', 1, 'kill -INT $PPID'],
    ['a signal while it is started', 'systemctl', 5, 'kill -TERM $PPID'],
  ];
  for (const [step, name, nth, then = 'exit 1'] of STEPS) {
    privilegedTest(step, async () => {
      const { changes, firstTime, host, install } = shared();
      await host.shim(
        name,
        `echo >>/shims/${name}.calls
[ "$(/usr/bin/wc -l </shims/${name}.calls)" != ${nth} ] || { echo "${name}: broken" >&2; ${then}; }
PATH=/usr/sbin:/usr/bin exec ${name} "$@"`,
      );
      const before = changes();
      const { code, output } = await install(firstTime, { from: LIGHT });
      host.removeShims();
      expect(output).toContain(`${name}: broken`);
      expect(code).not.toBe(0);
      expect(changes()).toEqual(before);
      const left = await host.shell('systemctl show --property LoadState,ActiveState --value homeport');
      expect(left.output.split('\n').toSorted().join(' ').trim()).toBe('inactive not-found');
    });
  }

  privilegedTest('options that cannot be, and addresses that nobody could use', async () => {
    const { changes, install } = shared();
    const before = changes();
    const wrong: [string, number, string][] = [
      ['', 1, 'At which address'],
      ['--url http://backups.example.org', 1, 'is not the https:// address'],
      ['--url https://backups.example.org/path', 1, 'is not the https:// address'],
      ['--url https://a.example --port 80x', 1, '80x is no port'],
      ['--url https://a.example --certificate /etc/hosts', 1, 'needs its key'],
      ['--url https://a.example --certificate a --key b', 1, 'whole path'],
      ['--url https://a.example --certificate /none --key /none', 1, 'There is no file /none'],
      ['--url', 2, 'install.sh control-plane --url URL'],
      ['--keep-data', 2, 'install.sh control-plane --url URL'],
      ['--uninstal', 2, 'install.sh control-plane --url URL'],
    ];
    for (const [args, code, said] of wrong)
      expect(await install(args), args).toMatchObject({ code, output: expect.stringContaining(said) });
    expect(changes()).toEqual(before);
  });

  privilegedTest('a checkout that is not built, or not built again', async () => {
    const { changes, firstTime, host, install } = shared();
    const before = changes();
    await host.shell('mkdir checkout && cp -R /package/install.sh /package/deploy checkout/');
    const from = '/root/checkout';
    const unbuilt = await install(firstTime, { from });
    expect(unbuilt).toMatchObject({ code: 1, output: expect.stringContaining('is not built yet') });
    await host.shell(
      'mkdir -p checkout/dist checkout/control-plane/build && ln -s /package checkout/dist/control-plane',
    );
    await host.shell('echo "process.exit(1)" >checkout/control-plane/build/main.ts');
    const stale = await install(firstTime, { from });
    expect(stale).toMatchObject({ code: 1, output: expect.stringContaining('not what this checkout holds') });
    expect(changes()).toEqual(before);
  });
});
