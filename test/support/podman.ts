import { execFile, spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { output } from './command.ts';
import { eventually } from './eventually.ts';
import type { Namespace } from './network.ts';

const run = promisify(execFile);

/** What one container is to be. */
export interface ContainerWish {
  name: string;
  image: string;
  /** Arguments of `podman run` before the image, e.g. `['-p', '5433:5432']`. */
  options?: readonly string[];
  command: readonly string[];
}

/** A real Podman with an API socket, an image store and a network of its own; nothing is fetched from anywhere. */
export interface Podman extends AsyncDisposable {
  /** Path of the API socket, which Docker's clients understand. */
  readonly socket: string;
  /** Put before a command that is to run beside the containers, on their host. */
  readonly prefix: readonly string[];
  /** Directory that containers see as `/shared`. */
  readonly shared: string;
  /** An image of this name whose programs are this host's own. */
  image(name: string): Promise<void>;
  run(wish: ContainerWish): Promise<void>;
  /** Runs a command in a container, `input` as its standard input, and gives what it wrote and its exit code. */
  exec(container: string, command: readonly string[]): Promise<{ output: string; code: number }>;
  inspect(container: string, format: string): Promise<string>;
}

/**
 * Starts Podman inside a network namespace of its own, with mounts of its own: crun refuses hosts that have both
 * generations of cgroups, and containers here need none. Needs root.
 */
export async function startPodman(namespace: Namespace): Promise<Podman> {
  const directory = await mkdtemp(join(tmpdir(), 'homeport-podman-'));
  const [socket, shared] = [join(directory, 'podman.sock'), join(directory, 'shared')];
  // Others may enter, as they may where such sockets usually are.
  await chmod(directory, 0o711);
  await mkdir(shared);
  await chmod(shared, 0o777);
  const settings = ['--root', join(directory, 'root'), '--runroot', join(directory, 'run')];
  // Whatever other networks this machine has the programs for.
  const parts = ['--storage-driver', 'vfs', '--cgroup-manager', 'cgroupfs', '--network-backend', 'cni'];
  const podman = ['podman', ...settings, ...parts];
  const service = spawn(
    'ip',
    ['netns', 'exec', namespace.name, 'unshare', '-m', 'sh', '-ec', SCRIPT, 'sh', socket, ...podman],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  let said = '';
  service.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-10_000);
  });
  const gone = new Promise<void>((resolve) => service.once('exit', () => resolve()));
  const remove = () => rm(directory, { recursive: true, force: true });
  await eventually('Podman answers', async () => {
    if (service.exitCode !== null) throw new Error(`Podman did not start: ${said}`);
    return accepts(socket);
  });
  // Every program became the next one, so this is the service's own process.
  const prefix = ['nsenter', '-t', String(service.pid), '-m', '-n'];
  const call = (...args: string[]) => output([...prefix, ...podman, ...args]);
  return {
    ...{ socket, prefix, shared },
    image: (name) => importImage(directory, name, call),
    run: async ({ command, image, name, options = [] }) => {
      const mounts = ['-v', '/usr:/usr:ro', '-v', `${shared}:/shared`];
      // This may not raise limits, and has no cgroups to put a container into.
      const limits = ['--cgroups', 'disabled', '--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1024:1024'];
      const { code, output: said } = await call(
        'run',
        '-d',
        '--name',
        name,
        ...limits,
        ...mounts,
        ...options,
        image,
        ...command,
      );
      if (code !== 0) throw new Error(`Container ${name} did not start: ${said}`);
    },
    exec: (container, command) => call('exec', container, ...command),
    inspect: async (container, format) =>
      (await call('inspect', '--format', format, container)).output.trim(),
    [Symbol.asyncDispose]: async () => {
      await call('rm', '-fa', '-t', '0');
      service.kill('SIGTERM');
      await gone;
      await remove();
    },
  };
}

/** What Podman and its plugins keep elsewhere goes where nobody else sees it; then it serves its API. */
const SCRIPT = `
for place in $(awk '$5 ~ "^/sys/fs/cgroup/" {print $5}' /proc/self/mountinfo); do umount "$place"; done
mount -t tmpfs none /sys/fs/cgroup
mkdir -p /var/lib/cni /run/netns
mount -t tmpfs none /var/lib/cni
mount -t tmpfs none /run/netns
socket=$1; shift
exec "$@" system service -t 0 "unix://$socket"
`;

async function importImage(
  directory: string,
  name: string,
  call: (...args: string[]) => Promise<{ output: string; code: number }>,
): Promise<void> {
  const root = join(directory, 'image');
  for (const folder of ['etc', 'tmp', 'proc', 'sys', 'dev', 'usr', 'run']) {
    await mkdir(join(root, folder), { recursive: true });
  }
  for (const link of ['bin', 'sbin', 'lib', 'lib64']) {
    await symlink(`usr/${link}`, join(root, link)).catch(() => {}); // made for another image
  }
  for (const file of ['passwd', 'group']) await run('cp', [`/etc/${file}`, join(root, 'etc', file)]);
  await run('chmod', ['1777', join(root, 'tmp')]);
  const archive = join(directory, 'image.tar');
  await run('tar', ['-C', root, '-cf', archive, '.']);
  const { code, output: said } = await call('import', archive, name);
  if (code !== 0) throw new Error(`No image ${name}: ${said}`);
}

function accepts(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
