import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { FailureError } from '../../../protocol/failure.ts';
import { knownHosts, parseHostKeys, signatureAlgorithms } from './host-keys.ts';
import type { RcloneRemote } from './rclone-daemon.ts';
import { parseSection } from './rclone-section.ts';

const text = (most: number) =>
  z
    .string()
    .max(most)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
    .regex(/^[^\u0000-\u001f\u007f]*$/, 'must be one line');

const sftpSchema = z.object({
  type: z.literal('sftp'),
  host: z.string().regex(/^[A-Za-z0-9_:][A-Za-z0-9._:-]{0,252}$/, 'must be a host name or an address'),
  port: z.number().int().min(1).max(65535).default(22),
  user: text(128).min(1),
  password: text(1024).optional(),
  /** As OpenSSH writes it: PEM. */
  privateKey: z
    .string()
    .max(16 * 1024)
    .regex(/^\s*-----BEGIN [A-Z ]*PRIVATE KEY-----\r?\n[\s\S]+-----END [A-Z ]*PRIVATE KEY-----\s*$/, {
      error: 'must be a private key as OpenSSH writes it, from its BEGIN line to its END line',
    })
    .optional(),
  /** Of the private key. */
  passphrase: text(1024).optional(),
  /** The only keys that the server may show; lines as of `ssh-keyscan`. */
  hostKeys: z
    .string()
    .max(16 * 1024)
    .refine((lines) => parseHostKeys(lines) !== undefined, {
      error: 'must be lines as “ssh-keyscan HOST” prints them: the server’s public host keys, whole',
    }),
});

const otherSchema = z.object({
  type: z.literal('other'),
  /** A section of rclone’s configuration. */
  section: z
    .string()
    .max(64 * 1024)
    .superRefine((section, context) => {
      try {
        parseSection(section);
      } catch (error) {
        if (!(error instanceof FailureError)) throw error;
        context.addIssue({
          code: 'custom',
          message: `${error.failure.message} ${error.failure.hint}`.replace(/\.$/, ''),
        });
      }
    }),
});

/** A place that rclone reaches, with all it takes to open it; sealed under the master key where it is kept. */
export const rcloneOptionsSchema = z.object({
  kind: z.literal('rclone'),
  remote: z
    .discriminatedUnion('type', [sftpSchema, otherSchema])
    .refine((remote) => remote.type !== 'sftp' || remote.password || remote.privateKey, {
      error: 'needs a password or a private key',
    }),
  /** Folder on the remote that holds the vault; of an object store, bucket and folder. */
  path: text(1024)
    .min(1)
    // rclone takes the name of a remote in brackets.
    .regex(
      /^[^[\]]*[^[\]/]$/,
      'must be like backups/homeport, without brackets and without a slash at its end',
    ),
});

export type RcloneOptions = z.infer<typeof rcloneOptionsSchema>;

/** Where it is, in words and without secrets. */
export function describeRemote({ path, remote }: RcloneOptions): string {
  if (remote.type === 'other') return `${parseSection(remote.section).type}:${path}`;
  const host = remote.host.includes(':') ? `[${remote.host}]` : remote.host;
  return `sftp://${remote.user}@${host}:${remote.port}${path.startsWith('/') ? path : `/~/${path}`}`;
}

/** The remote as rclone is told of it, under a name of its own. */
export function toRemote({ remote }: RcloneOptions): RcloneRemote {
  const name = `vault-${randomBytes(8).toString('hex')}`;
  if (remote.type === 'other') return { name, ...parseSection(remote.section), plain: false };
  const { host, hostKeys, passphrase, password, port, privateKey, user } = remote;
  const keys = parseHostKeys(hostKeys) ?? [];
  const parameters = {
    ...{ host, port: String(port), user },
    ...(password ? { pass: password } : {}),
    // rclone reads it as one line.
    ...(privateKey ? { key_pem: `${privateKey.trim().replaceAll('\r', '')}\n`.replaceAll('\n', '\\n') } : {}),
    ...(privateKey && passphrase ? { key_file_pass: passphrase } : {}),
    // Without it an rclone from 1.64 on could agree on another key of the server than the pinned one.
    host_key_algorithms: signatureAlgorithms(keys).join(' '),
    // Nobody looks at these times, and not every server lets them be set.
    set_modtime: 'false',
  };
  return {
    name,
    type: 'sftp',
    parameters,
    plain: true,
    files: { known_hosts_file: knownHosts(remote, keys) },
  };
}

/** Options that say where a place is, not how to get in. */
const TOLD = new Set([
  'account',
  'domain',
  'endpoint',
  'host',
  'provider',
  'region',
  'url',
  'user',
  'vendor',
]);

/** What of the options must never be told; what is shorter is no secret and would make text unreadable. */
export function secretsOf({ remote }: RcloneOptions): string[] {
  const values =
    remote.type === 'sftp'
      ? [remote.password, remote.privateKey, remote.passphrase]
      : Object.entries(parseSection(remote.section).parameters)
          .filter(([option]) => !TOLD.has(option))
          .map(([, value]) => value);
  return values.filter((value): value is string => value !== undefined && value.length >= 6);
}
