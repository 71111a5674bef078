import { type KeyObject, sign, verify } from 'node:crypto';
import { z } from 'zod';
import { fail } from '../failure.ts';
import { ed25519Public } from '../keys.ts';

/** `vault.json`: what the vault is and to whom keys are wrapped. */
export const vaultStatementSchema = z.object({
  format: z.literal(1),
  vaultId: z.uuid(),
  /** Version of the recipient list; agents accept only a higher one than they have seen. */
  version: z.number().int().positive(),
  /** age public keys (age1…). */
  recipients: z.array(z.string().startsWith('age1')).min(1),
  /** The vault's Ed25519 signing key, base64url: the trust root. */
  signingKey: z.string(),
  createdAt: z.iso.datetime(),
});
export type VaultStatement = z.infer<typeof vaultStatementSchema>;

/** `agents/<agentId>.json`: the vault vouches for an agent's keys. */
export const agentCertificateSchema = z.object({
  format: z.literal(1),
  vaultId: z.uuid(),
  agentId: z.uuid(),
  name: z.string(),
  /** Ed25519, base64url. */
  identityKey: z.string(),
  /** age public key (age1…). */
  sealingKey: z.string(),
  issuedAt: z.iso.datetime(),
  /** The agent whose servers it took over: both sign snapshots of them. */
  succeeds: z.uuid().optional(),
});
export type AgentCertificate = z.infer<typeof agentCertificateSchema>;

/** First line of what is in `control-plane/<time>-<id>.age`: a control plane’s backup of itself; its files follow in order. */
export const selfBackupSchema = z.object({
  format: z.literal(1),
  vaultId: z.uuid(),
  id: z.uuid(),
  /** Version of the Homeport that made it. */
  homeport: z.string(),
  createdAt: z.iso.datetime(),
  /** Whether the master key is kept elsewhere, and is to be given for coming back. */
  masterKeyApart: z.boolean(),
  files: z
    .array(
      z.object({
        /** Path inside the data directory. */
        name: z.string().regex(/^(homeport\.sqlite|keys\/[A-Za-z0-9][A-Za-z0-9._-]*)$/),
        /** Bytes. */
        length: z.number().int().nonnegative(),
        /** Hex. */
        sha256: z.string().regex(/^[0-9a-f]{64}$/),
      }),
    )
    .max(100_000),
});
export type SelfBackupStatement = z.infer<typeof selfBackupSchema>;

const signedSchema = z.object({ statement: z.string(), signature: z.string() });

const KINDS = {
  vault: vaultStatementSchema,
  'agent-certificate': agentCertificateSchema,
  'self-backup': selfBackupSchema,
} as const;
type Kind = keyof typeof KINDS;
type Statement<K extends Kind> = z.infer<(typeof KINDS)[K]>;

const signedBytes = (kind: Kind, text: string) => Buffer.from(`homeport/1 ${kind}\0${text}`);

/** JSON file `{ statement, signature }`: the statement's exact text is what is signed (Ed25519). */
export function signStatement<K extends Kind>(kind: K, statement: Statement<K>, key: KeyObject): string {
  const text = JSON.stringify(statement);
  const signature = sign(null, signedBytes(kind, text), key).toString('base64url');
  return `${JSON.stringify({ statement: text, signature })}\n`;
}

/**
 * Opens a signed statement. With `signingKey: 'own'` a vault statement is checked against the key it names:
 * only for the first sight of a vault, over an authenticated channel.
 * @throws FailureError `signature_invalid`
 */
export function openStatement<K extends Kind>(kind: K, file: string, signingKey: string): Statement<K> {
  try {
    const { statement, signature } = signedSchema.parse(JSON.parse(file));
    const parsed = KINDS[kind].parse(JSON.parse(statement)) as Statement<K>;
    const key = signingKey === 'own' && 'signingKey' in parsed ? parsed.signingKey : signingKey;
    if (
      !verify(null, signedBytes(kind, statement), ed25519Public(key), Buffer.from(signature, 'base64url'))
    ) {
      throw new Error('bad signature');
    }
    return parsed;
  } catch (cause) {
    throw fail(
      'signature_invalid',
      `The vault’s ${kind} statement is not signed by the vault’s key.`,
      'Someone changed the store or the control plane. Compare the vault’s key with the recovery kit.',
      { cause },
    );
  }
}
