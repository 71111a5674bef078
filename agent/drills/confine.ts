import { findProgram, runTool } from '../process.ts';
import type { Account } from './account.ts';

/** How a program is started so that it has no network but its own unix sockets. */
export interface Confinement {
  /** Goes before the program. */
  prefix: readonly string[];
  /** Who starts the prefix, if not the agent's own user. */
  account: Account | undefined;
}

/**
 * A network namespace without any interface, where this host lets us make one: root does, and others inside a user
 * namespace unless that is forbidden, as by the service’s own confinement. Undefined where it cannot be had.
 */
export async function withoutNetwork(
  directory: string,
  account: Account | undefined,
  signal: AbortSignal,
): Promise<Confinement | undefined> {
  const [unshare, setpriv, probe] = await Promise.all(
    ['unshare', 'setpriv', 'true'].map((name) => findProgram([name])),
  );
  if (!unshare || !probe || (account && !setpriv)) return undefined;
  const become = account
    ? [setpriv as string, `--reuid=${account.uid}`, `--regid=${account.gid}`, '--clear-groups']
    : [];
  const own = account ? [] : ['--user', '--map-current-user'];
  const prefix = [unshare, ...own, '--net', ...become];
  const [file = '', ...args] = [...prefix, probe];
  const { exitCode } = await runTool({ file, args, room: { directory } }, signal);
  return exitCode === 0 ? { prefix, account: undefined } : undefined;
}
