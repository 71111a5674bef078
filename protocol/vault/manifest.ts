import { type KeyObject, sign, verify } from 'node:crypto';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { z } from 'zod';
import { fail } from '../failure.ts';
import { parseBounded } from './bounded-json.ts';

/** Largest manifest accepted, decompressed: room for a dump of about 1 TiB. */
export const MAX_MANIFEST_BYTES = 512 * 1024 * 1024;

/** Bytes of a manifest for each value in it, at least; a chunk's entry has three values in 75. */
const BYTES_PER_VALUE = 16;

/** Largest catalog accepted, in bytes of JSON: room for some hundred thousand tables. */
export const MAX_CATALOG_BYTES = 64 * 1024 * 1024;

const hex = (bytes: number) => z.string().regex(new RegExp(`^[0-9a-f]{${bytes * 2}}$`));

const streamSchema = z.object({
  name: z.string().regex(/^[a-z0-9-]{1,64}$/),
  /** Format of the plaintext, e.g. `pg_dump-custom`; documented in docs/vault-format.md. */
  format: z.string().max(64),
  /** Plaintext length in bytes; the sum of the chunk lengths. */
  length: z.number().int().nonnegative(),
  /** Chunks in order: [chunk id as hex, plaintext length in bytes]. */
  chunks: z.array(z.tuple([hex(32), z.number().int().positive()])),
});

/** The description of one snapshot, signed by the agent that made it. docs/vault-format.md is its spec. */
export const manifestSchema = z.object({
  format: z.literal(1),
  snapshotId: z.uuid(),
  vaultId: z.uuid(),
  agentId: z.uuid(),
  server: z.object({ id: z.uuid(), name: z.string(), engine: z.string(), version: z.string() }),
  database: z.object({ id: z.uuid(), name: z.string() }),
  /** Counts the snapshots of one database, from 1; an older manifest cannot pass for the newest. */
  sequence: z.number().int().positive(),
  job: z.object({ id: z.uuid(), attempt: z.number().int().positive() }),
  /** Agent's clock, ISO 8601 UTC; for people only. */
  startedAt: z.iso.datetime(),
  finishedAt: z.iso.datetime(),
  agentVersion: z.string(),
  tool: z.string(),
  options: z.record(z.string(), z.union([z.string(), z.boolean()])),
  /** The server key that chunk ids are made with: its id and a hash that commits to it. */
  idKey: z.object({ id: hex(16), hash: hex(32) }),
  /** Every data key some chunk or the catalog is sealed with. `job` marks this job's own, which seals the catalog. */
  dataKeys: z.array(z.object({ id: hex(16), hash: hex(32) })),
  catalogKey: hex(16),
  streams: z.array(streamSchema).min(1),
  /** base64 of the sealed {@link SnapshotCatalog}. */
  catalog: z.base64(),
});
export type Manifest = z.infer<typeof manifestSchema>;
export type ManifestStream = z.infer<typeof streamSchema>;

/** Facts about the content that the keeper of the store must not read; sealed under the job's data key. */
export const catalogSchema = z.object({
  tables: z.array(
    z.object({
      schema: z.string(),
      name: z.string(),
      /** Rows in the dump, counted from its bytes. */
      rows: z.number().int().nonnegative(),
      /** Bytes of the table's data in the dump. */
      bytes: z.number().int().nonnegative(),
    }),
  ),
  /** Objects in the dump by kind, e.g. `{ TABLE: 12, FUNCTION: 3 }`. */
  objectCounts: z.record(z.string(), z.number().int().nonnegative()),
  /** Engine's own: what a target must have (roles, extensions, locale …). Small: it travels in one frame. */
  requirements: z.record(z.string(), z.unknown()),
  /** SHA-256 of each stream's plaintext, hex, by stream name. */
  streamHashes: z.record(z.string(), hex(32)),
});
/** The catalog as a driver gives it; the pipeline adds `streamHashes`. */
export type SnapshotCatalog = Omit<z.infer<typeof catalogSchema>, 'streamHashes'>;
export type SealedCatalog = z.infer<typeof catalogSchema>;

const envelopeSchema = z.object({
  /** The manifest's JSON text; these exact bytes are signed. */
  manifest: z.string(),
  /** Ed25519 signature by the agent, base64url. */
  signature: z.string(),
});

const LABEL = Buffer.from('homeport/1 manifest\0');

/** Bytes of a manifest file: zstd over `{ manifest, signature }`. */
export function encodeManifest(manifest: Manifest, agentKey: KeyObject): Buffer {
  const text = JSON.stringify(manifest);
  const signature = sign(null, Buffer.concat([LABEL, Buffer.from(text)]), agentKey).toString('base64url');
  return zstdCompressSync(Buffer.from(JSON.stringify({ manifest: text, signature })));
}

/**
 * Parses a manifest file and checks its signature and inner arithmetic.
 * @param keyOf the Ed25519 public key certified for an agent id, or `undefined` for an unknown agent
 * @param maxBytes largest accepted, decompressed
 * @throws FailureError `manifest_invalid` | `signature_invalid`
 */
export function decodeManifest(
  file: Uint8Array,
  keyOf: (agentId: string) => KeyObject | undefined,
  maxBytes: number = MAX_MANIFEST_BYTES,
): Manifest {
  const { manifest, text, signature } = parse(file, maxBytes);
  const key = keyOf(manifest.agentId);
  const signed = Buffer.concat([LABEL, Buffer.from(text)]);
  if (!key || !verify(null, signed, key, Buffer.from(signature, 'base64url'))) {
    throw fail(
      'signature_invalid',
      `The manifest of snapshot ${manifest.snapshotId} is not signed by a certified agent.`,
      'Someone else wrote to the store, or the agent’s certificate is missing from it. Do not restore this snapshot.',
    );
  }
  for (const stream of manifest.streams) {
    if (stream.chunks.reduce((sum, [, length]) => sum + length, 0) !== stream.length) {
      throw invalid(`The chunk lengths of stream “${stream.name}” do not add up.`);
    }
  }
  return manifest;
}

function parse(file: Uint8Array, maxBytes: number) {
  try {
    const maxOutputLength = Math.min(maxBytes, MAX_MANIFEST_BYTES);
    const json = zstdDecompressSync(file, { maxOutputLength });
    const envelope = envelopeSchema.parse(parseBounded(json, BYTES_PER_VALUE));
    // Counted again: inside the envelope's text a comma can be written so that it does not look like one.
    const text = Buffer.from(envelope.manifest);
    const manifest = manifestSchema.parse(parseBounded(text, BYTES_PER_VALUE));
    return { manifest, text: envelope.manifest, signature: envelope.signature };
  } catch (cause) {
    throw invalid('The manifest cannot be read.', cause);
  }
}

function invalid(message: string, cause?: unknown) {
  return fail(
    'manifest_invalid',
    message,
    'The file is damaged. Scrub the vault, or restore another snapshot.',
    { cause },
  );
}
