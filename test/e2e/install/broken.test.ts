import { appendFile, copyFile, cp, readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import type { ApiAgent } from '../../support/api-shapes.ts';
import { ROOT } from '../../support/child.ts';
import type { CleanHost } from '../../support/clean-host.ts';
import { mountTmpfs } from '../../support/tmpfs.ts';
import { privilegedTest } from '../world.ts';
import { isRoot, sharedInstallWorld } from './world.ts';

const world = sharedInstallWorld();
let host: CleanHost;
let token: string;

beforeAll(async () => {
  if (!isRoot) return;
  host = await world().host();
  // Here it is not what is to be missing.
  const libraries = '/usr/lib/x86_64-linux-gnu';
  await copyFile(`${libraries}/libatomic.so.1`, join(host.root, libraries, 'libatomic.so.1'));
  ({ token } = await world().token());
}, 300_000);

/** Installs by a pipe, as many do. */
const install = (env: Record<string, string> = {}, args = '') =>
  host.shell(`curl -fsSL ${world().url}/install.sh -o install.sh; cat install.sh | sh -s -- ${args}`, {
    env: { HOMEPORT_TOKEN: token, ...env },
  });

/** A program that does as it should, but for its `nth` call. */
const failing = (name: string, nth: number, then = 'exit 1') =>
  host.shim(
    name,
    `echo >>/shims/${name}.calls
[ "$(/usr/bin/wc -l </shims/${name}.calls)" != ${nth} ] || { echo "${name}: broken" >&2; ${then}; }
PATH=/usr/sbin:/usr/bin exec ${name} "$@"`,
  );

describe('whatever breaks, the host is as it was', () => {
  // In the order of the steps. The script makes one directory for settings, then one for the agent's state.
  const STEPS: [step: string, name: string, nth: number, then?: string][] = [
    ['room for the download', 'mktemp', 1],
    ['the download', 'curl', 2],
    ['unpacking', 'gzip', 1],
    ['making it executable', 'chmod', 1],
    ['the folder of the settings', 'mkdir', 1],
    ['the account', 'useradd', 1],
    ['the state directory', 'mkdir', 2],
    ['its owner', 'chown', 1],
    ['placing the program', 'mv', 1],
    ['a signal while the account is made', 'useradd', 1, 'kill -TERM $PPID'],
    ['a signal while the program is placed', 'mv', 1, 'kill -INT $PPID'],
  ];
  for (const [step, name, nth, then] of STEPS) {
    privilegedTest(step, async () => {
      await failing(name, nth, then);
      const before = host.changes();
      const { code, output } = await install();
      expect(output).toContain(`${name}: broken`);
      expect(code).not.toBe(0);
      expect(host.changes()).toEqual(before);
      host.removeShims();
    });
  }

  privilegedTest('a download that is not what the script was made for', async () => {
    const directory = join(world().directory, 'tampered');
    await cp(world().built.directory, directory, { recursive: true });
    const file = join(directory, 'homeport-agent-linux-x64.gz');
    const bytes = await readFile(file);
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
    await writeFile(file, bytes);
    await world().serve(directory);
    const before = host.changes();
    const { code, output } = await install();
    expect(output).toContain('is not the file that this script was made for');
    expect(code).toBe(1);
    expect(host.changes()).toEqual(before);
    await world().serve(world().built.directory);
  });

  privilegedTest('a disk without room', async () => {
    await using _full = await mountTmpfs(join(host.root, 'usr/local/bin'), 60);
    const before = host.changes();
    const { code, output } = await install();
    expect(output).toMatch(/could not be unpacked|could not be downloaded/);
    expect(code).toBe(1);
    expect(host.changes()).toEqual(before);
    expect(await host.shell('ls -A /usr/local/bin')).toEqual({ code: 0, output: '' });
  });

  privilegedTest('a token that is wrong, and none', async () => {
    const before = host.changes();
    const wrong = await install({ HOMEPORT_TOKEN: `${token.slice(0, -4)}AAAA` });
    expect(wrong).toMatchObject({ code: 1, output: expect.stringContaining('could not enrol') });
    expect(host.changes()).toEqual(before);
    const none = await install({ HOMEPORT_TOKEN: '' });
    expect(none).toMatchObject({ code: 1, output: expect.stringContaining('There is no enrolment token') });
    expect(host.changes()).toEqual(before);
  });

  privilegedTest('settings that the agent does not understand: they stay, nothing else does', async () => {
    const path = join(host.root, 'etc/homeport/agent.toml');
    await host.shell('mkdir /etc/homeport');
    await appendFile(path, 'max_jobs = "many"\n');
    const before = host.changes();
    const { code, output } = await install();
    expect(output).toContain('/etc/homeport/agent.toml cannot be used');
    expect(code).toBe(1);
    expect(host.changes()).toEqual(before);
    await host.shell('rm -r /etc/homeport');
  });
});

describe('a way to the control plane that lets no WebSocket through', () => {
  let proxy: Server;
  let url: string;
  beforeAll(async () => {
    proxy = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const answer = await fetch(new URL(request.url ?? '/', world().url), {
        method: request.method ?? 'GET',
        headers: { 'content-type': 'application/json' },
        ...(chunks.length > 0 ? { body: Buffer.concat(chunks) } : {}),
      });
      response.writeHead(answer.status).end(Buffer.from(await answer.arrayBuffer()));
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    const address = proxy.address();
    url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
  });
  afterAll(() => proxy.close());

  privilegedTest('is met when the connection is tried: the reason is shown, the host as it was', async () => {
    const before = host.changes();
    const script = `curl -fsSL ${url}/install.sh | sed "s|^CONTROL_PLANE=.*|CONTROL_PLANE='${url}'|" | sh`;
    const env = { HOMEPORT_TOKEN: token, HOMEPORT_WAIT_SECONDS: '2' };
    const { code, output } = await host.shell(script, { env });
    expect(output).toContain('is not connected after 2 seconds');
    expect(output).toContain('control_plane_unreachable');
    expect(output).toContain('The token is used up');
    expect(code).toBe(1);
    expect(host.changes()).toEqual(before);
    const agents = await world().homeport.api.get<ApiAgent[]>('/agents');
    expect(agents).toHaveLength(1);
  });
});

describe('other hosts', () => {
  privilegedTest('a dry run says every step, needs no token and changes nothing', async () => {
    const before = host.changes();
    const { code, output } = await install({ HOMEPORT_TOKEN: '' }, '--dry-run');
    for (const said of [
      'download the agent',
      '/etc/homeport/agent.toml',
      'account homeport-agent',
      'enrol with',
    ])
      expect(output).toContain(said);
    expect(code).toBe(0);
    expect(host.changes()).toEqual(before);
  });

  privilegedTest('without an executable for them they are told of Node, and use it where it is', async () => {
    ({ token } = await world().token('odd'));
    await host.shim('uname', 'case $1 in -m) echo riscv64 ;; *) echo Linux ;; esac');
    const before = host.changes();
    const without = await install();
    expect(without).toMatchObject({
      code: 1,
      output: expect.stringContaining('There is no executable for riscv64'),
    });
    expect(host.changes()).toEqual(before);
    await cp(join(ROOT, 'node_modules/node/bin/node'), join(host.root, 'usr/bin/node'));
    const { code, output } = await install();
    expect(output).toContain('The agent can connect to ');
    expect(code).toBe(0);
    expect(await host.shell('head -c 30 /usr/local/bin/homeport-agent')).toMatchObject({
      output: expect.stringMatching(/^#!\/usr\/bin\/env -S node /),
    });
    expect(await install({}, '--uninstall')).toMatchObject({ code: 0 });
    host.removeShims();
    await host.shell('rm /usr/bin/node');
  });

  privilegedTest('with wget alone it works as well', async () => {
    ({ token } = await world().token('wget'));
    await host.shell('mv /usr/bin/curl /root/');
    const env = { HOMEPORT_TOKEN: token };
    const { code, output } = await host.shell(`wget -qO - ${world().url}/install.sh | sh`, { env });
    expect(output).toContain('The agent can connect to ');
    expect(code).toBe(0);
    const agents = await world().homeport.api.get<ApiAgent[]>('/agents');
    expect(agents.map(({ name }) => name)).toContain('wget');
    await host.shell('mv /root/curl /usr/bin/');
    expect(await install({}, '--uninstall')).toMatchObject({ code: 0 });
  });
});
