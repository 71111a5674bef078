import { execFile, spawnSync } from 'node:child_process';
import { lstatSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Child, startChild } from './child.ts';
import { output } from './command.ts';
import { eventually } from './eventually.ts';
import { makeHostRoot } from './suites.ts';

const run = promisify(execFile);

export interface CleanHostOptions {
  /** Whether its systemd is to be started, as in a container. */
  boot?: boolean;
  /** Namespace that is the network of a booted one, instead of this machine's. */
  network?: string;
  /** Directories of this machine that a booted one sees, by where it sees them; it cannot change them. */
  shows?: Record<string, string>;
  /** Shell to run there, with this machine's network, before it is booted. */
  prepare?: string;
}

/** A minimal Debian host without Node, in a directory of its own. It has this machine's network. Needs root. */
export interface CleanHost extends AsyncDisposable {
  /** Its root directory. */
  readonly root: string;
  /** Put before a command that is to run there. */
  readonly prefix: readonly string[];
  /** Runs lines of shell there as root, in its directory `/root`. */
  shell(
    script: string,
    options?: { input?: string; env?: Record<string, string> },
  ): Promise<{ code: number; output: string }>;
  /** Paths that are not as on a fresh host, apart from `/root`: `+` new, `-` gone, `~` changed. */
  changes(): string[];
  /** Puts a program of these lines before the host's own ones. */
  shim(name: string, script: string): Promise<void>;
  removeShims(): void;
}

/** What a host writes by itself: caches, logs, dpkg's copies at midnight, and those `useradd` and `dpkg` leave beside files. */
const OWN =
  /^\/(root|proc|shims|run|var\/(log|cache|backups|lib\/apt\/lists|lib\/dpkg\/status-old|lib\/systemd)|etc\/(passwd|group|shadow|gshadow)-)(\/|$)/;
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export async function startCleanHost(options: CleanHostOptions = {}): Promise<CleanHost> {
  const lower = await makeHostRoot();
  const directory = await mkdtemp(join(tmpdir(), 'homeport-host-'));
  const [root, upper, work] = ['root', 'upper', 'work'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ];
  for (const path of [root, upper, work]) await mkdir(path);
  await chmod(directory, 0o755);
  // On a file system of its own: an overlay does not go onto every kind.
  await run('mount', [
    '-t',
    'overlay',
    'overlay',
    '-o',
    `lowerdir=${lower},upperdir=${upper},workdir=${work}`,
    root,
  ]);
  let booted: Booted | undefined;
  const remove = () => {
    booted?.kill();
    spawnSync('umount', ['-l', join(root, 'proc')]);
    spawnSync('umount', ['-l', root]);
    rmSync(directory, { recursive: true, force: true });
  };
  process.once('exit', remove);
  if (options.prepare) {
    const { code, output: said } = await output(['chroot', root, 'sh', '-ec', options.prepare]);
    if (code !== 0) throw new Error(`The host could not be prepared:\n${said}`);
  }
  if (!options.boot) await run('mount', ['-t', 'proc', 'proc', join(root, 'proc')]);
  booted = options.boot ? await boot(root, directory, options) : undefined;
  const prefix = booted?.prefix ?? ['chroot', root];
  return {
    root,
    prefix,
    shell: (script, { env = {}, input } = {}) => {
      const variables = Object.entries({ PATH: `/shims:${PATH}`, HOME: '/root', TERM: 'dumb', ...env });
      const told = variables.map(([name, value]) => `${name}=${value}`);
      return output([...prefix, 'env', '-i', ...told, 'sh', '-c', `cd /root && ${script}`], input);
    },
    changes: () => differences(upper, lower, '/'),
    async shim(name, script) {
      await mkdir(join(root, 'shims'), { recursive: true });
      await writeFile(join(root, 'shims', name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    },
    removeShims: () => rmSync(join(root, 'shims'), { recursive: true, force: true }),
    async [Symbol.asyncDispose]() {
      booted?.kill();
      await booted?.init.exited;
      process.off('exit', remove);
      remove();
    },
  };
}

interface Booted {
  init: Child;
  prefix: string[];
  /** Ends the first process, and with it all others. */
  kill(): void;
}

/**
 * Runs a command in control groups of its own, as far as there may be some. Otherwise the hosts of two tests would have
 * theirs in common: services of the same name, each ended by both.
 */
const OWN_CGROUP = `for top in /sys/fs/cgroup /sys/fs/cgroup/unified /sys/fs/cgroup/systemd; do
  [ -w $top/cgroup.procs ] || continue
  mkdir $top/homeport-host-$$ && echo $$ >$top/homeport-host-$$/cgroup.procs || :
done
exec "$@"`;

/** Starts the host's systemd as the first process of a container, and waits until it has started everything. */
async function boot(
  root: string,
  logDirectory: string,
  { network, shows = {} }: CleanHostOptions,
): Promise<Booted> {
  // It is registered nowhere: this machine need not run systemd itself.
  const args = [`--directory=${root}`, '--register=no', '--keep-unit', '--link-journal=no', '--boot'];
  for (const [inside, outside] of Object.entries(shows)) args.push(`--bind-ro=${outside}:${inside}`);
  if (network) args.push(`--network-namespace-path=/run/netns/${network}`);
  const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' };
  const command = ['sh', '-c', OWN_CGROUP, 'sh', 'systemd-nspawn', ...args] as const;
  const init = startChild({ name: 'host', command: [...command], env, logDirectory });
  const first = await eventually('the host’s first process is there', () => {
    if (!init.running()) throw new Error(`The host did not boot:\n${init.output().slice(-4000)}`);
    const children = readFileSync(`/proc/${init.pid}/task/${init.pid}/children`, 'utf8').trim().split(' ');
    return children.find((pid) => pid && isFirst(pid));
  });
  const prefix = ['nsenter', `--target=${first}`, '--mount', '--uts', '--ipc', '--pid', '--root', '--wd'];
  if (network) prefix.push('--net');
  await eventually('the host has booted', async () => {
    const { output: state } = await output([...prefix, 'systemctl', 'is-system-running']);
    return /^(running|degraded)/.test(state);
  });
  return {
    init,
    prefix,
    // With a network that it was given the first process outlives the one that started it.
    kill: () => {
      if (init.running()) process.kill(Number(first), 'SIGKILL');
    },
  };
}

/** Whether a process has the number 1 where it lives. */
function isFirst(pid: string): boolean {
  try {
    return /^NSpid:.*\t1$/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false; // it helped to start the first one, and is gone
  }
}

/** What the overlay's upper directory holds that its lower one has not got in the same way. */
function differences(upper: string, lower: string, path: string): string[] {
  const found: string[] = [];
  for (const name of readdirSync(join(upper, path)).sort()) {
    const inside = join(path, name);
    if (OWN.test(inside)) continue;
    const now = lstatSync(join(upper, inside));
    const before = lstatSync(join(lower, inside), { throwIfNoEntry: false });
    // A name that was removed has a device 0/0 in its place.
    if (now.isCharacterDevice() && now.rdev === 0) found.push(`- ${inside}`);
    else if (!before) found.push(`+ ${inside}`);
    else if (now.mode !== before.mode || now.uid !== before.uid || now.gid !== before.gid)
      found.push(`~ ${inside}`);
    else if (now.isDirectory()) found.push(...differences(upper, lower, inside));
    else if (now.isSymbolicLink() && readlinkSync(join(upper, inside)) !== readlinkSync(join(lower, inside)))
      found.push(`~ ${inside}`);
    else if (now.isFile() && !readFileSync(join(upper, inside)).equals(readFileSync(join(lower, inside))))
      found.push(`~ ${inside}`);
  }
  return found;
}
