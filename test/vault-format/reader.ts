import { createDecipheriv, createHash, createHmac, hkdfSync, verify } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { Decrypter } from 'age-encryption';

/**
 * A second reader of vaults, written from docs/vault-format.md and docs/recovery.md alone. It shares no line with
 * the product or with recover.mjs; where it could not be written, the documents were wanting. It reads whole files
 * into memory: the vaults it is for are small.
 */
export interface Kit {
  vaultId: string;
  signingKey: string;
  identity: string;
}

const KIT_LINES = ['recovery-kit', 'vault', 'vault-id', 'control-plane', 'made', 'signing-key', 'identity'];

/** docs/recovery.md, “The kit”. */
export function readKit(text: string): Kit {
  const found = new Map<string, string>();
  for (const raw of text.split(/\r\n?|\n/)) {
    const line = raw.trim();
    const colon = line.indexOf(':');
    const name = line.slice(0, colon);
    if (colon < 0 || !(KIT_LINES.includes(name) || name === 'checksum')) continue;
    if (found.has(name)) throw new Error(`kit: ${name} twice`);
    found.set(name, line.slice(colon + 1).trim());
  }
  const signed = KIT_LINES.map((name) => `${name}: ${found.get(name)}\n`).join('');
  const checksum = createHash('sha256').update(signed).digest('hex').slice(0, 16);
  if (found.get('recovery-kit') !== '1') throw new Error('kit: not of version 1');
  if (found.get('checksum')?.replaceAll('-', '') !== checksum) throw new Error('kit: checksum');
  return {
    vaultId: String(found.get('vault-id')),
    signingKey: String(found.get('signing-key')),
    identity: String(found.get('identity')),
  };
}

export interface ReadSnapshot {
  id: string;
  database: string;
  catalog: { tables: unknown[]; streamHashes: Record<string, string> };
  streams: Map<string, Buffer>;
}

interface KeyRef {
  id: string;
  hash: string;
}
interface ManifestText {
  format: number;
  snapshotId: string;
  vaultId: string;
  agentId: string;
  server: { id: string };
  database: { name: string };
  idKey: KeyRef;
  dataKeys: KeyRef[];
  catalogKey: string;
  streams: { name: string; length: number; chunks: [string, number][] }[];
  catalog: string;
}

/** Ids of the snapshots whose manifests lie in a vault. */
export function snapshotIds(vault: string): string[] {
  return manifestPaths(vault).map((path) => path.slice(-45, -9));
}

/** Reads one snapshot, all its streams; throws at the first thing that is not as the documents say. */
export async function readSnapshot(vault: string, kit: Kit, snapshotId: string): Promise<ReadSnapshot> {
  const path = manifestPaths(vault).find((one) => one.endsWith(`-${snapshotId}.json.zst`));
  if (!path) throw new Error('no such snapshot');
  const manifest = openManifest(vault, kit, { path, snapshotId });
  const dataKeys = new Map<string, Buffer>();
  for (const key of manifest.dataKeys) dataKeys.set(key.id, await openKey(vault, kit, 'data', key));
  const idKey = await openKey(vault, kit, 'id', manifest.idKey);
  const chunkIdKey = Buffer.from(hkdfSync('sha256', idKey, Buffer.alloc(0), 'homeport/1 chunk-id', 32));
  const catalog = openCatalog(manifest, dataKeys);
  const copies = indexPacks(vault, manifest);
  const streams = new Map<string, Buffer>();
  for (const { chunks, name } of manifest.streams) {
    const parts = chunks.map(([id, length]) =>
      openChunk(copies.get(id), { id, length, dataKeys, chunkIdKey }),
    );
    const whole = Buffer.concat(parts);
    if (createHash('sha256').update(whole).digest('hex') !== catalog.streamHashes[name])
      throw new Error(`stream ${name}: not the one that was backed up`);
    streams.set(name, whole);
  }
  return { id: snapshotId, database: manifest.database.name, catalog, streams };
}

function manifestPaths(vault: string): string[] {
  const folder = join(vault, 'snapshots');
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const pattern = /-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\.json\.zst$/;
  return names.filter((name) => pattern.test(name)).map((name) => join(folder, name));
}

function checkSignature(label: string, text: string, signature: string, rawKey: string): void {
  const key = { key: { kty: 'OKP', crv: 'Ed25519', x: rawKey }, format: 'jwk' } as const;
  const message = Buffer.concat([Buffer.from(`homeport/1 ${label}`), Buffer.of(0), Buffer.from(text)]);
  if (!verify(null, message, key, Buffer.from(signature, 'base64url')))
    throw new Error(`${label}: signature`);
}

/** “Signed statements”: the agent's certified identity key. */
function certifiedKey(vault: string, kit: Kit, agentId: string): string {
  if (!/^[0-9a-f-]{36}$/.test(agentId)) throw new Error('manifest: agent id');
  const file = JSON.parse(readFileSync(join(vault, 'agents', `${agentId}.json`), 'utf8'));
  checkSignature('agent-certificate', file.statement, file.signature, kit.signingKey);
  const certificate = JSON.parse(file.statement);
  if (certificate.format !== 1 || certificate.vaultId !== kit.vaultId || certificate.agentId !== agentId)
    throw new Error('agent-certificate: of another agent or vault');
  return certificate.identityKey;
}

/** “Manifests”, steps 2 and 3. */
function openManifest(vault: string, kit: Kit, file: { path: string; snapshotId: string }): ManifestText {
  const json = zstdDecompressSync(readFileSync(file.path), { maxOutputLength: 512 * 1024 * 1024 });
  const envelope = JSON.parse(json.toString('utf8'));
  const manifest = JSON.parse(envelope.manifest) as ManifestText;
  const agentKey = certifiedKey(vault, kit, manifest.agentId);
  checkSignature('manifest', envelope.manifest, envelope.signature, agentKey);
  if (manifest.format !== 1) throw new Error('manifest: format');
  if (manifest.vaultId !== kit.vaultId) throw new Error('manifest: of another vault');
  if (manifest.snapshotId !== file.snapshotId) throw new Error('manifest: of another snapshot');
  for (const { chunks, length } of manifest.streams) {
    let sum = 0;
    for (const [, chunkLength] of chunks) sum += chunkLength;
    if (sum !== length) throw new Error('manifest: lengths');
  }
  return manifest;
}

/** “Keys”, step 4. */
async function openKey(vault: string, kit: Kit, kind: 'data' | 'id', { hash, id }: KeyRef): Promise<Buffer> {
  if (!/^[0-9a-f]{32}$/.test(id)) throw new Error('manifest: key id');
  const decrypter = new Decrypter();
  decrypter.addIdentity(kit.identity);
  const text = await decrypter.decrypt(readFileSync(join(vault, 'keys', `${id}.age`)), 'text');
  const secret = Buffer.from(JSON.parse(text).secret, 'base64url');
  const label = Buffer.concat([Buffer.from(`homeport/1 ${kind}-key`), Buffer.of(0)]);
  if (createHash('sha256').update(label).update(secret).digest('hex') !== hash) throw new Error('key: hash');
  return secret;
}

/** “Sealing”. */
function unseal(sealed: Buffer, subject: Buffer, dataKeys: Map<string, Buffer>, limit: number): Buffer {
  const keyId = sealed.subarray(0, 16);
  const secret = dataKeys.get(keyId.toString('hex'));
  if (!secret) throw new Error('sealed: with a key that is not listed');
  const end = sealed.length - 16;
  const cipher = createDecipheriv('aes-256-gcm', secret, sealed.subarray(16, 28));
  cipher.setAuthTag(sealed.subarray(end));
  cipher.setAAD(Buffer.concat([keyId, subject]));
  const inner = Buffer.concat([cipher.update(sealed.subarray(28, end)), cipher.final()]);
  const payload = inner.subarray(1);
  if (inner[0] === 0) return payload;
  if (inner[0] === 1) return zstdDecompressSync(payload, { maxOutputLength: limit });
  throw new Error('sealed: codec');
}

/** Step 5. */
function openCatalog(manifest: ManifestText, dataKeys: Map<string, Buffer>): ReadSnapshot['catalog'] {
  const sealed = Buffer.from(manifest.catalog, 'base64');
  if (sealed.toString('hex', 0, 16) !== manifest.catalogKey) throw new Error('catalog: key');
  const subject = Buffer.concat([
    Buffer.from('homeport/1 catalog'),
    Buffer.of(0),
    Buffer.from(manifest.snapshotId),
  ]);
  const catalog = JSON.parse(unseal(sealed, subject, dataKeys, 64 * 1024 * 1024).toString('utf8'));
  for (const { name } of manifest.streams)
    if (!/^[0-9a-f]{64}$/.test(catalog.streamHashes[name])) throw new Error('catalog: hash of a stream');
  return catalog;
}

/** “Packs”, step 6: every copy of every chunk of the server, sealed, by chunk id. */
function indexPacks(vault: string, { server }: ManifestText): Map<string, Buffer[]> {
  const copies = new Map<string, Buffer[]>();
  const folder = join(vault, 'packs');
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!/^[0-9a-f]{2}\/[0-9a-f]{64}$/.test(name)) continue;
    const pack = readFileSync(join(folder, name));
    const footer = pack.subarray(-28);
    if (footer.toString('hex', 0, 16) !== server.id.replaceAll('-', '')) continue;
    for (const { id, sealed } of entriesOf(pack, footer)) copies.set(id, [...(copies.get(id) ?? []), sealed]);
  }
  return copies;
}

function entriesOf(pack: Buffer, footer: Buffer): { id: string; sealed: Buffer }[] {
  if (pack.toString('latin1', 0, 8) !== 'HPPACK1\n') throw new Error('pack: does not begin as one');
  if (footer.toString('latin1', 20) !== 'HPPACKIX') throw new Error('pack: does not end as one');
  const found: { id: string; sealed: Buffer }[] = [];
  const trailerAt = pack.length - 28 - 60 * footer.readUInt32BE(16);
  let next = 8;
  for (let at = trailerAt; at < pack.length - 28; at += 60) {
    const offset = pack.readUInt32BE(at + 48);
    const length = pack.readUInt32BE(at + 52);
    if (offset !== next) throw new Error('pack: gap');
    next += length;
    found.push({ id: pack.toString('hex', at, at + 32), sealed: pack.subarray(offset, offset + length) });
  }
  if (next !== trailerAt) throw new Error('pack: gap before the trailer');
  return found;
}

/** Step 7. */
function openChunk(
  copies: Buffer[] | undefined,
  wanted: { id: string; length: number; dataKeys: Map<string, Buffer>; chunkIdKey: Buffer },
): Buffer {
  const { chunkIdKey, dataKeys, id, length } = wanted;
  const copy = copies?.find((sealed) => dataKeys.has(sealed.toString('hex', 0, 16)));
  if (!copy) throw new Error('chunk: in no pack');
  const plaintext = unseal(copy, Buffer.from(id, 'hex'), dataKeys, length);
  if (plaintext.length !== length) throw new Error('chunk: length');
  if (createHmac('sha256', chunkIdKey).update(plaintext).digest('hex') !== id) throw new Error('chunk: id');
  return plaintext;
}
