// Makes this checkout ready for one command: `node test/support/setup.mjs <demo|start|build|test|matrix|bench>`.
// Plain JavaScript, because it runs on whatever Node (≥ 20) the machine has, before anything is installed.
// Says nothing and takes well under a second when there is nothing to do. All output goes to stderr.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const modules = join(root, 'node_modules');
const runtime = join(modules, '.bin', 'node');

/** Debian packages by what they are needed for, and how to see that they are there. */
const PACKAGES = {
  postgresql: { package: 'postgresql', present: () => someIn('/usr/lib/postgresql', 'bin/postgres') },
  mariadb: { package: 'mariadb-server', present: () => onPath('mariadbd') && onPath('mariadb-install-db') },
  mariadbClient: { package: 'mariadb-client', present: () => onPath('mariadb') && onPath('mariadb-dump') },
  chromium: { package: 'chromium', present: () => onPath('chromium') },
  debootstrap: { package: 'debootstrap', present: () => onPath('debootstrap') },
  ip: { package: 'iproute2', present: () => onPath('ip') },
  nft: { package: 'nftables', present: () => onPath('nft') },
  locales: { package: 'locales', present: () => existsSync('/usr/share/i18n/locales/de_DE') },
  podman: { package: 'podman', present: () => onPath('podman') },
  crun: { package: 'crun', present: () => onPath('crun') },
  containerNetwork: {
    package: 'containernetworking-plugins',
    present: () => existsSync('/usr/lib/cni/bridge'),
  },
  // Networks on which containers know each other by name, and what starts compose files.
  netavark: { package: 'netavark', present: () => existsSync('/usr/lib/podman/netavark') },
  aardvark: { package: 'aardvark-dns', present: () => existsSync('/usr/lib/podman/aardvark-dns') },
  compose: { package: 'podman-compose', present: () => onPath('podman-compose') },
  restic: { package: 'restic', present: () => onPath('restic') },
  zstd: { package: 'zstd', present: () => onPath('zstd') },
  shellcheck: { package: 'shellcheck', present: () => onPath('shellcheck') },
  systemd: { package: 'systemd', present: () => onPath('systemd-analyze') },
  nspawn: { package: 'systemd-container', present: () => onPath('systemd-nspawn') },
  aws: { package: 'awscli', present: () => onPath('aws') },
  curl: { package: 'curl', present: () => onPath('curl') },
  jq: { package: 'jq', present: () => onPath('jq') },
  // Its promtool reads what the control plane exports, and the examples of the documentation.
  prometheus: { package: 'prometheus', present: () => onPath('prometheus') && onPath('promtool') },
  rclone: { package: 'rclone', present: () => onPath('rclone') },
  sshd: { package: 'openssh-server', present: () => onPath('sshd') },
  // An agent for another kind of machine is started with these.
  qemu: { package: 'qemu-user-static', present: () => onPath('qemu-aarch64-static') },
  arm64: {
    package: 'libstdc++6-arm64-cross',
    present: () => existsSync('/usr/aarch64-linux-gnu/lib/libstdc++.so.6'),
  },
  arm64Atomic: {
    package: 'libatomic1-arm64-cross',
    present: () => existsSync('/usr/aarch64-linux-gnu/lib/libatomic.so.1'),
  },
};

const NEEDS = {
  start: [],
  build: [],
  demo: ['postgresql', 'mariadb', 'mariadbClient'],
  test: [
    ...['postgresql', 'mariadb', 'mariadbClient', 'chromium', 'ip', 'nft', 'locales', 'shellcheck'],
    ...['qemu', 'arm64', 'arm64Atomic', 'systemd', 'rclone', 'sshd', 'curl', 'jq', 'prometheus'],
  ],
  matrix: ['postgresql', 'mariadb', 'mariadbClient', 'debootstrap', 'aws'],
  bench: ['postgresql', 'mariadb', 'mariadbClient', 'restic', 'zstd'],
};
// Root proves more: servers found inside of containers, the agent installed on a host of its own, images that are built.
if (process.getuid?.() === 0) {
  NEEDS.test.push('podman', 'crun', 'containerNetwork', 'debootstrap', 'nspawn');
  NEEDS.test.push('netavark', 'aardvark', 'compose');
}

main();

function main() {
  const command = process.argv[2] ?? 'start';
  const needs = NEEDS[command];
  if (!needs) stop(`setup: unknown command “${command}”, one of ${Object.keys(NEEDS).join(', ')}`);
  if (Number(process.versions.node.split('.')[0]) < 20) {
    stop(`Homeport needs Node 20 or newer to set itself up; this is ${process.version}.`);
  }
  installModules();
  installRuntime();
  installPackages(needs);
  buildWeb();
}

/**
 * `npm ci` would be the word for this, but npm (10 and 11) refuses a lockfile that lacks some other platform's
 * optional package, which is what npm itself writes where the registry has not got it. So: install by the
 * lockfile without writing it, then hold the result against it.
 */
function installModules() {
  if (modulesMatchLockfile()) return;
  say('Installing npm packages …');
  npm(['install', '--no-save', '--loglevel=error'], 'npm could not install the packages.');
  if (!modulesMatchLockfile()) stop('What npm installed is not what package-lock.json says.');
}

/** npm notes what it installed in `node_modules/.package-lock.json`: compare that with our lockfile. */
function modulesMatchLockfile() {
  const installed = join(modules, '.package-lock.json');
  if (!existsSync(installed)) return false;
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  const present = JSON.parse(readFileSync(installed, 'utf8')).packages;
  // The registry may have got an optional package of some other platform since the lockfile was written.
  if (Object.entries(present).some(([path, entry]) => !wanted[path] && !entry.optional)) return false;
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '') return true;
    const found = present[path];
    // Optional packages of other platforms are locked but not installed.
    if (!found) return entry.optional === true || entry.peer === true;
    return found.version === entry.version && found.integrity === entry.integrity;
  });
}

/** The Node that everything runs on comes from the npm registry, by the install script of package `node`. */
function installRuntime() {
  const wanted = JSON.parse(readFileSync(join(modules, 'node', 'package.json'), 'utf8')).version;
  const works = () =>
    existsSync(runtime) &&
    statSync(runtime).size > 1024 * 1024 &&
    spawnSync(runtime, ['--version'], { encoding: 'utf8' }).stdout?.trim() === `v${wanted}`;
  if (works()) return;
  say(`Installing Node ${wanted} …`);
  // Its install script needs the `node` that is here already, and npm runs no scripts in this checkout otherwise.
  npm(
    ['rebuild', 'node', '--ignore-scripts=false', '--loglevel=error'],
    `npm could not fetch Node ${wanted}.`,
  );
  if (!works()) stop(`Node ${wanted} was installed but does not run on this machine.`);
}

function installPackages(needs) {
  const missing = needs.map((name) => PACKAGES[name]).filter((entry) => !entry.present());
  if (missing.length === 0) return;
  const names = missing.map((entry) => entry.package);
  const command = `apt-get install --no-install-recommends ${names.join(' ')}`;
  if (process.getuid?.() !== 0 || !onPath('apt-get')) {
    stop(`These packages are missing: ${names.join(', ')}.\nOn Debian or Ubuntu, as root: ${command}`);
  }
  say(`Installing ${names.join(', ')} …`);
  apt(['update'], command);
  if (names.includes('postgresql')) keepClusterAway(command);
  withoutServices(() => apt(['install', ...names], command));
  const absent = missing.filter((entry) => !entry.present()).map((entry) => entry.package);
  if (absent.length > 0) stop(`Installed, but still not found: ${absent.join(', ')}.`);
}

/** We start throwaway servers of our own: the package must not make and start one of its own. */
function keepClusterAway(command) {
  apt(['install', 'postgresql-common'], command);
  const path = '/etc/postgresql-common/createcluster.conf';
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  const line = 'create_main_cluster = false';
  const setting = /^#?\s*create_main_cluster\s*=.*$/m;
  writeFileSync(path, setting.test(text) ? text.replace(setting, line) : `${text}\n${line}\n`);
}

/**
 * MariaDB's package starts a server of its own where it may: while packages are installed, `policy-rc.d` says that
 * no service is to be started (and MariaDB's is turned off for the next boot where it was not there before).
 */
function withoutServices(install) {
  const policy = '/usr/sbin/policy-rc.d';
  const before = existsSync(policy) ? readFileSync(policy) : undefined;
  const hadMariadb = PACKAGES.mariadb.present();
  // Taken back on every way out: `stop` ends the process.
  const putBack = () => (before ? writeFileSync(policy, before) : rmSync(policy, { force: true }));
  process.once('exit', putBack);
  writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  install();
  if (!hadMariadb && onPath('systemctl')) run('systemctl', ['disable', '--quiet', 'mariadb'], process.env);
  process.off('exit', putBack);
  putBack();
}

function apt(args, command) {
  const options = ['-qq', '-y', '--no-install-recommends', '-o', 'Dpkg::Use-Pty=0'];
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  if (run('apt-get', [...options, ...args], env) === 0) return;
  stop(`apt-get ${args[0]} failed (see above). Is this machine online? By hand: ${command}`);
}

/** Builds `web/dist` when what it is made of changed since the last build. */
function buildWeb() {
  if (!existsSync(join(root, 'web', 'index.html'))) return;
  const stamp = join(root, 'web', 'dist', '.sources');
  const sources = hashOf(['web', 'protocol', 'package-lock.json']);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === sources) return;
  say('Building the web UI …');
  const vite = join(modules, 'vite', 'bin', 'vite.js');
  if (
    run(runtime, [vite, 'build', join(root, 'web'), '--logLevel', 'warn'], {
      ...process.env,
      NODE_ENV: 'production',
    }) !== 0
  ) {
    stop('The web UI could not be built (see above).');
  }
  writeFileSync(stamp, sources);
}

function hashOf(paths) {
  const hash = createHash('sha256');
  const add = (path) => {
    const full = join(root, path);
    if (statSync(full).isDirectory()) {
      for (const name of readdirSync(full).sort()) if (name !== 'dist') add(join(path, name));
    } else hash.update(`${path}\0`).update(readFileSync(full)).update('\0');
  };
  for (const path of paths) add(path);
  return hash.digest('hex');
}

/** Runs npm under a Node from outside this checkout: npm may replace the one inside. */
function npm(args, complaint) {
  const path = pathOutside();
  const script = process.env.npm_execpath;
  const [file, first] =
    script?.endsWith('.js') && !script.startsWith(root + sep)
      ? [nodeOutside(path), [script]]
      : [join(dirname(nodeOutside(path)), 'npm'), []];
  const program = existsSync(file) ? file : 'npm';
  const env = { ...process.env, PATH: path.join(delimiter) };
  if (run(program, [...first, ...args], env) === 0) return;
  stop(`${complaint} See above; most often this machine is offline or behind a proxy npm does not know.`);
}

function pathOutside() {
  return (process.env.PATH ?? '').split(delimiter).filter((entry) => entry && !entry.startsWith(root + sep));
}

function nodeOutside(path) {
  const found = path.map((entry) => join(entry, 'node')).find((file) => existsSync(file));
  return found ?? process.execPath;
}

function run(file, args, env) {
  // Standard output belongs to the command that follows: a summary line may be all it prints there.
  const result = spawnSync(file, args, { cwd: root, env, stdio: ['ignore', 2, 2] });
  if (result.error) say(`${file}: ${result.error.message}`);
  return result.status ?? 1;
}

function onPath(name) {
  const path = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return path.some((entry) => entry && existsSync(join(entry, name)));
}

function someIn(directory, file) {
  return (
    existsSync(directory) && readdirSync(directory).some((name) => existsSync(join(directory, name, file)))
  );
}

function say(text) {
  process.stderr.write(`${text}\n`);
}

function stop(text) {
  say(text);
  process.exit(1);
}
