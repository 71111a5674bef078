import { sign } from 'node:crypto';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ed25519Public, ed25519Raw, generateEd25519 } from '../../../protocol/keys.ts';
import { decodeManifest, encodeManifest, type Manifest } from '../../../protocol/vault/manifest.ts';

const agent = generateEd25519().key;
const agentKey = ed25519Public(ed25519Raw(agent));
const code = (name: string) => expect.objectContaining({ failure: expect.objectContaining({ code: name }) });
const hex = (bytes: number) =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((b) => Buffer.from(b).toString('hex'));

const chunks = fc.array(fc.tuple(hex(32), fc.integer({ min: 1, max: 2 ** 20 })), { maxLength: 20 });
const stream = fc.record({
  name: fc.stringMatching(/^[a-z0-9-]{1,20}$/),
  format: fc.string({ maxLength: 20 }),
  chunks,
});
const manifest: fc.Arbitrary<Manifest> = fc.record({
  format: fc.constant(1 as const),
  snapshotId: fc.uuid(),
  vaultId: fc.uuid(),
  agentId: fc.uuid(),
  server: fc.record({ id: fc.uuid(), name: fc.string(), engine: fc.string(), version: fc.string() }),
  database: fc.record({ id: fc.uuid(), name: fc.string({ unit: 'binary' }) }),
  sequence: fc.integer({ min: 1 }),
  job: fc.record({ id: fc.uuid(), attempt: fc.integer({ min: 1 }) }),
  startedAt: fc.constant('2026-01-02T03:04:05.678Z'),
  finishedAt: fc.constant('2026-01-02T03:14:05.678Z'),
  agentVersion: fc.string(),
  tool: fc.string(),
  options: fc.dictionary(fc.stringMatching(/^[a-z]{1,9}$/), fc.oneof(fc.string(), fc.boolean())),
  idKey: fc.record({ id: hex(16), hash: hex(32) }),
  dataKeys: fc.array(fc.record({ id: hex(16), hash: hex(32) }), { maxLength: 5 }),
  catalogKey: hex(16),
  streams: fc.array(
    stream.map((one) => ({ ...one, length: one.chunks.reduce((sum, [, length]) => sum + length, 0) })),
    { minLength: 1, maxLength: 3 },
  ),
  catalog: fc.uint8Array().map((bytes) => Buffer.from(bytes).toString('base64')),
});

/** A manifest file around any text, with a good signature. */
function signed(text: string): Buffer {
  const signature = sign(null, Buffer.from(`homeport/1 manifest\0${text}`), agent).toString('base64url');
  return zstdCompressSync(Buffer.from(JSON.stringify({ manifest: text, signature })));
}

describe('a manifest file', () => {
  test('comes back as it was written', () => {
    fc.assert(
      fc.property(manifest, (value) => {
        // JSON keeps no prototypes and no -0: compare what was meant.
        const file = encodeManifest(value, agent);
        expect(decodeManifest(file, () => agentKey)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
      { numRuns: 50 },
    );
  });

  test('is refused from an unknown agent, or one with another key', () => {
    const [value] = fc.sample(manifest, 1) as [Manifest];
    const file = encodeManifest(value, agent);
    const other = ed25519Public(ed25519Raw(generateEd25519().key));
    expect(() => decodeManifest(file, () => undefined)).toThrow(code('signature_invalid'));
    expect(() => decodeManifest(file, () => other)).toThrow(code('signature_invalid'));
  });

  test('is refused after any edit of its text', () => {
    const [value] = fc.sample(manifest, 1) as [Manifest];
    const envelope = JSON.parse(zstdDecompressSync(encodeManifest(value, agent)).toString());
    const text: string = envelope.manifest;
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.stringMatching(/^[0-9a-f]$/), (at, digit) => {
        fc.pre(text[at] !== digit);
        envelope.manifest = text.slice(0, at) + digit + text.slice(at + 1);
        const file = zstdCompressSync(Buffer.from(JSON.stringify(envelope)));
        expect(() => decodeManifest(file, () => agentKey)).toThrow(/signature_invalid|manifest_invalid/);
      }),
      { numRuns: 200 },
    );
  });

  test('is refused where the lengths do not add up, though signed', () => {
    const [value] = fc.sample(manifest, 1) as [Manifest];
    const [first, ...rest] = value.streams as [Manifest['streams'][number]];
    const wrong = { ...value, streams: [{ ...first, length: first.length + 1 }, ...rest] };
    expect(() => decodeManifest(signed(JSON.stringify(wrong)), () => agentKey)).toThrow(
      code('manifest_invalid'),
    );
  });

  test('is refused when it is no manifest at all', () => {
    for (const file of [
      Buffer.alloc(0),
      Buffer.from('nonsense'),
      zstdCompressSync(Buffer.from('{}')),
      signed('{}'),
    ])
      expect(() => decodeManifest(file, () => agentKey)).toThrow(code('manifest_invalid'));
  });
});
