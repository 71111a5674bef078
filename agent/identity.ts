import type { KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { z } from 'zod';
import { fingerprint } from '../protocol/enrolment.ts';
import { ed25519Private, ed25519Raw, generateEd25519 } from '../protocol/keys.ts';
import { readState, writeDurable } from './state/durable.ts';

const identityFileSchema = z.object({ v: z.literal(1), signing: z.string(), sealing: z.string() });

/** The agent's two keys; the private halves never leave this host. */
export interface AgentIdentity {
  /** Ed25519: signs handshakes and manifests. */
  signingKey: KeyObject;
  /** Its public half, 32 raw bytes, base64url. */
  identityKey: string;
  /** age X25519 identity: opens sealed credentials and keys. */
  sealingIdentity: string;
  /** Its recipient, `age1…`. */
  sealingKey: string;
  /** SHA-256 of the public signing key, base64url. */
  fingerprint: string;
}

/** The identity in `<state>/identity.json`, or `undefined` before the first use. */
export async function loadIdentity(stateDir: string): Promise<AgentIdentity | undefined> {
  const file = await readState(join(stateDir, 'identity.json'), identityFileSchema);
  if (!file) return undefined;
  const signingKey = ed25519Private(file.signing);
  const identityKey = ed25519Raw(signingKey);
  return {
    signingKey,
    identityKey,
    sealingIdentity: file.sealing,
    sealingKey: await identityToRecipient(file.sealing),
    fingerprint: fingerprint(identityKey),
  };
}

/** The identity, made at first use. */
export async function ensureIdentity(stateDir: string): Promise<AgentIdentity> {
  const existing = await loadIdentity(stateDir);
  if (existing) return existing;
  const file = { v: 1, signing: generateEd25519().pem, sealing: await generateX25519Identity() };
  await writeDurable(join(stateDir, 'identity.json'), `${JSON.stringify(file)}\n`);
  const made = await loadIdentity(stateDir);
  if (!made) throw new Error('The identity was written but cannot be read back.');
  return made;
}
