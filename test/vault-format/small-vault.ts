import { createHash, type KeyObject } from 'node:crypto';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { recoveryKit } from '../../control-plane/vault/recovery/kit.ts';
import { ed25519Raw } from '../../protocol/keys.ts';
import { chunkId, keyHash, serverSecrets, type VaultKey, wrapKey } from '../../protocol/vault/keys.ts';
import type { Manifest, SealedCatalog } from '../../protocol/vault/manifest.ts';
import { catalogSubject } from '../../protocol/vault/seal.ts';
import { signStatement } from '../../protocol/vault/statement.ts';
import {
  bytesOf,
  drawingFrom,
  ed25519Of,
  keyOf,
  manifestFile,
  manifestPath,
  packOf,
  packPath,
  type SealedChunk,
  sealFixed,
  uuidOf,
} from './fixed.ts';

export const ID_KEY = keyOf('id key');
export const DATA_KEYS = [keyOf('data key 1'), keyOf('data key 2')] as const;
export const SIGNING = ed25519Of('vault signing key');
export const AGENT_KEY = ed25519Of('agent identity key');
export const VAULT_ID = uuidOf('vault');
export const AGENT_ID = uuidOf('agent');
export const SERVER_ID = uuidOf('server');
export const SNAPSHOT_IDS = [uuidOf('snapshot 1'), uuidOf('snapshot 2')] as const;
export const { chunkIdKey, gearSeed } = serverSecrets(ID_KEY);

const CREATED = Date.parse('2026-01-02T03:04:05.000Z');
const [FIRST_DAY, SECOND_DAY] = ['2026-02-01T01:00:00.000Z', '2026-02-02T01:00:00.000Z'];
const PIECES = {
  head: Buffer.from('-- a dump in three chunks, the second of which compresses well\n'),
  rows: Buffer.from('INSERT INTO orders VALUES (1);\n'.repeat(20)),
  tail: Buffer.from('-- end of the first dump\n'),
  changed: Buffer.from('-- end of the second dump\n'),
  globals: Buffer.from('{"roles":[]}'),
};
type Piece = keyof typeof PIECES;

/** A whole vault with two snapshots, as files. It is tiny, fixed, and made with keys that everybody knows. */
export interface SmallVault {
  /** Text of the recovery kit. */
  kit: string;
  identity: string;
  recipient: string;
  /** By path inside the vault. */
  files: Map<string, Buffer>;
  manifests: [Manifest, Manifest];
  /** What the streams of each snapshot hold. */
  streams: [Record<string, Buffer>, Record<string, Buffer>];
}

export async function smallVault(): Promise<SmallVault> {
  const identity = await drawingFrom('age identity', generateX25519Identity);
  const recipient = await identityToRecipient(identity);
  const files = new Map<string, Buffer>();
  files.set('vault.json', statement(recipient));
  files.set(`agents/${AGENT_ID}.json`, certificate(AGENT_KEY));
  for (const [key, kind] of [[ID_KEY, 'id'], ...DATA_KEYS.map((key) => [key, 'data'] as const)] as const)
    files.set(`keys/${key.id}.age`, await keyFile(key, kind, recipient));
  const [first, second] = DATA_KEYS;
  const old = [sealPiece('head', first), sealPiece('rows', first), sealPiece('tail', first)];
  const fresh = [sealPiece('changed', second), sealPiece('globals', second)];
  for (const chunks of [old, fresh]) {
    const pack = packOf(SERVER_ID, chunks);
    files.set(packPath(pack), pack);
  }
  const before = { dump: ['head', 'rows', 'tail'] } as const;
  const after = { dump: ['head', 'rows', 'rows', 'changed'], globals: ['globals'], empty: [] } as const;
  const manifests: SmallVault['manifests'] = [manifest(0, before), manifest(1, after)];
  for (const one of manifests) files.set(manifestPath(one), manifestFile(one, AGENT_KEY));
  const signingKey = ed25519Raw(SIGNING);
  const secrets = { vaultId: VAULT_ID, name: 'Default', identity, signingKey };
  const origin = { url: 'https://backups.example.org', now: CREATED };
  const kit = recoveryKit(secrets, origin);
  return { kit, identity, recipient, files, manifests, streams: [contents(before), contents(after)] };
}

function statement(recipient: string): Buffer {
  const createdAt = new Date(CREATED).toISOString();
  const facts = { format: 1, vaultId: VAULT_ID, version: 1, createdAt } as const;
  return Buffer.from(
    signStatement('vault', { ...facts, recipients: [recipient], signingKey: ed25519Raw(SIGNING) }, SIGNING),
  );
}

/** The vault vouches for a key; or somebody else does, where `by` says so. */
export function certificate(agentKey: KeyObject, by: KeyObject = SIGNING): Buffer {
  const facts = { format: 1, vaultId: VAULT_ID, agentId: AGENT_ID, name: 'db-host' } as const;
  const keys = { identityKey: ed25519Raw(agentKey), sealingKey: 'age1nobody' };
  const issuedAt = new Date(CREATED).toISOString();
  return Buffer.from(signStatement('agent-certificate', { ...facts, ...keys, issuedAt }, by));
}

/** Bytes of `keys/<id>.age`, by the product itself. */
export async function keyFile(key: VaultKey, kind: 'data' | 'id', recipient: string): Promise<Buffer> {
  const wrap = () => wrapKey(key, { kind, serverId: SERVER_ID }, [recipient]);
  return Buffer.from(await drawingFrom(`wrap ${key.id}`, wrap));
}

/** A chunk as it is sealed; `as` puts it under the id of another one, as a forger would. */
export function sealPiece(piece: Piece, key: VaultKey, as: Piece = piece): SealedChunk {
  const plaintext = PIECES[piece];
  const id = chunkId(chunkIdKey, PIECES[as]);
  const codec = piece === 'rows' ? 1 : 0;
  const sealed = sealFixed({ key, nonce: bytesOf(`nonce ${piece}`, 12), subject: id, codec, plaintext });
  return { id, keyId: key.id, sealed, rawLength: plaintext.length };
}

type Streams = Readonly<Record<string, readonly Piece[]>>;

const contents = (streams: Streams) =>
  Object.fromEntries(
    Object.entries(streams).map(([name, pieces]) => [name, Buffer.concat(pieces.map((one) => PIECES[one]))]),
  );

function manifest(index: 0 | 1, streams: Streams): Manifest {
  const snapshotId = SNAPSHOT_IDS[index];
  const catalogKey = DATA_KEYS[index];
  const keys = DATA_KEYS.slice(0, index + 1).toReversed();
  const day = [FIRST_DAY, SECOND_DAY][index]!;
  return {
    format: 1,
    snapshotId,
    vaultId: VAULT_ID,
    agentId: AGENT_ID,
    server: { id: SERVER_ID, name: 'main', engine: 'postgresql', version: '15.9' },
    database: { id: uuidOf('database'), name: 'shop' },
    sequence: index + 1,
    job: { id: uuidOf(`job ${index}`), attempt: 1 },
    startedAt: day,
    finishedAt: day,
    agentVersion: '0.1.0',
    tool: 'pg_dump 15.9',
    options: { selection: 'all' },
    idKey: { id: ID_KEY.id, hash: keyHash('id', ID_KEY.secret) },
    dataKeys: keys.map(({ id, secret }) => ({ id, hash: keyHash('data', secret) })),
    catalogKey: catalogKey.id,
    streams: Object.entries(streams).map(([name, pieces]) => ({
      name,
      format: name === 'dump' ? 'pg_dump-custom' : 'homeport-pg-globals',
      length: contents(streams)[name]!.length,
      chunks: pieces.map((piece) => [
        chunkId(chunkIdKey, PIECES[piece]).toString('hex'),
        PIECES[piece].length,
      ]),
    })),
    catalog: sealFixed({
      key: catalogKey,
      nonce: bytesOf(`nonce catalog ${index}`, 12),
      subject: catalogSubject(snapshotId),
      codec: 0,
      plaintext: Buffer.from(JSON.stringify(catalog(streams))),
    }).toString('base64'),
  };
}

function catalog(streams: Streams): SealedCatalog {
  const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
  const hashes = Object.entries(contents(streams)).map(([name, bytes]) => [name, sha256(bytes)]);
  return {
    tables: [{ schema: 'public', name: 'orders', rows: 20, bytes: 620 }],
    objectCounts: { TABLE: 1 },
    requirements: {},
    streamHashes: Object.fromEntries(hashes),
  };
}
