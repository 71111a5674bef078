import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createWriteStream, readFileSync } from 'node:fs';
import { chown, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from './ports.ts';

/** A throwaway database server of any engine: real, on a free port, in a temp directory, gone after `stop()`. */
export interface TestServer extends AsyncDisposable {
  readonly engine: 'postgresql' | 'mariadb' | 'mysql';
  readonly host: string;
  readonly port: number;
  readonly superuser: string;
  readonly password: string;
  /** Temp directory: data in `data/`, log in `server.log`, unix socket in it. */
  readonly directory: string;
  readonly major: number;
  readonly pid: number;
  /** Runs SQL as the superuser and gives the rows of the last statement. */
  // biome-ignore lint/suspicious/noExplicitAny: rows are whatever the test's SQL selects
  query(sql: string, database?: string, values?: unknown[]): Promise<any[]>;
  /** The server's log so far. */
  log(): Promise<string>;
  /** Fast shutdown, then removes the directory. Idempotent. */
  stop(): Promise<void>;
  /** SIGKILL to the server and all its children, as a crashed machine would; `stop()` still cleans up. */
  kill(): Promise<void>;
}

type Account = { uid?: number; gid?: number };

/** Where a server lives: a temp directory of its own, on this machine or inside another Debian suite. */
export interface Place {
  /** Where this machine's programs are, or a suite's: then programs run with this as their root. */
  root: string;
  /** As this machine sees it. */
  directory: string;
  /** The same as the server sees it. */
  inside: string;
  account: Account;
}

/** Makes a temp directory that belongs to `user` of the system at `root`: servers refuse to run as root. */
export async function makePlace(prefix: string, user: string, root = '/'): Promise<Place> {
  const directory = await mkdtemp(join(root === '/' ? tmpdir() : join(root, 'tmp'), prefix));
  const account = serverAccount(user, root);
  if (account.uid !== undefined) await chown(directory, account.uid, account.gid ?? account.uid);
  return { root, directory, inside: root === '/' ? directory : directory.slice(root.length), account };
}

/** Runs a program of the place's system to its end, as the server's account. */
export async function runInPlace(place: Place, [program, ...args]: [string, ...string[]]): Promise<void> {
  const [file, first, account] = entry(place, undefined);
  const command = file === undefined ? program : file;
  const all = file === undefined ? args : [...first, program, ...args];
  await promisify(execFile)(command, all, { ...account, cwd: place.directory, env: bareEnv() });
}

/** The user's ids in the system at `root`; nothing where we are not root, then servers run as whoever we are. */
function serverAccount(user: string, root: string): Account {
  if (process.getuid?.() !== 0) return {};
  const line = readFileSync(join(root, 'etc/passwd'), 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith(`${user}:`));
  if (!line) throw new Error(`Running as root, and there is no user “${user}” to run the server as.`);
  const [, , uid, gid] = line.split(':');
  return { uid: Number(uid), gid: Number(gid) };
}

export interface ServerProcessInput {
  /** Program and arguments for a port. */
  command: (port: number) => [string, ...string[]];
  place: Place;
  /** Network namespace to run in. */
  namespace?: string | undefined;
  /** What the server's log says once it accepts connections. */
  ready: RegExp;
  /** Variables of the server's environment beside the bare ones. */
  env?: Record<string, string>;
}

/** Starts a server on a free port; resolves once it is ready. Its log goes to `server.log` of the directory. */
export async function startServerProcess(
  input: ServerProcessInput,
): Promise<{ child: ChildProcess; port: number }> {
  for (let attempt = 1; ; attempt += 1) {
    // Another process may take the port between our probe and the server's bind: then take another one.
    const port = await freePort();
    const [program, ...args] = input.command(port);
    const [file, first, account] = entry(input.place, input.namespace);
    const child = spawn(file ?? program, file ? [...first, program, ...args] : args, {
      ...account,
      cwd: input.place.directory,
      env: { ...bareEnv(), ...input.env },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const failure = await untilReady(child, join(input.place.directory, 'server.log'), input.ready);
    if (failure === undefined) return { child, port };
    if (attempt === 5 || !failure.includes('Address already in use')) throw new Error(failure);
  }
}

/**
 * How a program gets to its place. Only root may enter a namespace or another root, so there the account is changed
 * inside; the process stays the same one.
 */
function entry(place: Place, namespace: string | undefined): [string | undefined, string[], Account] {
  const { account, root } = place;
  if (namespace === undefined && root === '/') return [undefined, [], account];
  const [uid, gid] = [account.uid ?? 0, account.gid ?? 0];
  if (root !== '/') return ['chroot', [`--userspec=${uid}:${gid}`, root], {}];
  const become = ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups'];
  return ['nsenter', [`--net=/run/netns/${namespace}`, ...become], {}];
}

/** Resolves with `undefined` once the server is ready, or with its output if it ended before. */
function untilReady(child: ChildProcess, logFile: string, ready: RegExp): Promise<string | undefined> {
  const log = createWriteStream(logFile, { flags: 'a' });
  log.on('error', () => {}); // the directory may be removed while the last lines arrive
  return new Promise((resolve, reject) => {
    let head = '';
    const watch = (chunk: Buffer) => {
      head += chunk.toString();
      if (!ready.test(head)) return;
      child.stderr?.off('data', watch);
      resolve(undefined);
    };
    child.stderr?.on('data', watch).pipe(log);
    child.once('error', reject);
    child.once('exit', () => resolve(`${child.spawnfile} did not start:\n${head}`));
  });
}

/** SIGKILL for a server and the processes it started. */
export function killTree(child: ChildProcess): void {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const children = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim();
  child.kill('SIGKILL');
  for (const pid of children.split(' ').filter(Boolean)) {
    try {
      process.kill(Number(pid), 'SIGKILL');
    } catch {
      // ended by itself once its parent was gone
    }
  }
}

/** Environment of servers and their tools: nothing of the caller's but where programs are. */
export function bareEnv(): Record<string, string> {
  return { PATH: process.env.PATH ?? '/usr/bin:/bin', LC_ALL: 'C.UTF-8', HOME: tmpdir() };
}
