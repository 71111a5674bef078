import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { parse } from 'smol-toml';
import { z } from 'zod';
import { fail } from '../protocol/failure.ts';
import { type LocalPolicy, localPolicySchema } from '../protocol/messages.ts';

const DEFAULT_CONFIG = '/etc/homeport/agent.toml';

const fingerprintSchema = z.string().regex(/^[A-Za-z0-9_-]{43}$/);

const fileSchema = z.strictObject({
  /** Jobs run at the same time. */
  max_jobs: z.number().int().min(1).max(16).default(2),
  /** Minutes a job waits for a control plane that cannot be reached, before it fails. */
  outage_minutes: z.number().positive().max(1440).default(10),
  /** API socket of Docker or Podman; empty: containers are not looked at. */
  container_socket: z.string().max(108).optional(),
  policy: z
    .strictObject({
      restore: localPolicySchema.shape.restore.default('allow'),
      update: localPolicySchema.shape.update.default('allow'),
      servers: localPolicySchema.shape.servers,
      direct: localPolicySchema.shape.direct,
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
  policy: LocalPolicy;
  /** Fingerprint of the only control-plane key to obey; any enrolled one where absent. */
  controlPlaneKey: string | undefined;
  /** Fingerprint of the signing key of the only vault to use; any that is shown first where absent. */
  vaultKey?: string | undefined;
  maxJobs: number;
  /** Milliseconds a job waits for a control plane that cannot be reached. */
  outageLimitMs: number;
  /** API sockets of Docker or Podman through which containers are looked at; none where absent. */
  containerSockets?: readonly string[];
  logLevel: string;
}

/**
 * The only reader of the environment and of the config file.
 * @throws FailureError `invalid_input` naming the file and the key that is wrong
 */
export async function loadConfig(options: { state?: string; config?: string }): Promise<AgentConfig> {
  const env = process.env;
  const path = options.config ?? env.HOMEPORT_AGENT_CONFIG;
  const file = await readConfigFile(path ?? DEFAULT_CONFIG, path !== undefined);
  const { control_plane_key, databases, direct, restore, servers, update, vault_key } = file.policy;
  return {
    stateDir: resolve(options.state ?? env.HOMEPORT_AGENT_STATE ?? defaultStateDir()),
    policy: {
      ...{ restore, update },
      ...(servers ? { servers } : {}),
      ...(direct ? { direct } : {}),
      ...(databases ? { databases } : {}),
    },
    controlPlaneKey: control_plane_key,
    vaultKey: vault_key,
    maxJobs: file.max_jobs,
    outageLimitMs: file.outage_minutes * 60_000,
    containerSockets: containerSockets(file.container_socket, env.XDG_RUNTIME_DIR),
    logLevel: env.HOMEPORT_LOG_LEVEL ?? 'info',
  };
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

async function readConfigFile(path: string, required: boolean): Promise<z.infer<typeof fileSchema>> {
  let text = '';
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    if (!missing || required) throw unusable(path, 'It cannot be read.', cause);
  }
  try {
    return fileSchema.parse(parse(text));
  } catch (cause) {
    throw unusable(path, cause instanceof z.ZodError ? z.prettifyError(cause) : String(cause), cause);
  }
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
