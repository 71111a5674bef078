import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Debian suites whose servers the matrix tests, beside this machine's own, and what is taken of each. */
const SUITES = {
  bullseye: { release: 'bullseye', packages: ['postgresql-13'] },
  trixie: { release: 'trixie', packages: ['postgresql-17', 'mariadb-server', 'mariadb-client'] },
  sid: { release: 'sid', packages: ['postgresql-18', 'mysql-server', 'mysql-client'] },
  // Apart from the others: the S3 tests need nothing else.
  s3: { release: 'sid', packages: ['python3-moto', 'python3-flask-cors'] },
} as const;
export type Suite = keyof typeof SUITES;
export const SUITE_NAMES = Object.keys(SUITES) as Suite[];

/** Where suites are kept between runs: `HOMEPORT_SUITES`, else the user's cache. */
function cache(): string {
  const caches = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  return process.env.HOMEPORT_SUITES || join(caches, 'homeport', 'suites');
}

/** Root directory of a suite that was made before. Throws if it was not. */
export function suiteRoot(suite: Suite): string {
  const root = join(cache(), suite);
  if (existsSync(join(root, '.whole'))) return root;
  throw new Error(`There are no programs of Debian ${suite} in ${root}: run “npm run test:matrix”.`);
}

/** Makes a suite unless it is there. Takes root, debootstrap and a mirror; throws with the last lines of its log. */
export async function makeSuite(suite: Suite): Promise<void> {
  await makeRoot(join(cache(), suite), SUITES[suite]);
  await makeTools(suite);
}

/**
 * Makes the root directory of a Debian host, unless it is there: minimal, with a database server and its tools, with
 * systemd, and without Node.
 */
export async function makeHostRoot(): Promise<string> {
  const root = join(cache(), 'host');
  const packages = ['ca-certificates', 'curl', 'wget', 'postgresql', 'systemd-sysv'];
  await makeRoot(root, { release: 'bookworm', packages });
  return root;
}

/** Makes the root directory of the Debian that container images are made of, unless it is there: minimal. */
export async function makeContainerBase(): Promise<string> {
  const root = join(cache(), 'container');
  await makeRoot(root, { release: 'bookworm', packages: ['ca-certificates'] });
  return root;
}

async function makeRoot(
  directory: string,
  { packages, release }: { release: string; packages: readonly string[] },
): Promise<void> {
  if (process.getuid?.() !== 0) throw new Error('Debian suites can only be set up as root.');
  const script = join(import.meta.dirname, 'make-suite.sh');
  const env = { PATH: `${process.env.PATH}:/usr/sbin:/sbin`, HOME: '/root', ...proxies() };
  try {
    await run(script, [release, directory, debianMirror(), ...packages], { env });
  } catch (error) {
    const said = (error as { stdout?: string; stderr?: string }) ?? {};
    throw new Error(`Debian ${release} could not be set up.\n${said.stdout ?? ''}${said.stderr ?? ''}`, {
      cause: error,
    });
  }
}

function proxies(): Record<string, string> {
  const names = ['http_proxy', 'https_proxy', 'no_proxy'];
  return Object.fromEntries(names.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));
}

/** The mirror this machine's own packages come from, as its apt sources have it. */
function debianMirror(): string {
  const codename = /^VERSION_CODENAME=(\S+)$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? '';
  for (const text of aptSources()) {
    for (const block of text.split(/\n\s*\n/)) {
      const field = (name: string) => new RegExp(`^${name}:[ \\t]*(.+)$`, 'm').exec(block)?.[1]?.split(/\s+/);
      if (field('Suites')?.includes(codename) && field('Components')?.includes('main')) {
        const mirror = field('URIs')?.[0];
        if (mirror) return mirror;
      }
    }
    for (const line of text.split('\n')) {
      const [, mirror, suite, components] =
        /^deb\s+(?:\[.*?\]\s+)?(\S+)\s+(\S+)\s+(.*)$/.exec(line.trim()) ?? [];
      if (mirror && suite === codename && components?.split(/\s+/).includes('main')) return mirror;
    }
  }
  throw new Error(`No apt source of this machine has “${codename} main”: is this Debian?`);
}

function aptSources(): string[] {
  const more = '/etc/apt/sources.list.d';
  const names = existsSync(more) ? readdirSync(more).filter((name) => /\.(list|sources)$/.test(name)) : [];
  const files = ['/etc/apt/sources.list', ...names.sort().map((name) => join(more, name))];
  // Comments may stand in the middle of a block.
  return files
    .filter((file) => existsSync(file))
    .map((file) => readFileSync(file, 'utf8').replace(/^#.*\n?/gm, ''));
}

/** Client tools by their path in a suite. */
const TOOLS: Record<Suite, string[]> = {
  bullseye: ['pg_dump', 'pg_restore', 'psql'].map((name) => `usr/lib/postgresql/13/bin/${name}`),
  trixie: [
    ...['pg_dump', 'pg_restore', 'psql'].map((name) => `usr/lib/postgresql/17/bin/${name}`),
    ...['mariadb', 'mariadb-dump'].map((name) => `usr/bin/${name}`),
  ],
  sid: [
    ...['pg_dump', 'pg_restore', 'psql'].map((name) => `usr/lib/postgresql/18/bin/${name}`),
    ...['mysql', 'mysqldump'].map((name) => `usr/bin/${name}`),
  ],
  s3: [],
};

/** Directory with a suite's client tools as programs that run on this machine, with its files and no other's. */
export function suiteTools(suite: Suite): string {
  return `${suiteRoot(suite)}.tools`;
}

/**
 * A tool of another suite does not run with this machine's libraries, and one in a chroot does not see this machine's
 * files: so each gets a wrapper that starts it with its own loader and libraries.
 */
async function makeTools(suite: Suite): Promise<void> {
  const root = suiteRoot(suite);
  const directory = suiteTools(suite);
  await mkdir(directory, { recursive: true });
  const libraries = ['usr/lib', 'lib'].map((part) => join(root, part, 'x86_64-linux-gnu')).join(':');
  // In `lib64` the loader is a link that may be absolute, so it is named where it really is.
  const loader = ['usr/lib', 'lib']
    .map((part) => join(root, part, 'x86_64-linux-gnu/ld-linux-x86-64.so.2'))
    .find((path) => existsSync(path));
  if (!loader) throw new Error(`Debian ${suite} has no loader for programs of this kind of machine.`);
  for (const tool of TOOLS[suite]) {
    const start = [loader, '--library-path', libraries, join(root, tool)].map(
      (part) => `'${part.replaceAll("'", "'\\''")}'`,
    );
    const path = join(directory, basename(tool));
    const script = `#!/bin/sh\nexec ${start.join(' ')} "$@"\n`;
    // A run beside this one may be using it.
    if (existsSync(path) && readFileSync(path, 'utf8') === script) continue;
    await writeFile(path, script, { mode: 0o755 });
  }
}
