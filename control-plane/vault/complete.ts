import { setImmediate as nextTurn } from 'node:timers/promises';
import { fail } from '../../protocol/failure.ts';
import type { Manifest } from '../../protocol/vault/manifest.ts';
import type { ChunkRow } from '../db/chunks.ts';
import { isUsable } from './collection/plan.ts';
import type { VaultContext } from './context.ts';

/** Chunks looked up before other work of the process gets its turn. */
const BATCH = 512;

/** Where the chunks of a snapshot lie. */
export interface Located {
  /** By chunk id, hex; every distinct chunk that was found. */
  places: Map<string, ChunkRow>;
  /** Distinct chunks that were not found. */
  missing: Set<string>;
  /** Names of all packs with a copy that would do, also those that another copy is preferred to. */
  alternatives: Set<string>;
}

/** Which copies count: by themselves all that are whole. */
export interface Counting {
  /** A backup about to be committed: what was condemned before it began does not count. */
  forJob?: string;
  /** Those that are known to be damaged count as well: what is there, not what is whole, is asked. */
  damaged?: boolean;
}

/** Finds each chunk in a copy that the manifest's own keys open and that has the length it says. */
export async function locate(
  context: VaultContext,
  manifest: Manifest,
  { damaged = false, forJob }: Counting = {},
): Promise<Located> {
  const keys = new Set(manifest.dataKeys.map(({ id }) => id));
  const located: Located = { places: new Map(), missing: new Set(), alternatives: new Set() };
  let turn = 0;
  for (const { chunks } of manifest.streams) {
    for (const [id, length] of chunks) {
      const known = located.places.get(id);
      if (known?.rawLength === length) continue;
      turn += 1;
      if (turn % BATCH === 0) await nextTurn();
      const copies = context.chunks.placesOf(manifest.vaultId, manifest.server.id, Buffer.from(id, 'hex'));
      const fitting = copies.filter(
        (copy) =>
          copy.rawLength === length &&
          keys.has(copy.keyId.toString('hex')) &&
          (damaged || !copy.damaged) &&
          isUsable(copy, forJob),
      );
      for (const { sha256 } of fitting) located.alternatives.add(sha256);
      const fits = best(fitting);
      if (fits && !known) located.places.set(id, fits);
      else located.missing.add(id);
    }
  }
  return located;
}

/** Of several copies: a whole one that stays, else a whole one; of each kind the newest. */
function best(copies: readonly ChunkRow[]): ChunkRow | undefined {
  const whole = copies.filter(({ damaged }) => !damaged);
  return whole.find(({ waitsFor }) => waitsFor === null) ?? whole[0] ?? copies[0];
}

/** What a snapshot that is complete needs of the vault’s packs. */
export interface Complete {
  /** Bytes of the packs that the attempt which made it uploaded. */
  storedBytes: number;
  /** Names of all that it needs. */
  packs: Set<string>;
  /** The same by their rows. */
  packIds: Set<number>;
}

/**
 * Proves that the vault holds everything a manifest needs, under the keys it commits to.
 * @throws FailureError `chunks_missing` | `manifest_invalid`
 */
export async function requireComplete(
  context: VaultContext,
  manifest: Manifest,
  counting: Counting = {},
): Promise<Complete> {
  requireManifestKeys(context, manifest, counting);
  const { places, missing } = await locate(context, manifest, counting);
  if (missing.size > 0)
    throw incomplete(`${missing.size} of ${missing.size + places.size} chunks are not in the vault.`);
  const own = new Map<number, number>();
  const packs = new Set<string>();
  const packIds = new Set<number>();
  for (const { packId, packLength, keyId, sha256 } of places.values()) {
    packs.add(sha256);
    packIds.add(packId);
    if (keyId.toString('hex') === manifest.catalogKey) own.set(packId, packLength);
  }
  return { storedBytes: [...own.values()].reduce((sum, length) => sum + length, 0), packs, packIds };
}

function requireManifestKeys(context: VaultContext, manifest: Manifest, { forJob }: Counting): void {
  const wanted = [
    { kind: 'id', ...manifest.idKey },
    ...manifest.dataKeys.map((key) => ({ kind: 'data', ...key })),
  ];
  let missing = 0;
  for (const { id, kind, hash } of wanted) {
    const key = context.index.key(manifest.vaultId, id);
    // What is about to be committed must not depend on a key that is known to be lost.
    if (!key || (forJob !== undefined && key.damagedAt !== null)) missing += 1;
    else if (key.hash !== hash || key.kind !== kind || key.serverId !== manifest.server.id)
      throw invalid(`It commits to another key ${id} than the vault has.`);
  }
  if (missing > 0) throw incomplete(`${missing} of its ${wanted.length} keys are not in the vault.`);
  if (!manifest.dataKeys.some(({ id }) => id === manifest.catalogKey))
    throw invalid('It does not list the key of its catalog.');
}

function incomplete(message: string) {
  return fail(
    'chunks_missing',
    `The snapshot is not complete: ${message}`,
    'Back up again: what is missing is uploaded then.',
    { retryable: true },
  );
}

function invalid(why: string) {
  return fail('manifest_invalid', `The manifest cannot be accepted. ${why}`, 'Back up again.');
}
