import { createHash, randomBytes } from 'node:crypto';
import { chunkId, generateVaultKey } from '../../protocol/vault/keys.ts';
import { encodeTrailer, PACK_MAGIC } from '../../protocol/vault/pack.ts';
import { CODEC, seal } from '../../protocol/vault/seal.ts';

/** A well-formed pack with one sealed chunk, in parts as the agent sends it. */
export function packOf(
  serverId: string,
  plaintext: Buffer,
  key = generateVaultKey(),
): { name: string; parts: Buffer[]; id: Buffer; keyId: string } {
  const id = chunkId(randomBytes(32), plaintext);
  const sealed = seal(key, id, CODEC.raw, plaintext);
  const entry = { chunkId: id, keyId: key.id, offset: PACK_MAGIC.length, length: sealed.length };
  const parts = [PACK_MAGIC, sealed, encodeTrailer(serverId, [{ ...entry, rawLength: plaintext.length }])];
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return { name: hash.digest('hex'), parts, id, keyId: key.id };
}
