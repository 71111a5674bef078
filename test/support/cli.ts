import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa, type Options } from 'execa';
import { bareEnvironment, ROOT } from './child.ts';

const HOMEPORT = join(ROOT, 'control-plane/homeport');

export interface CliAnswer {
  exitCode: number | undefined;
  stdout: string;
  stderr: string;
}

/** A command that runs. */
export interface CliRun {
  /** Standard output so far. */
  output(): string;
  /** Keys, where it runs on a terminal. */
  type(keys: string): void;
  readonly ended: Promise<CliAnswer>;
}

type Env = Record<string, string>;

/** Somebody with a home directory of their own who runs `homeport`, from outside. */
export interface CliUser extends AsyncDisposable {
  readonly home: string;
  /** In a pipe. */
  run(args: string[], options?: { input?: string; env?: Env }): Promise<CliAnswer>;
  /** The same, left to the test. */
  start(args: string[]): CliRun;
  /** On a terminal of `columns`; standard output is what the terminal was sent. */
  onTerminal(args: string[], options?: { columns?: number; env?: Env }): CliRun;
  /** Lines for bash, with a `homeport` in it. */
  shell(script: string, env?: Env): Promise<CliAnswer>;
}

/** @param login what HOMEPORT_URL and HOMEPORT_API_KEY say; absent: nothing */
export async function cliUser(login?: { url: string; key: string }): Promise<CliUser> {
  const home = await mkdtemp(join(tmpdir(), 'homeport-cli-'));
  const told = login ? { HOMEPORT_URL: login.url, HOMEPORT_API_KEY: login.key } : {};
  const launch = (command: [string, ...string[]], env: Env = {}, stdin: 'ignore' | 'pipe' = 'ignore') =>
    follow(command, { cwd: home, env: bareEnvironment({ HOME: home, ...told, ...env }), stdin });
  return {
    home,
    run(args, { env, input } = {}) {
      const running = launch([HOMEPORT, ...args], env, input === undefined ? 'ignore' : 'pipe');
      if (input !== undefined) running.close(input);
      return running.ended;
    },
    start: (args) => launch([HOMEPORT, ...args]),
    onTerminal(args, { columns = 100, env } = {}) {
      const quoted = [HOMEPORT, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
      const command = `stty cols ${columns} rows 24; exec ${quoted}`;
      const terminal = { TERM: 'xterm', SHELL: '/bin/sh', ...env };
      return launch(['script', '-qefc', command, '/dev/null'], terminal, 'pipe');
    },
    shell(script, env) {
      const lines = `homeport() { '${HOMEPORT}' "$@"; }\n${script}`;
      return launch(['bash', '-euo', 'pipefail', '-c', lines], env).ended;
    },
    [Symbol.asyncDispose]: () => rm(home, { recursive: true, force: true }),
  };
}

function follow([file, ...args]: [string, ...string[]], options: Options) {
  const child = execa(file, args, { ...options, extendEnv: false, reject: false });
  let output = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  return {
    output: () => output,
    type: (keys: string) => void child.stdin?.write(keys),
    close: (input: string) => void child.stdin?.end(input),
    ended: child.then(({ exitCode, stderr, stdout }) => ({
      exitCode,
      stdout: String(stdout),
      stderr: String(stderr),
    })),
  };
}
