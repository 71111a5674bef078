import { spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { output } from './command.ts';
import { eventually } from './eventually.ts';
import { createNamespace, type Namespace } from './network.ts';
import { makeContainerBase } from './suites.ts';

/** Where the Dockerfiles' Debian comes from; nothing is pulled here, so that a Debian of debootstrap's has its name. */
export const DEBIAN = 'docker.io/library/debian:bookworm-slim';

export interface CommandOptions {
  /** Text for standard input. */
  input?: string;
  env?: Record<string, string>;
  /** With this machine's network in place of the containers': for what fetches packages. */
  outside?: boolean;
}

/** Podman and podman-compose as on a host of their own: images, volumes and networks that nobody else has. */
export interface Engine extends AsyncDisposable {
  /** The network of that host. */
  readonly host: Namespace;
  /** A directory that goes with it. */
  readonly directory: string;
  /** Runs a command there to its end, whatever its exit code. */
  tried(command: readonly string[], options?: CommandOptions): Promise<{ code: number; output: string }>;
  /** Runs a command there; gives what it wrote, and throws that unless it ended with 0. */
  run(command: readonly string[], options?: CommandOptions): Promise<string>;
  /** Builds an image from the lines of a Dockerfile alone. */
  image(name: string, dockerfile: string): Promise<void>;
}

/** Needs root, podman, crun, netavark and aardvark-dns; and podman-compose for that. */
export async function startEngine(): Promise<Engine> {
  const base = await makeContainerBase();
  const directory = await mkdtemp(join(tmpdir(), 'homeport-engine-'));
  await chmod(directory, 0o711);
  const host = await createNamespace();
  const holder = spawn(
    'ip',
    ['netns', 'exec', host.name, 'unshare', '--mount', 'sh', '-ec', HOLD, 'sh', directory],
    { stdio: 'ignore' },
  );
  const gone = new Promise<void>((resolve) => holder.once('exit', () => resolve()));
  const env = await settings(directory);
  const tried: Engine['tried'] = (command, options = {}) => {
    const told = Object.entries({ ...env, ...options.env }).map(([name, value]) => `${name}=${value}`);
    // Every program became the next one, so the holder is the process that lives there.
    const place = ['nsenter', '-t', String(holder.pid), '-m', ...(options.outside ? [] : ['-n'])];
    return output([...place, 'env', '-i', ...told, ...command], options.input);
  };
  const run: Engine['run'] = async (command, options) => {
    const { code, output: said } = await tried(command, options);
    if (code !== 0) throw new Error(`${command.join(' ')} ended with ${code}:\n${said.slice(-4000)}`);
    return said;
  };
  const dispose = async () => {
    await tried(['podman', 'rm', '-fa', '-t', '0']);
    holder.kill('SIGKILL');
    await gone;
    await host[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
  };
  try {
    const ready = ['test', '-e', join(directory, 'ready')];
    await eventually('the engine’s host is there', async () => (await output(ready)).code === 0);
    const archive = join(directory, 'base.tar');
    await run(['tar', '-C', base, '--exclude=./proc/*', '--exclude=./.whole', '-cf', archive, '.']);
    await run(['podman', 'import', archive, DEBIAN]);
    await rm(archive);
  } catch (error) {
    await dispose();
    throw error;
  }
  return {
    ...{ host, directory, tried, run },
    async image(name, dockerfile) {
      const path = join(directory, 'Dockerfile');
      const context = join(directory, 'nothing');
      await mkdir(context, { recursive: true });
      await writeFile(path, dockerfile);
      await run(['podman', 'build', '--file', path, '--tag', name, context], { outside: true });
    },
    [Symbol.asyncDispose]: dispose,
  };
}

/**
 * crun refuses hosts that have both generations of cgroups, and containers here need none. What Podman keeps elsewhere
 * goes where nobody else sees it: names of containers, too, or those of a run that was broken off would be answered with
 * addresses where nobody is any more.
 */
const HOLD = `
for place in $(awk '$5 ~ "^/sys/fs/cgroup/" {print $5}' /proc/self/mountinfo); do umount "$place"; done
mount -t tmpfs none /sys/fs/cgroup
mkdir -p /run/netns /run/containers
mount -t tmpfs none /run/netns
mount -t tmpfs none /run/containers
touch "$1/ready"
exec sleep infinity
`;

/** Environment of commands there; “podman” in it is one of these settings, for podman-compose as well. */
async function settings(directory: string): Promise<Record<string, string>> {
  const file = join(directory, 'containers.conf');
  await writeFile(
    file,
    `[containers]
cgroups = "disabled"
# Limits may not be raised here.
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
log_driver = "k8s-file"
[network]
network_backend = "netavark"
network_config_dir = "${join(directory, 'networks')}"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "none"
`,
  );
  const programs = join(directory, 'bin');
  await mkdir(programs);
  const store = `--root ${join(directory, 'root')} --runroot ${join(directory, 'run')} --storage-driver overlay`;
  const podman = `#!/bin/sh\nexec /usr/bin/podman ${store} "$@"\n`;
  await writeFile(join(programs, 'podman'), podman, { mode: 0o755 });
  return {
    PATH: `${programs}:/usr/sbin:/usr/bin:/sbin:/bin`,
    HOME: directory,
    CONTAINERS_CONF: file,
    // Docker's own format, which has health checks; and no cgroups, nor a network of its own, for builds.
    BUILDAH_FORMAT: 'docker',
    BUILDAH_ISOLATION: 'chroot',
    // It would want systemd to look at them now and then: tests ask for that themselves.
    DISABLE_HC_SYSTEMD: 'true',
  };
}
