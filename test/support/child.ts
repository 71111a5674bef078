import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { eventually } from './eventually.ts';

/** Root of the checkout. */
export const ROOT = join(import.meta.dirname, '../..');

export interface ChildOptions {
  /** For messages and the log's file name. */
  name: string;
  /** Program and arguments. */
  command: readonly [string, ...string[]];
  env: Record<string, string>;
  /** Output is appended to `<logDirectory>/<name>.log` as well, for the wreckage. */
  logDirectory: string;
  /** Text for standard input, which is then closed. */
  input?: string;
}

/** A real process of ours, watched from outside. */
export interface Child {
  readonly pid: number;
  /** Standard output and error so far. */
  output(): string;
  /** Resolves with the match once the output has it; rejects when the process ends before. */
  printed(pattern: RegExp): Promise<RegExpMatchArray>;
  running(): boolean;
  /** Exit code, or the signal's name. */
  readonly exited: Promise<number | string>;
  /** Sends a signal and waits until the process is gone. */
  end(signal?: NodeJS.Signals): Promise<void>;
  signal(signal: NodeJS.Signals): void;
}

const OUTPUT_LIMIT = 8 * 1024 * 1024;

export function startChild(options: ChildOptions): Child {
  const [file, ...args] = options.command;
  const child = spawn(file, args, {
    cwd: ROOT,
    env: options.env,
    stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  });
  child.stdin?.on('error', () => {}).end(options.input);
  const log = createWriteStream(join(options.logDirectory, `${options.name}.log`), { flags: 'a' });
  log.on('error', () => {}); // the directory may be removed while the last lines arrive
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      log.write(text);
      output = (output + text).slice(-OUTPUT_LIMIT);
    });
  }
  const exited = new Promise<number | string>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      log.end();
      resolve(code ?? signal ?? 'gone');
    });
  });
  exited.catch(() => {});
  const atExit = () => child.kill('SIGKILL');
  process.once('exit', atExit);
  exited.finally(() => process.off('exit', atExit)).catch(() => {});
  return face(options.name, child, exited, () => output);
}

function face(
  name: string,
  child: ChildProcess,
  exited: Promise<number | string>,
  output: () => string,
): Child {
  const running = () => child.exitCode === null && child.signalCode === null;
  return {
    pid: child.pid ?? 0,
    output,
    exited,
    running,
    printed: (pattern) =>
      eventually(`${name} prints ${pattern}`, () => {
        const match = output().match(pattern);
        if (match) return match;
        if (!running())
          throw new Error(`${name} ended before it printed ${pattern}:\n${output().slice(-4000)}`);
        return undefined;
      }),
    signal: (signal) => void child.kill(signal),
    end: async (signal = 'SIGTERM') => {
      child.kill(signal);
      await exited;
    },
  };
}

/**
 * Environment of our processes: nothing of the caller's but what is needed to find programs. As from the launchers,
 * compiled code is kept between starts. `HOMEPORT_PROFILE=<directory>` makes every process leave a CPU profile.
 */
export function bareEnvironment(extra: Record<string, string> = {}): Record<string, string> {
  const profiles = process.env.HOMEPORT_PROFILE;
  return {
    PATH: process.env.PATH ?? '/usr/bin:/bin',
    HOME: '/nonexistent',
    LC_ALL: 'C.UTF-8',
    NODE_COMPILE_CACHE: join(ROOT, 'node_modules/.cache/node'),
    ...(profiles ? { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${profiles}` } : {}),
    ...extra,
  };
}
