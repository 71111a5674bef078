import { fail } from '../../protocol/failure.ts';
import {
  decodeTrailer,
  PACK_FOOTER_BYTES,
  PACK_MAGIC,
  type PackEntry,
  trailerLength,
} from '../../protocol/vault/pack.ts';
import { CHUNK, SEAL_OVERHEAD } from '../../protocol/vault/seal.ts';
import type { StagedFile } from './stores/store.ts';

/** What a pack says about itself. */
export interface PackContents {
  serverId: string;
  entries: PackEntry[];
}

/**
 * Reads a pack's own trailer as the store has it.
 * @throws FailureError `pack_corrupt` for anything but a well-formed pack
 */
export async function readTrailer(pack: StagedFile): Promise<PackContents> {
  const least = PACK_MAGIC.length + PACK_FOOTER_BYTES;
  if (pack.length < least) throw malformed('It is too short.');
  const magic = await pack.read({ offset: 0, length: PACK_MAGIC.length });
  if (!magic.equals(PACK_MAGIC)) throw malformed('It does not begin like one.');
  const footer = await pack.read({ offset: pack.length - PACK_FOOTER_BYTES, length: PACK_FOOTER_BYTES });
  const length = trailerLength(footer);
  if (length > pack.length - PACK_MAGIC.length) throw malformed('Its trailer is longer than the pack.');
  const trailer = await pack.read({ offset: pack.length - length, length });
  const contents = decodeTrailer(trailer, pack.length);
  if (contents.entries.length === 0) throw malformed('It holds no chunks.');
  for (const { rawLength, length } of contents.entries) {
    const plausible =
      rawLength > 0 &&
      rawLength <= CHUNK.max &&
      length > SEAL_OVERHEAD &&
      length <= CHUNK.max + SEAL_OVERHEAD;
    if (!plausible) throw malformed('It names a chunk of impossible length.');
  }
  return contents;
}

/** The data keys that a pack's chunks are sealed with. */
export function keysOf(contents: PackContents): Set<string> {
  return new Set(contents.entries.map(({ keyId }) => keyId));
}

function malformed(why: string) {
  return fail(
    'pack_corrupt',
    `This is not a pack. ${why}`,
    'Scrub the vault; the next backup uploads what is missing.',
  );
}
