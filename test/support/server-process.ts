import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

export type Account = { uid?: number; gid?: number };

/** Database servers refuse to run as root: then they run as `user` of the system at `root`, else as whoever we are. */
export function serverAccount(user: string, root = '/'): Account {
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
  directory: string;
  account: Account;
  /** Network namespace to run in. */
  namespace?: string | undefined;
  /** What the server's log says once it accepts connections. */
  ready: RegExp;
}

/** Starts a server on a free port; resolves once it is ready. Its log goes to `server.log` of the directory. */
export async function startServerProcess(
  input: ServerProcessInput,
): Promise<{ child: ChildProcess; port: number }> {
  for (let attempt = 1; ; attempt += 1) {
    // Another process may take the port between our probe and the server's bind: then take another one.
    const port = await freePort();
    const [program, ...args] = input.command(port);
    const [file, first, account] = within(input.namespace, input.account);
    const child = spawn(file ?? program, file ? [...first, program, ...args] : args, {
      ...account,
      cwd: input.directory,
      env: bareEnv(),
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const failure = await untilReady(child, join(input.directory, 'server.log'), input.ready);
    if (failure === undefined) return { child, port };
    if (attempt === 5 || !failure.includes('Address already in use')) throw new Error(failure);
  }
}

/** Only root may enter a namespace, so there the account is changed inside; the process stays the same one. */
function within(namespace: string | undefined, account: Account): [string | undefined, string[], Account] {
  if (namespace === undefined) return [undefined, [], account];
  const become = ['setpriv', `--reuid=${account.uid ?? 0}`, `--regid=${account.gid ?? 0}`, '--clear-groups'];
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
