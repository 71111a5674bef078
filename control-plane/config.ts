import { isAbsolute, join, resolve } from 'node:path';
import { z } from 'zod';
import { fail } from '../protocol/failure.ts';

/** Everything an operator can set; all of it has a default. Durations in milliseconds. */
export interface Config {
  /** Absolute path of the data directory. */
  dataDir: string;
  host: string;
  /** 0 takes a free port. */
  port: number;
  /** Paths of certificate and key, PEM, where the control plane speaks TLS itself; else plain HTTP, for a proxy. */
  tls: { certificateFile: string; keyFile: string } | undefined;
  /** Address people and agents use, without a trailing slash; undefined: made from host and port. */
  publicUrl: string | undefined;
  /** 32 bytes, base64, or a file that holds them; neither: kept in a file of the data directory. */
  masterKey: string | undefined;
  masterKeyFile: string | undefined;
  leaseMs: number;
  stallMs: number;
  /** Hour of the day, UTC, at which the control plane backs itself up; null: only when asked. */
  selfBackupHour: number | null;
  logLevel: string;
  /** Reverse proxies whose word on who they speak for is taken: addresses and ranges. */
  trustedProxies: string[];
  /** Whether what people name, a bucket’s endpoint for one, may be on this host or its link. */
  localEndpoints: boolean;
  /** The program that vaults on rclone’s remotes need, and the directories it is looked for in. */
  rclone: { program: string; path: string };
  /** Directory of the built web UI. */
  webRoot: string;
  /** Directory of the built agent. */
  releaseRoot: string;
  /** Path of the script that installs it. */
  installScript: string;
}

const minute = 60_000;
const duration = (fallback: number) => z.coerce.number().int().min(100).max(2_000_000_000).default(fallback);

const environment = z.object({
  HOMEPORT_DATA: z.string().min(1).default('./data'),
  HOMEPORT_HOST: z.string().min(1).default('127.0.0.1'),
  HOMEPORT_PORT: z.coerce.number().int().min(0).max(65535).default(7433),
  HOMEPORT_TLS_CERTIFICATE: z.string().optional(),
  HOMEPORT_TLS_KEY: z.string().optional(),
  HOMEPORT_URL: z
    .url({ protocol: /^https?$/ })
    .transform((url) => url.replace(/\/+$/, ''))
    .optional(),
  HOMEPORT_MASTER_KEY: z.string().optional(),
  HOMEPORT_MASTER_KEY_FILE: z.string().optional(),
  HOMEPORT_RELEASE: z.string().min(1).optional(),
  HOMEPORT_LEASE_MS: duration(10 * minute),
  HOMEPORT_STALL_MS: duration(15 * minute),
  HOMEPORT_TRUSTED_PROXY: z.string().default('127.0.0.0/8, ::1'),
  HOMEPORT_LOCAL_ENDPOINTS: z.enum(['refuse', 'allow']).default('refuse'),
  HOMEPORT_RCLONE: z.string().min(1).default('rclone'),
  HOMEPORT_SELF_BACKUP_HOUR: z.union([z.literal('none'), z.coerce.number().int().min(0).max(23)]).default(3),
  HOMEPORT_LOG_LEVEL: z.enum(['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace']).default('info'),
});

type Environment = z.output<typeof environment>;

/**
 * The only reader of the control plane's environment.
 * @throws FailureError `invalid_input` naming the variable
 */
export function readConfig(env: Record<string, string | undefined> = process.env): Config {
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const parsed = environment.safeParse(set);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const name = String(issue?.path[0]);
    throw fail('invalid_input', `${name}: ${issue?.message}.`, `Correct or unset ${name}; see README.md.`);
  }
  const e = parsed.data;
  return {
    dataDir: isAbsolute(e.HOMEPORT_DATA) ? e.HOMEPORT_DATA : resolve(e.HOMEPORT_DATA),
    host: e.HOMEPORT_HOST,
    port: e.HOMEPORT_PORT,
    tls: tlsOf(e),
    publicUrl: e.HOMEPORT_URL,
    ...masterKeyOf(e),
    leaseMs: e.HOMEPORT_LEASE_MS,
    stallMs: e.HOMEPORT_STALL_MS,
    selfBackupHour: e.HOMEPORT_SELF_BACKUP_HOUR === 'none' ? null : e.HOMEPORT_SELF_BACKUP_HOUR,
    logLevel: e.HOMEPORT_LOG_LEVEL,
    trustedProxies: listed(e.HOMEPORT_TRUSTED_PROXY),
    localEndpoints: e.HOMEPORT_LOCAL_ENDPOINTS === 'allow',
    rclone: { program: e.HOMEPORT_RCLONE, path: set.PATH ?? '/usr/local/bin:/usr/bin:/bin' },
    webRoot: join(import.meta.dirname, '../web/dist'),
    releaseRoot: resolve(e.HOMEPORT_RELEASE ?? join(import.meta.dirname, '../dist/agent')),
    installScript: join(import.meta.dirname, '../install.sh'),
  };
}

function masterKeyOf(e: Environment): Pick<Config, 'masterKey' | 'masterKeyFile'> {
  const { HOMEPORT_MASTER_KEY: masterKey, HOMEPORT_MASTER_KEY_FILE: file } = e;
  if (masterKey !== undefined && file !== undefined) {
    const said = 'HOMEPORT_MASTER_KEY and HOMEPORT_MASTER_KEY_FILE are both set.';
    throw fail('invalid_input', said, 'Unset one of them; the file is seen by fewer.');
  }
  return { masterKey, masterKeyFile: file && resolve(file) };
}

function tlsOf({ HOMEPORT_TLS_CERTIFICATE: certificate, HOMEPORT_TLS_KEY: key }: Environment): Config['tls'] {
  if (certificate && key) return { certificateFile: resolve(certificate), keyFile: resolve(key) };
  if (!certificate && !key) return undefined;
  throw fail(
    'invalid_input',
    `${certificate ? 'HOMEPORT_TLS_CERTIFICATE' : 'HOMEPORT_TLS_KEY'} is set, but the other one of the pair is not.`,
    'Set HOMEPORT_TLS_CERTIFICATE and HOMEPORT_TLS_KEY, or neither.',
  );
}

/** What stands between commas or blanks; `none` is nobody. */
function listed(text: string): string[] {
  return text.split(/[\s,]+/).filter((entry) => entry !== '' && entry !== 'none');
}

/** The address printed in links, for a server listening on `port`. */
export function publicUrl(config: Config, port: number): string {
  if (config.publicUrl) return config.publicUrl;
  const host = ['0.0.0.0', '::'].includes(config.host) ? 'localhost' : config.host;
  return `${config.tls ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
