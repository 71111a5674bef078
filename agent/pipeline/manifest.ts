import type { KeyObject } from 'node:crypto';
import { fail } from '../../protocol/failure.ts';
import { keyHash, type VaultKey } from '../../protocol/vault/keys.ts';
import {
  encodeManifest,
  MAX_CATALOG_BYTES,
  type Manifest,
  type SealedCatalog,
} from '../../protocol/vault/manifest.ts';
import { catalogSubject, seal } from '../../protocol/vault/seal.ts';
import type { DumpResult } from '../engines/driver.ts';
import type { BackupContent } from './backup.ts';
import { Compressor } from './compress.ts';

/** What the job knows about the snapshot, beside its content and its dump. */
export type SnapshotFacts = Pick<
  Manifest,
  | 'snapshotId'
  | 'vaultId'
  | 'agentId'
  | 'database'
  | 'sequence'
  | 'job'
  | 'startedAt'
  | 'finishedAt'
  | 'agentVersion'
> & { server: Omit<Manifest['server'], 'version'> };

export interface ManifestInput {
  facts: SnapshotFacts;
  dump: DumpResult;
  content: BackupContent;
  idKey: VaultKey;
  /** This job's data key, which seals the catalog. */
  dataKey: VaultKey;
  /** The agent's Ed25519 identity. */
  agentKey: KeyObject;
}

/** The signed manifest file of a finished backup, ready to be committed. */
export async function buildManifest(input: ManifestInput): Promise<Buffer> {
  const { facts, dump, content, idKey, dataKey } = input;
  const catalog: SealedCatalog = { ...dump.catalog, streamHashes: content.streamHashes };
  const manifest: Manifest = {
    format: 1,
    ...facts,
    server: { ...facts.server, version: dump.serverVersion },
    tool: dump.tool,
    options: dump.options,
    idKey: { id: idKey.id, hash: keyHash('id', idKey.secret) },
    dataKeys: content.dataKeys,
    catalogKey: dataKey.id,
    streams: content.streams,
    catalog: (await sealCatalog(catalog, facts.snapshotId, dataKey)).toString('base64'),
  };
  return encodeManifest(manifest, input.agentKey);
}

async function sealCatalog(catalog: SealedCatalog, snapshotId: string, key: VaultKey): Promise<Buffer> {
  const text = Buffer.from(JSON.stringify(catalog));
  if (text.length > MAX_CATALOG_BYTES) {
    const hint = 'Split the database, or leave out schemas with very many tables.';
    throw fail(
      'message_too_large',
      `The catalog of this database has ${text.length} bytes, which is too much.`,
      hint,
    );
  }
  const compressor = new Compressor();
  const { codec, payload } = await compressor.compress(text);
  compressor.close();
  return seal(key, catalogSubject(snapshotId), codec, payload);
}
