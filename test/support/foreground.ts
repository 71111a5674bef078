import { bareEnvironment, type Child, startChild } from './child.ts';

/** Lines of shell in the foreground of a terminal, as far as signals go: what they start is one group. */
export interface Foreground extends AsyncDisposable {
  readonly child: Child;
  /** Ctrl-C: every process of the group gets the signal. Resolves once the shell has ended. */
  interrupt(): Promise<number | string>;
}

/** Starts lines of shell in the checkout; `input` is what is typed, and ends there. */
export function startForeground(options: {
  name: string;
  script: string;
  env: Record<string, string>;
  logDirectory: string;
  input?: string;
}): Foreground {
  const { env, input, logDirectory, name, script } = options;
  const child = startChild({
    name,
    // The process that is started becomes the group's first one, so the group has its number.
    command: ['setsid', '--wait', 'sh', '-ec', script],
    env: bareEnvironment(env),
    logDirectory,
    ...(input === undefined ? {} : { input }),
  });
  const signal = (name: NodeJS.Signals) => {
    try {
      process.kill(-child.pid, name);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // all have ended
    }
  };
  // Not only the shell, should the test end half-way.
  const atExit = () => signal('SIGKILL');
  process.once('exit', atExit);
  return {
    child,
    interrupt: async () => {
      signal('SIGINT');
      return child.exited;
    },
    async [Symbol.asyncDispose]() {
      signal('SIGKILL');
      process.off('exit', atExit);
      await child.exited;
    },
  };
}
