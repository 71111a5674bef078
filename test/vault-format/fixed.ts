import { createCipheriv, createHash, createPrivateKey, type KeyObject, sign } from 'node:crypto';
import type { VaultKey } from '../../protocol/vault/keys.ts';
import type { Manifest } from '../../protocol/vault/manifest.ts';
import { encodeTrailer, PACK_MAGIC, type PackEntry } from '../../protocol/vault/pack.ts';

/** What the product draws at random, drawn here from a name: the same bytes on every machine, for ever. */
export function bytesOf(name: string, length: number): Buffer {
  const key = createHash('sha256').update(name).digest();
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(length));
}

export function uuidOf(name: string): string {
  const hex = bytesOf(name, 16).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`;
}

export function keyOf(name: string): VaultKey {
  return { id: bytesOf(`${name} id`, 16).toString('hex'), secret: bytesOf(name, 32) };
}

/** Ed25519 private key from the 32 bytes that RFC 8032 starts from. */
export function ed25519Of(name: string): KeyObject {
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), bytesOf(name, 32)]);
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
}

/** Runs `work` while Web Crypto, which age files are made with, draws from a name. */
export async function drawingFrom<T>(name: string, work: () => Promise<T>): Promise<T> {
  let drawn = 0;
  const draw = <A extends ArrayBufferView | null>(array: A): A => {
    drawn += 1;
    const bytes = bytesOf(`${name} ${drawn}`, array?.byteLength ?? 0);
    if (array) new Uint8Array(array.buffer, array.byteOffset, array.byteLength).set(bytes);
    return array;
  };
  Object.defineProperty(crypto, 'getRandomValues', { value: draw, configurable: true });
  try {
    return await work();
  } finally {
    Reflect.deleteProperty(crypto, 'getRandomValues');
  }
}

/** A zstd frame of raw blocks (RFC 8878): every decoder reads it, and no version of an encoder changes it. */
export function storedFrame(content: Uint8Array): Buffer {
  const head = Buffer.alloc(9);
  head.writeUInt32LE(0xfd2fb528, 0);
  head[4] = 0xa0; // one segment, its length in 4 bytes
  head.writeUInt32LE(content.length, 5);
  const parts = [head];
  const most = 128 * 1024;
  for (let at = 0; at === 0 || at < content.length; at += most) {
    const block = content.subarray(at, at + most);
    const header = Buffer.alloc(3);
    header.writeUIntLE(block.length * 8 + (at + most >= content.length ? 1 : 0), 0, 3);
    parts.push(header, Buffer.from(block));
  }
  return Buffer.concat(parts);
}

export interface FixedSeal {
  key: VaultKey;
  nonce: Uint8Array;
  subject: Uint8Array;
  codec: 0 | 1;
  plaintext: Uint8Array;
}

/** “Sealing” with a nonce that is given. */
export function sealFixed({ codec, key, nonce, plaintext, subject }: FixedSeal): Buffer {
  const keyId = Buffer.from(key.id, 'hex');
  const cipher = createCipheriv('aes-256-gcm', key.secret, nonce);
  cipher.setAAD(Buffer.concat([keyId, subject]));
  const payload = codec === 1 ? storedFrame(plaintext) : plaintext;
  const inner = [cipher.update(Buffer.of(codec)), cipher.update(payload), cipher.final()];
  return Buffer.concat([keyId, nonce, ...inner, cipher.getAuthTag()]);
}

export interface SealedChunk {
  id: Buffer;
  keyId: string;
  sealed: Buffer;
  rawLength: number;
}

/** A whole pack of sealed chunks. */
export function packOf(serverId: string, chunks: readonly SealedChunk[]): Buffer {
  const entries: PackEntry[] = [];
  let offset = PACK_MAGIC.length;
  for (const { id, keyId, rawLength, sealed } of chunks) {
    entries.push({ chunkId: id, keyId, offset, length: sealed.length, rawLength });
    offset += sealed.length;
  }
  return Buffer.concat([PACK_MAGIC, ...chunks.map(({ sealed }) => sealed), encodeTrailer(serverId, entries)]);
}

export function packPath(pack: Uint8Array): string {
  const name = createHash('sha256').update(pack).digest('hex');
  return `packs/${name.slice(0, 2)}/${name}`;
}

/** A manifest file signed by `agentKey`, in a frame that no encoder's version changes. */
export function manifestFile(manifest: Manifest, agentKey: KeyObject): Buffer {
  const text = JSON.stringify(manifest);
  const signature = sign(null, Buffer.from(`homeport/1 manifest\0${text}`), agentKey).toString('base64url');
  return storedFrame(Buffer.from(JSON.stringify({ manifest: text, signature })));
}

export function manifestPath({ database, snapshotId, startedAt }: Manifest): string {
  const time = startedAt.replace(/[-:]|\.\d+/g, '');
  return `snapshots/${database.id}-shop/${time}-${snapshotId}.json.zst`;
}
