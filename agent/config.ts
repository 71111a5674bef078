import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parse, TomlError } from 'smol-toml';
import { z } from 'zod';
import { fail } from '../protocol/failure.ts';
import { type LocalPolicy, localPolicySchema } from '../protocol/messages.ts';
import { type ProxySettings, parseProxy } from './connection/proxy.ts';

const DEFAULT_CONFIG = '/etc/homeport/agent.toml';

const fingerprintSchema = z.string().regex(/^[A-Za-z0-9_-]{43}$/);

const fileSchema = z.strictObject({
  /** Jobs run at the same time. */
  max_jobs: z.number().int().min(1).max(16).default(2),
  /** Minutes a job waits for a control plane that cannot be reached, before it fails. */
  outage_minutes: z.number().positive().max(1440).default(10),
  /** API socket of Docker or Podman; empty: containers are not looked at. */
  container_socket: z.string().max(108).optional(),
  /** HTTP proxy to reach the control plane through; empty: none, whatever the environment says. */
  proxy: z.string().max(2048).optional(),
  /** Directory in which drills run their disposable servers. */
  drill_directory: z.string().startsWith('/').max(80).optional(),
  policy: z
    .strictObject({
      restore: localPolicySchema.shape.restore.default('allow'),
      update: localPolicySchema.shape.update.default('allow'),
      servers: localPolicySchema.shape.servers,
      direct: localPolicySchema.shape.direct,
      drill: localPolicySchema.shape.drill,
      databases: localPolicySchema.shape.databases,
      /** Fingerprint of the only control-plane key this agent may obey. */
      control_plane_key: fingerprintSchema.optional(),
      /** Fingerprint of the signing key of the only vault it may back up to and restore from. */
      vault_key: fingerprintSchema.optional(),
    })
    .prefault({}),
});

/** Everything about one agent process that its operator decides. */
export interface AgentConfig {
  stateDir: string;
  /** The configuration file that was read; undefined where there is none. */
  configFile?: string | undefined;
  /** File with the key that updates have to be signed with, beside the configuration; root's, like that. */
  releaseKeyFile: string;
  /** Where whoever puts updates in place tells what came of them; absent where nobody does. */
  updatesDir?: string | undefined;
  policy: LocalPolicy;
  /** Fingerprint of the only control-plane key to obey; any enrolled one where absent. */
  controlPlaneKey: string | undefined;
  /** Fingerprint of the signing key of the only vault to use; any that is shown first where absent. */
  vaultKey?: string | undefined;
  maxJobs: number;
  /** Milliseconds a job waits for a control plane that cannot be reached. */
  outageLimitMs: number;
  /** Proxy between this host and the control plane; none where absent. */
  proxy?: ProxySettings;
  /** API sockets of Docker or Podman through which containers are looked at; none where absent. */
  containerSockets?: readonly string[];
  /** Directory in which drills run their disposable servers. */
  drillDirectory: string;
  logLevel: string;
}

/** Global options of the command line. */
export interface ConfigOptions {
  state?: string;
  config?: string;
}

/**
 * The only reader of the environment and of the config file.
 * @throws FailureError `invalid_input` naming the file and the key that is wrong
 */
export async function loadConfig(options: ConfigOptions): Promise<AgentConfig> {
  const { path, required } = configPath(options);
  const file = await readConfigFile(path, required);
  return assemble(options, file ?? fileSchema.parse({}), file && path);
}

/** What holds without a configuration file: enough to look around with where it cannot be used, never to work with. */
export function configWithoutFile(options: ConfigOptions): AgentConfig {
  return assemble(options, fileSchema.parse({}), undefined);
}

/** The file that is read, and whether it was named, so that it has to be there. */
export function configPath(options: ConfigOptions): { path: string; required: boolean } {
  const named = options.config ?? process.env.HOMEPORT_AGENT_CONFIG;
  return { path: named ?? DEFAULT_CONFIG, required: named !== undefined };
}

function assemble(
  options: ConfigOptions,
  file: z.infer<typeof fileSchema>,
  configFile: string | undefined,
): AgentConfig {
  const env = process.env;
  const { control_plane_key, databases, direct, drill, restore, servers, update, vault_key } = file.policy;
  const stateDir = resolve(options.state ?? env.HOMEPORT_AGENT_STATE ?? defaultStateDir());
  return {
    stateDir,
    configFile,
    releaseKeyFile: join(dirname(configPath(options).path), 'release-key'),
    updatesDir: env.HOMEPORT_AGENT_UPDATES || undefined,
    policy: {
      ...{ restore, update },
      ...(servers ? { servers } : {}),
      ...(direct ? { direct } : {}),
      ...(drill ? { drill } : {}),
      ...(databases ? { databases } : {}),
    },
    controlPlaneKey: control_plane_key,
    vaultKey: vault_key,
    maxJobs: file.max_jobs,
    outageLimitMs: file.outage_minutes * 60_000,
    proxy: proxySettings(file.proxy, configFile, env),
    containerSockets: containerSockets(file.container_socket, env.XDG_RUNTIME_DIR),
    drillDirectory: file.drill_directory ?? defaultDrillDirectory(stateDir),
    logLevel: env.HOMEPORT_LOG_LEVEL ?? 'info',
  };
}

/** What the file says goes before the environment, which a service does not share with the shell it was set up from. */
function proxySettings(
  chosen: string | undefined,
  path: string | undefined,
  env: Record<string, string | undefined>,
): ProxySettings {
  if (chosen !== undefined) {
    const settings = { url: chosen, except: '', source: `“proxy” in ${path}`, fromFile: true };
    if (chosen.trim() !== '') parseProxy(settings);
    return settings;
  }
  const source = env.https_proxy ? 'https_proxy' : 'HTTPS_PROXY';
  return { url: env[source] ?? '', except: env.no_proxy ?? env.NO_PROXY ?? '', source, fromFile: false };
}

function containerSockets(chosen: string | undefined, runtimeDir: string | undefined): string[] {
  if (chosen !== undefined) return chosen === '' ? [] : [chosen];
  const own = runtimeDir ? [join(runtimeDir, 'podman/podman.sock')] : [];
  return ['/var/run/docker.sock', ...own, '/run/podman/podman.sock'];
}

function defaultStateDir(): string {
  return process.getuid?.() === 0
    ? '/var/lib/homeport-agent'
    : join(homedir(), '.local', 'state', 'homeport-agent');
}

/** On a disk, which /tmp may not be. The user that root starts servers as may not enter the state directory. */
function defaultDrillDirectory(stateDir: string): string {
  return process.getuid?.() === 0 ? '/var/tmp' : join(stateDir, 'drill');
}

/** `undefined` where there is none and none has to be. */
async function readConfigFile(
  path: string,
  required: boolean,
): Promise<z.infer<typeof fileSchema> | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    if (missing && !required) return undefined;
    throw unusable(path, missing ? 'It is not there.' : 'It cannot be read.', cause);
  }
  try {
    return fileSchema.parse(parse(text));
  } catch (cause) {
    throw unusable(path, whyUnusable(cause), cause);
  }
}

/** Without the lines in question, which a parser quotes: a proxy's password may stand there. */
function whyUnusable(cause: unknown): string {
  if (cause instanceof z.ZodError) return z.prettifyError(cause);
  if (!(cause instanceof TomlError)) return String(cause);
  return `${cause.message.split('\n')[0]} (line ${cause.line}, column ${cause.column})`;
}

// A policy that cannot be read must stop the agent: running without it would allow what it forbids.
function unusable(path: string, why: string, cause: unknown) {
  return fail(
    'invalid_input',
    `The agent's configuration ${path} cannot be used. ${why}`,
    'Correct the file.',
    {
      cause,
    },
  );
}
