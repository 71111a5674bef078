import { mkdir, mkdtemp, rename, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { type CleanHost, startCleanHost } from '../../support/clean-host.ts';
import { type Homeport, startHomeport } from '../../support/harness.ts';
import { freePort } from '../../support/ports.ts';
import { type BuiltRelease, builtRelease } from '../../support/release.ts';
import { startTlsProxy } from '../../support/tls-proxy.ts';

/** A control plane that serves a built agent, and hosts to install it on. */
export interface InstallWorld {
  readonly homeport: Homeport;
  readonly built: BuiltRelease;
  /** Address of the control plane. */
  readonly url: string;
  /** A folder for this world's files. */
  readonly directory: string;
  /** PEM of the certificate authority, where it has TLS. */
  readonly certificateFile: string | undefined;
  /** A fresh host; removed with the world. */
  host(options?: { boot?: boolean }): Promise<CleanHost>;
  /** A token and the command that the UI shows with it. */
  token(name?: string): Promise<{ token: string; command: string }>;
  /** Lets the control plane serve another release. */
  serve(releaseDirectory: string): Promise<void>;
}

export const isRoot = process.getuid?.() === 0 || Boolean(process.env.HOMEPORT_CI);

/** @param options.tls whether a front with a certificate of its own authority stands before the control plane */
export function sharedInstallWorld(options: { tls?: boolean } = {}): () => InstallWorld {
  const resources = new AsyncDisposableStack();
  let world: InstallWorld | undefined;
  beforeAll(async () => {
    if (!isRoot) return;
    world = await makeWorld(resources, options.tls === true);
  }, 300_000);
  afterAll(() => resources.disposeAsync());
  return () => world as InstallWorld;
}

async function makeWorld(resources: AsyncDisposableStack, withTls: boolean): Promise<InstallWorld> {
  const directory = await mkdtemp(join(tmpdir(), 'homeport-install-'));
  resources.defer(() => rm(directory, { recursive: true, force: true }));
  const built = await builtRelease();
  const served = join(directory, 'served');
  const serve = async (releaseDirectory: string) => {
    await symlink(releaseDirectory, `${served}.new`);
    await rename(`${served}.new`, served);
  };
  await serve(built.directory);
  const port = await freePort();
  await mkdir(join(directory, 'tls'));
  const front = { host: '127.0.0.1', targetPort: port, directory: join(directory, 'tls') };
  const tls = withTls ? resources.use(await startTlsProxy(front)) : undefined;
  const url = tls ? `https://127.0.0.1:${tls.port}` : `http://127.0.0.1:${port}`;
  const controlPlane = { port, publicUrl: url, env: { HOMEPORT_RELEASE: served } };
  const homeport = resources.use(await startHomeport({ controlPlane }));
  return {
    homeport,
    built,
    url,
    directory,
    certificateFile: tls?.certificateFile,
    host: async (options) => resources.use(await startCleanHost(options)),
    token: (name) => homeport.api.post('/enrolment-tokens', name ? { name } : {}),
    serve,
  };
}
