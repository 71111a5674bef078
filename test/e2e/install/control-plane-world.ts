import { afterAll, beforeAll } from 'vitest';
import { type CleanHost, startCleanHost } from '../../support/clean-host.ts';
import { builtPackage } from '../../support/package.ts';
import { freePort } from '../../support/ports.ts';
import { isRoot } from './world.ts';

/** A booted host that sees a packed control plane as `/package`, and a free port of its network. */
export interface ControlPlaneHost {
  readonly host: CleanHost;
  /** Address of the control plane that is to be there. */
  readonly url: string;
  /** What an install is told the first time. */
  readonly firstTime: string;
  /** What is not as it was, without the private directories that systemd gives to running services. */
  changes(): string[];
  /** Runs `install.sh control-plane` with these arguments; `from` names the package, the rest is its environment. */
  install(args?: string, env?: Record<string, string>): Promise<{ code: number; output: string }>;
}

export function sharedControlPlaneHost(): () => ControlPlaneHost {
  let shared: ControlPlaneHost | undefined;
  beforeAll(async () => {
    if (!isRoot) return;
    const host = await startCleanHost({ boot: true, shows: { '/package': await builtPackage() } });
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    shared = {
      host,
      url,
      firstTime: `--url ${url} --port ${port}`,
      changes: () => host.changes().filter((path) => !path.includes('/systemd-private-')),
      install: (args = '', { from = '/package', ...env } = {}) =>
        host.shell(`sh ${from}/install.sh control-plane ${args} </dev/null`, { env }),
    };
  }, 300_000);
  afterAll(() => shared?.host[Symbol.asyncDispose]());
  return () => shared as ControlPlaneHost;
}
