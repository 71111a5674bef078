import { fail } from '../failure.ts';

/** A pack is closed once it holds this many bytes of sealed chunks. */
export const PACK_TARGET_BYTES = 16 * 1024 * 1024;
/** A pack is closed once it holds this many chunks; one with more is refused. */
export const PACK_MAX_CHUNKS = 4096;
/** Largest pack accepted, in bytes. */
export const PACK_MAX_BYTES = 32 * 1024 * 1024;

/** `HPPACK1\n`, the first 8 bytes of a pack. */
export const PACK_MAGIC = Buffer.from('HPPACK1\n');
const END_MAGIC = Buffer.from('HPPACKIX');
const ENTRY_BYTES = 32 + 16 + 4 + 4 + 4;
/** Server id (16) ‖ entry count (4) ‖ `HPPACKIX` (8), the last bytes of a pack. */
export const PACK_FOOTER_BYTES = 16 + 4 + END_MAGIC.length;

/** Where a sealed chunk lies inside a pack; offsets and lengths in bytes. */
export interface PackEntry {
  /** 32 bytes. */
  chunkId: Buffer;
  /** Data key it is sealed with, 32 hex digits. */
  keyId: string;
  offset: number;
  /** Sealed length. */
  length: number;
  /** Plaintext length. */
  rawLength: number;
}

/** Trailer and footer of a pack, to follow its sealed chunks. */
export function encodeTrailer(serverId: string, entries: readonly PackEntry[]): Buffer {
  const out = Buffer.alloc(entries.length * ENTRY_BYTES + PACK_FOOTER_BYTES);
  let at = 0;
  for (const entry of entries) {
    entry.chunkId.copy(out, at);
    out.write(entry.keyId, at + 32, 'hex');
    out.writeUInt32BE(entry.offset, at + 48);
    out.writeUInt32BE(entry.length, at + 52);
    out.writeUInt32BE(entry.rawLength, at + 56);
    at += ENTRY_BYTES;
  }
  out.write(serverId.replaceAll('-', ''), at, 'hex');
  out.writeUInt32BE(entries.length, at + 16);
  END_MAGIC.copy(out, at + 20);
  return out;
}

/** Bytes of trailer and footer, told from the footer alone: how much to read from a pack's end. */
export function trailerLength(footer: Uint8Array): number {
  const bytes = Buffer.from(footer.buffer, footer.byteOffset, footer.length);
  if (bytes.length !== PACK_FOOTER_BYTES || !bytes.subarray(20).equals(END_MAGIC))
    throw damaged('It has no pack footer.');
  const count = bytes.readUInt32BE(16);
  if (count > PACK_MAX_CHUNKS) throw damaged(`It claims to hold ${count} chunks.`);
  return count * ENTRY_BYTES + PACK_FOOTER_BYTES;
}

/**
 * Reads a pack's trailer (with footer) and checks that its entries tile the pack without gap or overlap.
 * @param packLength length of the whole pack in bytes
 * @throws FailureError `pack_corrupt`
 */
export function decodeTrailer(
  trailer: Uint8Array,
  packLength: number,
): { serverId: string; entries: PackEntry[] } {
  const bytes = Buffer.from(trailer.buffer, trailer.byteOffset, trailer.length);
  const footerAt = bytes.length - PACK_FOOTER_BYTES;
  if (footerAt < 0 || trailerLength(bytes.subarray(footerAt)) !== bytes.length)
    throw damaged('Its trailer has the wrong length.');
  const entries: PackEntry[] = [];
  let expected = PACK_MAGIC.length;
  for (let at = 0; at < footerAt; at += ENTRY_BYTES) {
    const entry: PackEntry = {
      chunkId: Buffer.from(bytes.subarray(at, at + 32)),
      keyId: bytes.toString('hex', at + 32, at + 48),
      offset: bytes.readUInt32BE(at + 48),
      length: bytes.readUInt32BE(at + 52),
      rawLength: bytes.readUInt32BE(at + 56),
    };
    if (entry.offset !== expected) throw damaged('Its chunks do not follow each other.');
    expected += entry.length;
    entries.push(entry);
  }
  if (expected !== packLength - bytes.length) throw damaged('Its chunks do not fill it.');
  return { serverId: uuidFrom(bytes.subarray(footerAt, footerAt + 16)), entries };
}

function uuidFrom(bytes: Buffer): string {
  const digits = bytes.toString('hex');
  return [8, 12, 16, 20, 32].map((end, i, ends) => digits.slice(ends[i - 1] ?? 0, end)).join('-');
}

function damaged(why: string) {
  return fail(
    'pack_corrupt',
    `A pack is damaged. ${why}`,
    'Scrub the vault; the next backup uploads what is missing.',
  );
}
