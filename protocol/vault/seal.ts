import { createCipheriv, createDecipheriv, randomBytes, timingSafeEqual } from 'node:crypto';
import { zstdDecompressSync } from 'node:zlib';
import { fail } from '../failure.ts';
import { chunkId, type VaultKey } from './keys.ts';

/** Chunk lengths in bytes: cuts become likelier from `turn` on, which gives `average`; see docs/vault-format.md. */
export const CHUNK = {
  min: 64 * 1024,
  turn: 192 * 1024,
  average: 256 * 1024,
  max: 1024 * 1024,
} as const;

const KEY_ID = 16;
const NONCE = 12;
const TAG = 16;
/** Bytes a sealed chunk has beyond its payload: key id, nonce, codec byte and tag. */
export const SEAL_OVERHEAD = KEY_ID + NONCE + 1 + TAG;

/** First byte of what is encrypted: how the rest is coded. */
export const CODEC = { raw: 0, zstd: 1 } as const;

/** Sealed bytes: key id (16) ‖ nonce (12) ‖ AES-256-GCM(codec (1) ‖ payload) ‖ tag (16); AAD is key id ‖ `subject`. */
export function seal(key: VaultKey, subject: Uint8Array, codec: number, payload: Uint8Array): Buffer {
  return Buffer.concat(sealedParts(key, subject, { codec, payload }));
}

/** {@link seal} in pieces that follow each other, for those who copy them to where they belong. */
export function sealedParts(
  key: VaultKey,
  subject: Uint8Array,
  { codec, payload }: { codec: number; payload: Uint8Array },
): Buffer[] {
  const keyId = Buffer.from(key.id, 'hex');
  const nonce = randomBytes(NONCE);
  const cipher = createCipheriv('aes-256-gcm', key.secret, nonce);
  cipher.setAAD(Buffer.concat([keyId, subject]));
  const inner = [cipher.update(Buffer.of(codec)), cipher.update(payload), cipher.final()];
  return [keyId, nonce, ...inner, cipher.getAuthTag()];
}

/** Id of the data key some sealed bytes name, hex. */
export function sealedKeyId(sealed: Uint8Array): string {
  return Buffer.from(sealed.buffer, sealed.byteOffset, Math.min(KEY_ID, sealed.length)).toString('hex');
}

/**
 * Opens sealed bytes. `limit` bounds the plaintext in bytes.
 * @throws FailureError `pack_corrupt` when authentication or decoding fails
 */
export function unseal(secret: Uint8Array, subject: Uint8Array, sealed: Uint8Array, limit: number): Buffer {
  try {
    if (sealed.length < SEAL_OVERHEAD) throw new Error('too short');
    const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.length);
    const decipher = createDecipheriv('aes-256-gcm', secret, bytes.subarray(KEY_ID, KEY_ID + NONCE), {
      authTagLength: TAG,
    });
    decipher.setAAD(Buffer.concat([bytes.subarray(0, KEY_ID), subject]));
    decipher.setAuthTag(bytes.subarray(bytes.length - TAG));
    const inner = decipher.update(bytes.subarray(KEY_ID + NONCE, bytes.length - TAG));
    decipher.final();
    const payload = inner.subarray(1);
    if (inner[0] === CODEC.raw && payload.length <= limit) return payload;
    if (inner[0] === CODEC.zstd) return inflate(payload, limit);
    throw new Error('unknown codec');
  } catch (cause) {
    throw corrupt('Stored bytes do not authenticate.', cause);
  }
}

function inflate(payload: Uint8Array, limit: number): Buffer {
  // One byte more than a chunk can have: zlib then fills one buffer, and knows at once that it is done.
  return zstdDecompressSync(payload, { maxOutputLength: limit, chunkSize: Math.min(limit, CHUNK.max) + 1 });
}

/**
 * Opens one chunk and proves that it is the one asked for: its HMAC is recomputed before it is returned.
 * @param keys the data key it is sealed with, and the server's chunk id key
 * @param chunk its id, its sealed bytes and the plaintext length that the manifest gives
 * @throws FailureError `pack_corrupt`
 */
export function openChunk(
  keys: { secret: Uint8Array; chunkIdKey: Uint8Array },
  chunk: { id: Uint8Array; length: number; sealed: Uint8Array },
): Buffer {
  const { id, length, sealed } = chunk;
  const plaintext = unseal(keys.secret, id, sealed, Math.min(length, CHUNK.max));
  if (plaintext.length !== length) throw corrupt('A stored chunk has another length than the manifest says.');
  if (!timingSafeEqual(chunkId(keys.chunkIdKey, plaintext), id))
    throw corrupt('A stored chunk is not the one its id names.');
  return plaintext;
}

function corrupt(message: string, cause?: unknown) {
  return fail(
    'pack_corrupt',
    message,
    'The store damaged or someone changed a pack. Restore another snapshot and scrub the vault.',
    { cause },
  );
}

/** What the sealed catalog of a snapshot is bound to. */
export function catalogSubject(snapshotId: string): Buffer {
  return Buffer.from(`homeport/1 catalog\0${snapshotId}`);
}
