import { createHash, sign } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ChunkCutter, gearTable } from '../../agent/pipeline/chunker.ts';
import { ed25519Raw } from '../../protocol/keys.ts';
import { keyHash, type VaultKey } from '../../protocol/vault/keys.ts';
import type { Manifest } from '../../protocol/vault/manifest.ts';
import { bytesOf, manifestPath, packOf } from './fixed.ts';
import {
  AGENT_ID,
  AGENT_KEY,
  chunkIdKey,
  DATA_KEYS,
  gearSeed,
  ID_KEY,
  SERVER_ID,
  SIGNING,
  type SmallVault,
  SNAPSHOT_IDS,
  sealPiece,
  smallVault,
} from './small-vault.ts';

/** Folder of the committed vectors. */
export const VECTORS = join(import.meta.dirname, 'vectors');

/** Bytes to be cut: the AES-256-CTR key stream of this key from a counter of zero. */
const CUT_INPUT = { key: createHash('sha256').update('cut').digest('hex'), length: 4 * 1024 * 1024 };

/** Every vector file by name, as text. The same on every run: tests compare it with what is committed. */
export async function makeVectors(): Promise<Record<string, string>> {
  const vault = await smallVault();
  const text = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;
  return { 'primitives.json': text(primitives(vault)), 'vault.json': text(asJson(vault)) };
}

function asJson({ files, kit, streams }: SmallVault) {
  const base64 = ([name, bytes]: [string, Buffer]) => [name, bytes.toString('base64')];
  const opened = SNAPSHOT_IDS.map((id, i) => [
    id,
    Object.fromEntries(Object.entries(streams[i]!).map(base64)),
  ]);
  return { kit, files: Object.fromEntries([...files].map(base64)), snapshots: Object.fromEntries(opened) };
}

function primitives({ files, identity, manifests, recipient }: SmallVault) {
  const described = (kind: 'data' | 'id', { id, secret }: VaultKey) => ({
    id,
    secret: secret.toString('hex'),
    hash: keyHash(kind, secret),
    file: files.get(`keys/${id}.age`)?.toString('hex'),
  });
  const [raw, compressed] = [sealPiece('head', DATA_KEYS[0]), sealPiece('rows', DATA_KEYS[0])];
  return {
    age: { identity, recipient },
    idKey: {
      ...described('id', ID_KEY),
      chunkIdKey: chunkIdKey.toString('hex'),
      gearSeed: gearSeed.toString('hex'),
    },
    dataKeys: DATA_KEYS.map((key) => described('data', key)),
    gear: { words: gearWords(), input: CUT_INPUT, chunkLengths: chunkLengths().join(' ') },
    chunk: sealedAsJson(raw),
    compressedChunk: sealedAsJson(compressed),
    pack: { serverId: SERVER_ID, chunks: 2, bytes: packOf(SERVER_ID, [raw, compressed]).toString('hex') },
    signingKey: ed25519Raw(SIGNING),
    agentKey: ed25519Raw(AGENT_KEY),
    certificate: files.get(`agents/${AGENT_ID}.json`)?.toString('utf8'),
    manifest: manifestFacts(manifests[0]),
  };
}

function sealedAsJson({ id, keyId, rawLength, sealed }: ReturnType<typeof sealPiece>) {
  return { id: id.toString('hex'), keyId, plaintextLength: rawLength, sealed: sealed.toString('hex') };
}

function manifestFacts(manifest: Manifest) {
  const text = JSON.stringify(manifest);
  const signature = sign(null, Buffer.from(`homeport/1 manifest\0${text}`), AGENT_KEY).toString('base64url');
  return { path: manifestPath(manifest), text, signature };
}

const hexWord = (word: number) => (word >>> 0).toString(16).padStart(8, '0');

function gearWords() {
  const table = gearTable(gearSeed);
  return { first: [...table.subarray(0, 4)].map(hexWord).join(' '), last: hexWord(table[255]!) };
}

function chunkLengths(): number[] {
  const input = bytesOf('cut', CUT_INPUT.length);
  const cutter = new ChunkCutter(gearSeed);
  const lengths: number[] = [];
  for (let from = 0; from < input.length; ) {
    const end = cutter.next(input, from);
    lengths.push((end < 0 ? input.length : end) - from);
    from += lengths.at(-1)!;
  }
  return lengths;
}

if (import.meta.main)
  for (const [name, text] of Object.entries(await makeVectors())) writeFileSync(join(VECTORS, name), text);
