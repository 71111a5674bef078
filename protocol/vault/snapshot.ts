import { z } from 'zod';
import { fail } from '../failure.ts';
import type { RestoreSourceDocument } from '../job.ts';
import { ed25519Public } from '../keys.ts';
import { parseBounded } from './bounded-json.ts';
import { decryptWith, keyHash, serverSecrets } from './keys.ts';
import {
  catalogSchema,
  decodeManifest,
  MAX_CATALOG_BYTES,
  type Manifest,
  type SealedCatalog,
} from './manifest.ts';
import { PACK_MAX_BYTES } from './pack.ts';
import { CHUNK, catalogSubject, SEAL_OVERHEAD, sealedKeyId, unseal } from './seal.ts';
import { openStatement } from './statement.ts';

/** Bytes of a catalog for each value in it, at least; a table's entry has five values in 50. */
const BYTES_PER_VALUE = 8;

/** Where the sealed bytes of one chunk lie; offset and length in bytes. */
export interface ChunkPlace {
  pack: string;
  offset: number;
  length: number;
}

/** A snapshot whose description is proved: everything that can be checked without reading a pack. */
export interface VerifiedSnapshot {
  manifest: Manifest;
  catalog: SealedCatalog;
  /** Secrets of the data keys by id; each matches the hash that the manifest commits to. */
  dataKeys: ReadonlyMap<string, Buffer>;
  chunkIdKey: Buffer;
  /** Every chunk of the manifest, by id. */
  places: ReadonlyMap<string, ChunkPlace>;
}

export interface SnapshotTrust {
  /** The vault's pinned Ed25519 signing key, base64url. */
  signingKey: string;
  vaultId: string;
  snapshotId: string;
}

/** Secrets by key id, as {@link RestoreSourceDocument} carries them. */
export const keyBundleSchema = z.record(z.string(), z.base64url());

/**
 * Checks a snapshot from the pinned key down: certificate, manifest, keys, catalog, places of the chunks.
 * @param identity age identity that the document's keys are encrypted to
 * @throws FailureError `signature_invalid` | `manifest_invalid` | `key_missing` | `chunks_missing` | `pack_corrupt`
 */
export async function verifySnapshot(
  source: RestoreSourceDocument,
  trust: SnapshotTrust,
  identity: string,
): Promise<VerifiedSnapshot> {
  const manifest = openManifest(source, trust);
  const keys = await openKeys(source.keys, identity);
  const secretOf = (kind: 'data' | 'id', { id, hash }: { id: string; hash: string }) => {
    const secret = Buffer.from(keys[id] ?? '', 'base64url');
    if (keyHash(kind, secret) === hash) return secret;
    const what =
      keys[id] === undefined ? 'is not among the keys given' : 'is not the one the manifest commits to';
    throw fail(
      'key_missing',
      `The ${kind} key ${id} ${what}.`,
      'Restore another snapshot and scrub the vault.',
    );
  };
  const dataKeys = new Map(manifest.dataKeys.map((key) => [key.id, secretOf('data', key)]));
  const { chunkIdKey } = serverSecrets({ id: manifest.idKey.id, secret: secretOf('id', manifest.idKey) });
  return {
    manifest,
    catalog: openCatalog(manifest, dataKeys),
    dataKeys,
    chunkIdKey,
    places: locate(source, manifest),
  };
}

function openManifest(source: RestoreSourceDocument, trust: SnapshotTrust): Manifest {
  const certificate = openStatement('agent-certificate', source.certificate, trust.signingKey);
  const keyOf = (agentId: string) =>
    agentId === certificate.agentId ? ed25519Public(certificate.identityKey) : undefined;
  const manifest = decodeManifest(Buffer.from(source.manifest, 'base64'), keyOf);
  if (certificate.vaultId !== trust.vaultId || manifest.vaultId !== trust.vaultId)
    throw invalid('It belongs to another vault.');
  if (manifest.snapshotId !== trust.snapshotId)
    throw invalid('It describes another snapshot than the one asked for.');
  return manifest;
}

async function openKeys(file: string, identity: string): Promise<Record<string, string>> {
  try {
    return keyBundleSchema.parse(JSON.parse(await decryptWith(identity, Buffer.from(file, 'base64'))));
  } catch (cause) {
    const hint = 'The keys were wrapped for another agent, or changed on the way. Start the restore again.';
    throw fail('key_missing', 'The keys of the snapshot do not open.', hint, { cause });
  }
}

/** Opens the catalog a manifest carries. @throws FailureError `key_missing` | `pack_corrupt` | `manifest_invalid` */
export function openCatalog(manifest: Manifest, dataKeys: ReadonlyMap<string, Buffer>): SealedCatalog {
  const sealed = Buffer.from(manifest.catalog, 'base64');
  const secret = dataKeys.get(manifest.catalogKey);
  if (!secret || sealedKeyId(sealed) !== manifest.catalogKey)
    throw invalid('Its catalog is sealed with a key that it does not list.');
  const catalog = parseCatalog(
    unseal(secret, catalogSubject(manifest.snapshotId), sealed, MAX_CATALOG_BYTES),
  );
  for (const { name } of manifest.streams)
    if (!Object.hasOwn(catalog.streamHashes, name))
      throw invalid(`Its catalog has no hash of stream “${name}”.`);
  return catalog;
}

function parseCatalog(text: Uint8Array): SealedCatalog {
  try {
    return catalogSchema.parse(parseBounded(text, BYTES_PER_VALUE));
  } catch (cause) {
    throw invalid('Its catalog cannot be read.', cause);
  }
}

function locate(source: RestoreSourceDocument, manifest: Manifest): Map<string, ChunkPlace> {
  const places = new Map<string, ChunkPlace>();
  for (const [id, packIndex, offset, length] of source.chunks) {
    const pack = source.packs[packIndex];
    const sane =
      length >= SEAL_OVERHEAD && length <= CHUNK.max + SEAL_OVERHEAD && offset + length <= PACK_MAX_BYTES;
    if (pack !== undefined && sane) places.set(id, { pack, offset, length });
  }
  const wanted = new Set(manifest.streams.flatMap(({ chunks }) => chunks.map(([id]) => id)));
  const missing = [...wanted].filter((id) => !places.has(id)).length;
  if (missing > 0) {
    const message = `${missing} of ${wanted.size} chunks of the snapshot are not in the vault.`;
    throw fail('chunks_missing', message, 'Scrub the vault, or restore another snapshot.');
  }
  return places;
}

function invalid(why: string, cause?: unknown) {
  const hint = 'Do not restore this snapshot: scrub the vault, and restore another one.';
  return fail('manifest_invalid', `The manifest is not to be trusted. ${why}`, hint, { cause });
}
