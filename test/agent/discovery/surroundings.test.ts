import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { expect, test } from 'vitest';
import { firstCause, networkErrors } from '../../../agent/engines/errors.ts';
import { lookAround, type Surroundings } from '../../../agent/surroundings.ts';

const ROUTES = `Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
eth0	000011AC	00000000	0001	0	0	0	0000FFFF	0	0	0
eth0	00000000	010011AC	0003	0	0	0	00000000	0	0	0
`;
const devices = (...names: string[]) =>
  `Inter-|   Receive\n face |bytes\n${names.map((name) => `  ${name}: 0 0\n`).join('')}`;

/** What an agent would see whose root directory holds these files. */
async function around(files: Record<string, string>): Promise<Surroundings | undefined> {
  const root = await mkdtemp(join(tmpdir(), 'homeport-root-'));
  try {
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(root, path)), { recursive: true });
      await writeFile(join(root, path), text);
    }
    return lookAround(root);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

const DOCKER = { '.dockerenv': '', 'proc/net/route': ROUTES, 'proc/net/dev': devices('lo', 'eth0') };

test('a machine of its own is no container', async () => {
  expect(await around({ 'proc/1/environ': 'HOME=/\0', 'proc/1/cgroup': '0::/init.scope\n' })).toBeUndefined();
});

test('Docker: the host is the gateway', async () => {
  expect(await around(DOCKER)).toEqual({
    container: 'docker',
    hostAddresses: ['172.17.0.1'],
    hostNetwork: false,
  });
});

test('Podman: a name in /etc/hosts comes first', async () => {
  const files = { ...DOCKER, 'run/.containerenv': '', 'etc/hosts': '10.88.0.1 host.containers.internal\n' };
  expect(await around(files)).toMatchObject({
    container: 'podman',
    hostAddresses: ['host.containers.internal', '172.17.0.1'],
  });
});

test.for([
  ['proc/1/environ', 'PATH=/bin\0container=podman\0', 'podman'],
  ['proc/1/environ', 'container=lxc\0', 'other'],
  ['proc/1/cgroup', '0::/kubepods/besteffort/pod1/abc\n', 'other'],
] as const)('%s tells a container as well', async ([path, text, container]) => {
  expect(await around({ [path]: text })).toMatchObject({ container, hostAddresses: [] });
});

test('with the host’s network devices, loopback is the host’s', async () => {
  const files = { ...DOCKER, 'proc/net/dev': devices('lo', 'enp1s0', 'docker0', 'veth12ab') };
  expect(await around(files)).toMatchObject({ hostNetwork: true });
});

const words = {
  server: 'the server',
  address: (where: { host: string; port: number }) => `${where.host}:${where.port}`,
  listening: 'that it listens there',
};
const where = { host: '127.0.0.1', port: 5432, user: 'u', tls: 'off' as const };

/** A port of this host on which nothing listens any more, and the error of whoever knocks. */
async function refusal(): Promise<{ code: string | undefined; port: number }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  const client = new pg.Client({ host: '127.0.0.1', port, user: 'u', database: 'd' });
  const error = await client.connect().then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return { code: firstCause(error).code, port };
}

test('a refused loopback names what to enter instead, inside a container only', async () => {
  const docker = await around(DOCKER);
  const { code, port } = await refusal();
  expect(code).toBe('ECONNREFUSED');
  const hint = (facts: Surroundings | undefined, host = where.host) =>
    networkErrors(words, () => facts).byCode(code ?? '')?.({ ...where, host, port }, '').hint;
  expect(hint(docker)).toContain('“127.0.0.1” is that container itself');
  expect(hint(docker)).toContain('enter “172.17.0.1”; “host.docker.internal” works on macOS and Windows');
  expect(hint(docker)).toContain('network_mode: host');
  expect(hint(docker, '10.0.0.7')).not.toContain('container');
  expect(hint(docker, '/run/postgresql')).toContain('has to be mounted into it');
  expect(hint(undefined)).toContain('a port that its container publishes');
  expect(hint(docker && { ...docker, hostNetwork: true })).toBe(hint(undefined));
});

test('a name that does not resolve tells what container names need', async () => {
  const { unknownHost } = networkErrors(words, () => ({
    ...{ container: 'docker', hostAddresses: [], hostNetwork: false },
  }));
  expect(unknownHost({ ...where, host: 'db' }, '').hint).toContain(
    'docker network connect NETWORK CONTAINER',
  );
});
