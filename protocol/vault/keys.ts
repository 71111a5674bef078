import { createHash, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { Decrypter, Encrypter } from 'age-encryption';
import { z } from 'zod';
import { fail } from '../failure.ts';

/** A 32-byte secret with its public 16-byte id. */
export interface VaultKey {
  /** 16 random bytes, hex; names the key in packs, manifests and `keys/<id>.age`. */
  id: string;
  secret: Buffer;
}

export function generateVaultKey(): VaultKey {
  return { id: randomBytes(16).toString('hex'), secret: randomBytes(32) };
}

/** What a manifest commits to: SHA-256 over a label and the key, hex. */
export function keyHash(kind: 'data' | 'id', secret: Uint8Array): string {
  return createHash('sha256').update(`homeport/1 ${kind}-key\0`).update(secret).digest('hex');
}

/** The two secrets of one database server, both derived from its id key (HKDF-SHA-256, RFC 5869). */
export interface ServerSecrets {
  /** Key of the HMAC that names chunks. */
  chunkIdKey: Buffer;
  /** Seed of the gear table that cuts chunks. */
  gearSeed: Buffer;
}

export function serverSecrets(idKey: VaultKey): ServerSecrets {
  const derive = (info: string) => Buffer.from(hkdfSync('sha256', idKey.secret, '', info, 32));
  return { chunkIdKey: derive('homeport/1 chunk-id'), gearSeed: derive('homeport/1 gear') };
}

/** Chunk id: HMAC-SHA-256(chunk id key, plaintext), 32 bytes. */
export function chunkId(chunkIdKey: Uint8Array, plaintext: Uint8Array): Buffer {
  return createHmac('sha256', chunkIdKey).update(plaintext).digest();
}

const keyFileSchema = z.object({
  v: z.literal(1),
  kind: z.enum(['data', 'id']),
  id: z.string().regex(/^[0-9a-f]{32}$/),
  /** Server whose chunks the key is for. */
  serverId: z.uuid(),
  secret: z.base64url(),
});
export type KeyFile = z.infer<typeof keyFileSchema>;

/** Bytes of `keys/<id>.age`: the key as JSON, encrypted with age to every recipient (age1…). */
export async function wrapKey(
  key: VaultKey,
  about: { kind: 'data' | 'id'; serverId: string },
  recipients: readonly string[],
): Promise<Uint8Array> {
  const file: KeyFile = { v: 1, id: key.id, secret: key.secret.toString('base64url'), ...about };
  return encryptTo(recipients, JSON.stringify(file));
}

/** Opens `keys/<id>.age` with an age identity. @throws FailureError `key_missing` where it does not fit. */
export async function unwrapKey(
  file: Uint8Array,
  identity: string,
): Promise<VaultKey & Pick<KeyFile, 'kind' | 'serverId'>> {
  try {
    const { id, secret, kind, serverId } = keyFileSchema.parse(JSON.parse(await decryptWith(identity, file)));
    return { id, kind, serverId, secret: Buffer.from(secret, 'base64url') };
  } catch (cause) {
    throw fail(
      'key_missing',
      'A key file of the vault does not open with this identity.',
      'Use the recovery kit of this vault.',
      { cause },
    );
  }
}

/** age file (X25519) holding `text`, for one or more recipients. */
export async function encryptTo(
  recipients: readonly string[],
  text: string | Uint8Array,
): Promise<Uint8Array> {
  const encrypter = new Encrypter();
  for (const recipient of recipients) encrypter.addRecipient(recipient);
  return encrypter.encrypt(typeof text === 'string' ? Buffer.from(text) : text);
}

/** The text of an age file. Throws where the identity does not fit or the file was changed. */
export async function decryptWith(identity: string, file: Uint8Array): Promise<string> {
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  return decrypter.decrypt(file, 'text');
}
