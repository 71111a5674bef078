import { join } from 'node:path';
import { type Api, createApi } from './api.ts';
import { bareEnvironment, type Child, ROOT, startChild } from './child.ts';
import { eventually } from './eventually.ts';
import { freePort } from './ports.ts';

export interface ControlPlaneOptions {
  /** Data directory. */
  data: string;
  logDirectory: string;
  /** Public URL where it is not the loopback one, e.g. that of a proxy in front. */
  publicUrl?: string;
  port?: number;
  env?: Record<string, string>;
  /** Where its sources are, if not in this checkout. */
  root?: string;
}

/** A control plane in a process of its own; survives any number of kills and starts on the same port. */
export interface ControlPlane {
  readonly port: number;
  /** Where it listens, plain HTTP on loopback. */
  readonly url: string;
  readonly data: string;
  process(): Child;
  /** Link with which the owner's account is made, from its log. */
  setupLink(): Promise<string>;
  /** Makes the owner's account by the set-up link, as a person does in a browser, and an API key with it. */
  claim(): Promise<Api>;
  /** An API key made on the host, as `homeport api-key create` does; the set-up link stays unused. */
  createApi(name: string): Promise<Api>;
  /** Runs the `homeport` command on this data directory and gives its standard output. */
  cli(...args: string[]): Promise<string>;
  kill(): Promise<void>;
  stop(): Promise<void>;
  /** Starts it again and waits until it is healthy. */
  start(): Promise<void>;
}

export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const port = options.port ?? (await freePort());
  const url = `http://127.0.0.1:${port}`;
  const env = bareEnvironment({
    HOMEPORT_DATA: options.data,
    HOMEPORT_PORT: String(port),
    HOMEPORT_URL: options.publicUrl ?? url,
    // What somebody may have built here is no part of a test that does not ask for it.
    HOMEPORT_RELEASE: join(options.data, 'no-release'),
    ...options.env,
  });
  const launch = () =>
    startChild({
      name: 'control-plane',
      command: [process.execPath, join(options.root ?? ROOT, 'control-plane/main.ts')],
      env,
      logDirectory: options.logDirectory,
    });
  let child = launch();
  await healthy(url, () => child);
  const cli = (...args: string[]) => runCli({ ...options, env }, args);
  const setupLink = async () => (await child.printed(/https?:\/\/[^\s"\\]+\/setup#[\w-]+/))[0];
  return {
    port,
    url,
    data: options.data,
    process: () => child,
    setupLink,
    claim: async () => claim(url, options.publicUrl ?? url, await setupLink()),
    createApi: async (name) => {
      const output = await cli('api-key', 'create', '--name', name);
      const key = output.match(/hp_[A-Za-z0-9_-]+/)?.[0];
      if (!key) throw new Error(`homeport api-key create printed no key:\n${output}`);
      return createApi(url, key);
    },
    cli,
    kill: () => child.end('SIGKILL'),
    stop: () => child.end('SIGTERM'),
    start: async () => {
      child = launch();
      await healthy(url, () => child);
    },
  };
}

/** The owner's login, for tests that need one. */
export const OWNER = { name: 'Olive Owner', email: 'owner@example.org', password: 'correct horse battery' };

/**
 * Makes the owner's account by the set-up link, as a person does in a browser, and an API key with it.
 * @param url where it is asked
 * @param origin what people know it as
 */
export async function claim(url: string, origin: string, setupLink: string): Promise<Api> {
  const headers = { 'content-type': 'application/json', origin };
  const token = new URL(setupLink).hash.slice(1);
  const post = (path: string, body: unknown, cookie = '') =>
    fetch(`${url}/api/v1${path}`, {
      method: 'POST',
      headers: { ...headers, cookie },
      body: JSON.stringify(body),
    });
  const made = await post('/setup', { token, ...OWNER });
  if (made.status !== 201) throw new Error(`Set-up was refused: ${made.status} ${await made.text()}`);
  const cookie = made.headers
    .getSetCookie()
    .map((line) => line.split(';')[0])
    .join('; ');
  const answer = await post('/api-keys', { name: 'harness' }, cookie);
  if (!answer.ok) throw new Error(`No API key was made: ${answer.status} ${await answer.text()}`);
  return createApi(url, ((await answer.json()) as { key: string }).key);
}

function healthy(url: string, child: () => Child): Promise<true> {
  return eventually('the control plane is healthy', async () => {
    if (!child().running()) throw new Error(`The control plane ended:\n${child().output().slice(-4000)}`);
    return fetch(`${url}/healthz`).then(
      (response) => response.ok || undefined,
      () => undefined,
    ) as Promise<true | undefined>;
  });
}

async function runCli(
  options: { env: Record<string, string>; logDirectory: string; root?: string },
  args: string[],
): Promise<string> {
  const main = join(options.root ?? ROOT, 'control-plane/cli/main.ts');
  const command = [process.execPath, main, ...args] as [string, ...string[]];
  const child = startChild({ name: 'cli', command, env: options.env, logDirectory: options.logDirectory });
  const code = await child.exited;
  if (code !== 0) throw new Error(`homeport ${args.join(' ')} ended with ${code}:\n${child.output()}`);
  return child.output();
}
