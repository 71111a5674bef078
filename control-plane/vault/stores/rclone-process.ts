import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { fail } from '../../../protocol/failure.ts';

/** What rclone is started with. */
export interface RcloneSetup {
  /** Name or path of the program. */
  program: string;
  /** Directories to find it in, as `PATH` has them. */
  path: string;
  /** Directory of its own, made anew at each start. */
  room: string;
}

/** A running `rclone rcd`. */
export interface RcloneProcess {
  pid: number;
  /** `http://127.0.0.1:PORT`. */
  url: string;
  /** Value of the `authorization` header. */
  authorization: string;
  /** Resolves once it has ended, however it did. */
  ended: Promise<void>;
  /** Asks it to end, and makes it after a while. */
  stop(): Promise<void>;
}

/** How long it may take to start and to stop, in milliseconds. */
const PATIENCE_MS = 15_000;
const STDERR_CHARS = 16 * 1024;

/**
 * Becomes rclone, with a companion that ends it when descriptor 3 is closed without a word: that is the control plane
 * gone, killed perhaps, and nobody else would end it then. `$$` is the process that rclone is.
 */
const COMPANION = '(read -r word <&3 || kill "$$") </dev/null >/dev/null 2>&1 & exec "$@" 3<&-';

const SERVING = /Serving remote control on \[?(http:\/\/127\.0\.0\.1:\d+)\//;

/**
 * Starts rclone’s remote control on a free port of the loopback address, with a password of 32 random bytes of which
 * it gets the hash, in a file. Its configuration is kept in memory alone; it has nothing of our environment.
 * @throws FailureError `store_unavailable` where there is no rclone or it does not start
 */
export async function startRclone({ path, program, room }: RcloneSetup): Promise<RcloneProcess> {
  const password = randomBytes(32).toString('base64url');
  await rm(room, { recursive: true, force: true });
  await mkdir(room, { recursive: true, mode: 0o700 });
  const accounts = join(room, 'htpasswd');
  const hash = createHash('sha1').update(password).digest('base64');
  await writeFile(accounts, `homeport:{SHA}${hash}\n`, { mode: 0o600 });
  const child = spawn('/bin/sh', ['-c', COMPANION, 'sh', program, ...argumentsFor(room, accounts)], {
    cwd: room,
    // Not ended by what the terminal sends: uploads at work come to their end first.
    detached: true,
    env: { PATH: path, HOME: room, TMPDIR: room, LC_ALL: 'C' },
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
  });
  const leash = child.stdio[3] as Writable;
  leash.on('error', () => {}); // the companion went first
  const ended = new Promise<void>((resolve) => {
    const settle = () => {
      leash.end('ended\n');
      resolve();
    };
    child.once('error', settle).once('exit', settle);
  });
  const stop = async () => {
    child.kill('SIGTERM');
    const kill = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
    await ended.finally(() => clearTimeout(kill));
  };
  const said = await untilServing(child.stderr as NodeJS.ReadableStream, ended);
  const url = SERVING.exec(said)?.[1];
  if (url === undefined) {
    await stop();
    throw notStarted(program, said);
  }
  const authorization = `Basic ${Buffer.from(`homeport:${password}`).toString('base64')}`;
  return { pid: child.pid ?? 0, url, authorization, ended, stop };
}

function argumentsFor(room: string, accounts: string): string[] {
  return [
    'rcd',
    '--rc-addr=127.0.0.1:0',
    `--rc-htpasswd=${accounts}`,
    '--rc-serve',
    // An empty name: in memory.
    '--config=',
    `--cache-dir=${join(room, 'cache')}`,
    // More than notices would tell what it is asked for, configurations included.
    '--log-level=NOTICE',
    '--contimeout=15s',
    '--timeout=60s',
    // Who sends and fetches repeats as well, and knows for how long.
    '--low-level-retries=3',
    '--buffer-size=1M',
  ];
}

/** What it said on standard error until it serves, has ended or takes too long. */
function untilServing(stderr: NodeJS.ReadableStream, ended: Promise<void>): Promise<string> {
  return new Promise((resolve) => {
    let said = '';
    const done = () => {
      clearTimeout(limit);
      resolve(said);
    };
    const limit = setTimeout(done, PATIENCE_MS);
    // Read to the end in any case: a full pipe would stop it.
    stderr.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-STDERR_CHARS);
      if (SERVING.test(said)) done();
    });
    stderr.once('end', done);
    ended.then(done);
  });
}

function notStarted(program: string, said: string) {
  const absent = /not found|No such file/.test(said);
  return fail(
    'store_unavailable',
    absent
      ? `The control plane’s host has no program “${program}”.`
      : 'rclone does not start on the control plane’s host.',
    absent
      ? 'Install rclone 1.60 or newer there (Debian: apt-get install rclone), or name it with HOMEPORT_RCLONE.'
      : 'Look at what it says, and update it: Homeport needs rclone 1.60 or newer.',
    { retryable: true, ...(said.trim() === '' ? {} : { detail: said.trim().slice(-2000) }) },
  );
}
