import { createCipheriv, createHash, hkdfSync, verify } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ed25519Public } from '../../protocol/keys.ts';
import { chunkId, encryptTo, unwrapKey } from '../../protocol/vault/keys.ts';
import { decodeManifest } from '../../protocol/vault/manifest.ts';
import { decodeTrailer, trailerLength } from '../../protocol/vault/pack.ts';
import { openChunk } from '../../protocol/vault/seal.ts';
import { verifySnapshot } from '../../protocol/vault/snapshot.ts';
import { openStatement } from '../../protocol/vault/statement.ts';
import { type ReadPack, readStream } from '../../protocol/vault/stream.ts';
import { layOut } from './desk.ts';
import { makeVectors, VECTORS } from './make-vectors.ts';
import { readKit, readSnapshot } from './reader.ts';

const parsed = (name: string) => JSON.parse(readFileSync(join(VECTORS, name), 'utf8'));
const {
  age,
  agentKey,
  certificate,
  chunk,
  compressedChunk,
  dataKeys,
  gear,
  idKey,
  manifest,
  pack,
  signingKey,
} = parsed('primitives.json');
const vault = parsed('vault.json') as {
  kit: string;
  files: Record<string, string>;
  snapshots: Record<string, Record<string, string>>;
};
const hex = (text: string) => Buffer.from(text, 'hex');
const files = new Map(
  Object.entries(vault.files).map(([name, bytes]) => [name, Buffer.from(bytes, 'base64')]),
);

test('the product still makes the same bytes as on the day the vectors were made', async () => {
  const made = await makeVectors();
  expect(readdirSync(VECTORS).toSorted()).toEqual(Object.keys(made).toSorted());
  for (const [name, text] of Object.entries(made))
    expect(text, `vectors/${name} differs`).toBe(readFileSync(join(VECTORS, name), 'utf8'));
});

test('the product opens the vectors’ keys, chunks, pack, certificate and manifest', async () => {
  for (const [key, kind] of [[idKey, 'id'], ...dataKeys.map((one: unknown) => [one, 'data'])] as const) {
    const opened = await unwrapKey(hex(key.file), age.identity);
    expect(opened).toMatchObject({ id: key.id, kind, secret: hex(key.secret) });
  }
  const keys = { secret: hex(dataKeys[0].secret), chunkIdKey: hex(idKey.chunkIdKey) };
  for (const { id, plaintextLength: length, sealed } of [chunk, compressedChunk]) {
    const plaintext = openChunk(keys, { id: hex(id), length, sealed: hex(sealed) });
    expect(chunkId(keys.chunkIdKey, plaintext).toString('hex')).toBe(id);
  }
  const bytes = hex(pack.bytes);
  const trailer = bytes.subarray(-trailerLength(bytes.subarray(-28)));
  const { entries, serverId } = decodeTrailer(trailer, bytes.length);
  expect(serverId).toBe(pack.serverId);
  expect(entries.map((entry) => entry.chunkId.toString('hex'))).toEqual([chunk.id, compressedChunk.id]);
  expect(openStatement('agent-certificate', certificate, signingKey)).toMatchObject({
    identityKey: agentKey,
  });
  const decoded = decodeManifest(files.get(manifest.path)!, () => ed25519Public(agentKey));
  expect(decoded).toEqual(JSON.parse(manifest.text));
  const label = Buffer.from('homeport/1 manifest\0');
  const signed = Buffer.concat([label, Buffer.from(manifest.text)]);
  expect(verify(null, signed, ed25519Public(agentKey), Buffer.from(manifest.signature, 'base64url'))).toBe(
    true,
  );
});

/** Cuts as the page says, and as nobody would who minds the time. */
function cutByThePage(input: Buffer, seed: Buffer): number[] {
  const stream = createCipheriv('aes-256-ctr', seed, Buffer.alloc(16)).update(Buffer.alloc(1024));
  const table = Array.from({ length: 256 }, (_, i) => stream.readUInt32BE(4 * i));
  const lengths: number[] = [];
  let [h, n] = [0, 0];
  for (const b of input) {
    n += 1;
    if (n > 65_504) h = (((h * 2) % 2 ** 32) + table[b]!) % 2 ** 32;
    const early = n > 65_536 && n <= 196_608 && h < 2 ** 12;
    const late = n > 196_608 && n <= 1_048_576 && h < 2 ** 16;
    if (!(early || late || n === 1_048_576)) continue;
    lengths.push(n);
    [h, n] = [0, 0];
  }
  return n > 0 ? [...lengths, n] : lengths;
}

test('what the page says of keys, the gear table and the cuts is what the vectors have', () => {
  const derive = (info: string) =>
    Buffer.from(hkdfSync('sha256', hex(idKey.secret), '', info, 32)).toString('hex');
  expect(derive('homeport/1 chunk-id')).toBe(idKey.chunkIdKey);
  expect(derive('homeport/1 gear')).toBe(idKey.gearSeed);
  const hash = createHash('sha256').update('homeport/1 id-key\0').update(hex(idKey.secret)).digest('hex');
  expect(hash).toBe(idKey.hash);
  const words = createCipheriv('aes-256-ctr', hex(idKey.gearSeed), Buffer.alloc(16)).update(
    Buffer.alloc(1024),
  );
  expect(words.toString('hex', 0, 16)).toBe(gear.words.first.replaceAll(' ', ''));
  expect(words.toString('hex', 1020)).toBe(gear.words.last);
  const zeros = Buffer.alloc(gear.input.length);
  const input = createCipheriv('aes-256-ctr', hex(gear.input.key), Buffer.alloc(16)).update(zeros);
  expect(cutByThePage(input, hex(idKey.gearSeed))).toEqual(gear.chunkLengths.split(' ').map(Number));
});

test('the vectors’ vault reads the same by the product, the second reader and recover.mjs', async () => {
  await using desk = await layOut(files, vault.kit);
  const kit = readKit(vault.kit);
  for (const [id, streams] of Object.entries(vault.snapshots)) {
    const read = await readSnapshot(desk.path, kit, id);
    const byProduct = await readByProduct(id);
    const wanted = Object.entries(streams).map(
      ([name, bytes]) => [name, Buffer.from(bytes, 'base64')] as const,
    );
    expect([...read.streams]).toEqual(wanted);
    expect(byProduct).toEqual(wanted);
    const { code, stderr } = await desk.recover('--kit', 'kit.txt', 'get', id, '--out', id, '--all-streams');
    expect(code, stderr).toBe(0);
    for (const [name, bytes] of wanted) {
      const path = join(desk.path, name === 'dump' ? id : `${id}.${name}`);
      expect(readFileSync(path)).toEqual(bytes);
    }
  }
});

/** Reads a snapshot of the vectors' vault as an agent does. */
async function readByProduct(snapshotId: string): Promise<[string, Buffer][]> {
  const packs = [...files.keys()].filter((name) => name.startsWith('packs/'));
  const chunks = packs.flatMap((name, index) => {
    const bytes = files.get(name)!;
    const { entries } = decodeTrailer(bytes.subarray(-trailerLength(bytes.subarray(-28))), bytes.length);
    return entries.map(
      (entry) => [entry.chunkId.toString('hex'), index, entry.offset, entry.length] as const,
    );
  });
  const secrets = Object.fromEntries(
    [idKey, ...dataKeys].map(({ id, secret }) => [id, hex(secret).toString('base64url')]),
  );
  const [name, file] = [...files].find(([path]) => path.includes(snapshotId))!;
  expect(name).toContain('shop/');
  const source = {
    manifest: file.toString('base64'),
    certificate,
    keys: Buffer.from(await encryptTo([age.recipient], JSON.stringify(secrets))).toString('base64'),
    packs: packs.map((path) => path.slice(-64)),
    chunks: chunks.map((one) => [...one] as [string, number, number, number]),
  };
  const trust = { signingKey, vaultId: readKit(vault.kit).vaultId, snapshotId };
  const verified = await verifySnapshot(source, trust, age.identity);
  const read: ReadPack = async (sha256, { length, offset }) =>
    files.get(`packs/${sha256.slice(0, 2)}/${sha256}`)!.subarray(offset, offset + length);
  const streams: [string, Buffer][] = [];
  for (const one of verified.manifest.streams) {
    const parts = await Array.fromAsync(
      readStream(verified, one.name, { read, signal: new AbortController().signal }),
    );
    streams.push([one.name, Buffer.concat(parts)]);
  }
  return streams;
}
