import { fail } from '../../../protocol/failure.ts';

/** One entry of an archive's table of contents; the parts Homeport looks at. */
export interface TocEntry {
  dumpId: number;
  /** Whether a data block for it must follow. */
  hasData: boolean;
  tag: string;
  /** Kind, in pg_dump's words: `TABLE`, `TABLE DATA`, `FUNCTION`, `ACL` … */
  desc: string;
  namespace: string;
  owner: string;
}

export interface ArchiveHeader {
  /** Archive format, e.g. 1.14 as `[1, 14]`. */
  version: [number, number];
  /** Bytes of an integer without its sign byte. */
  intSize: number;
  database: string;
  serverVersion: string;
  /** Version of the pg_dump that wrote it. */
  dumpVersion: string;
}

/** Formats of pg_dump 10–18: 1.13–1.16. */
const OLDEST_MINOR = 13;
const NEWEST_MINOR = 16;
const CUSTOM_FORMAT = 1;
const NO_COMPRESSION = 0;

/** Asks for `n` bytes by yielding `n`; is resumed with them. Lets one parser read from any source of bytes. */
export type Reading<T> = Generator<number, T, Buffer>;

/** What rewriting a table of contents may change. */
export type EntryRewrite = (entry: TocEntry, definition: string) => { owner: string; definition: string };

/** A table of contents; `bytes` is its rewritten form where a rewrite was asked for. */
export interface Contents {
  header: ArchiveHeader;
  entries: TocEntry[];
  bytes: Buffer[];
}

/**
 * Parses header and table of contents of a custom-format archive; ends at its first data block.
 * With `rewrite`, also collects the same bytes with owners and definitions exchanged.
 */
export function* readContents(rewrite?: EntryRewrite): Reading<Contents> {
  const reader = new Reader(rewrite !== undefined);
  const header = yield* readHeader(reader);
  const count = yield* reader.int();
  const entries: TocEntry[] = [];
  for (let index = 0; index < count; index += 1)
    entries.push(yield* readEntry(reader, header.version[1], rewrite));
  return { header, entries, bytes: reader.copy };
}

function* readHeader(reader: Reader): Reading<ArchiveHeader> {
  const magic = yield* reader.take(5);
  if (magic.toString('latin1') !== 'PGDMP') throw broken('It does not begin with “PGDMP”.');
  const [major = 0, minor = 0, , intSize = 0, offsetSize = 0, format] = yield* reader.take(6);
  if (major !== 1 || minor < OLDEST_MINOR || minor > NEWEST_MINOR) {
    throw broken(`Its format ${major}.${minor} is not known to this version of Homeport.`);
  }
  if (format !== CUSTOM_FORMAT || intSize !== 4 || offsetSize > 8)
    throw broken('It is not in custom format.');
  reader.offsetSize = offsetSize;
  const compression = minor >= 15 ? (yield* reader.take(1))[0] : yield* reader.int();
  if (compression !== NO_COMPRESSION) throw broken('It is compressed.');
  for (let field = 0; field < 7; field += 1) yield* reader.int(); // creation time
  const database = yield* reader.text();
  const serverVersion = yield* reader.text();
  const dumpVersion = yield* reader.text();
  return { version: [major, minor], intSize, database, serverVersion, dumpVersion };
}

function* readEntry(reader: Reader, format: number, rewrite?: EntryRewrite): Reading<TocEntry> {
  const dumpId = yield* reader.int();
  const hasData = (yield* reader.int()) !== 0;
  yield* reader.skipTexts(2); // catalogue ids
  const tag = yield* reader.text();
  const desc = yield* reader.text();
  yield* reader.int(); // section
  const definition = reader.hold(yield* reader.rawText());
  yield* reader.skipTexts(2); // drop and copy statements
  const namespace = yield* reader.text();
  yield* reader.skipTexts(format >= 14 ? 2 : 1); // tablespace, table access method
  if (format >= 16) yield* reader.int(); // relkind
  const owner = reader.hold(yield* reader.rawText());
  const entry = { dumpId, hasData, tag, desc, namespace, owner: owner.text };
  const changed = rewrite?.(entry, definition.text);
  if (changed) {
    owner.replace(changed.owner);
    definition.replace(changed.definition);
  }
  yield* reader.skipTexts(1); // with OIDs
  while ((yield* reader.rawText()) !== null); // dependencies, closed by a NULL
  yield* reader.take(1 + reader.offsetSize); // data position; unknown in a stream
  return entry;
}

/** Reads the archive's primitives and, where asked, keeps a copy of what passes. */
class Reader {
  offsetSize = 8;
  readonly copy: Buffer[] = [];
  readonly #copying: boolean;

  constructor(copying: boolean) {
    this.#copying = copying;
  }

  *take(length: number): Reading<Buffer> {
    const bytes = yield length;
    if (this.#copying) this.copy.push(bytes);
    return bytes;
  }

  /** A sign byte, then four bytes, the lowest first. */
  *int(): Reading<number> {
    return decodeInt(yield* this.take(5), 0);
  }

  *rawText(): Reading<string | null> {
    const length = yield* this.int();
    if (length < 0) return null;
    return length === 0 ? '' : (yield* this.take(length)).toString('utf8');
  }

  *text(): Reading<string> {
    return (yield* this.rawText()) ?? '';
  }

  *skipTexts(count: number): Reading<void> {
    for (let index = 0; index < count; index += 1) {
      const length = yield* this.int();
      if (length > 0) yield* this.take(length);
    }
  }

  /** Marks the string just read, so that it can be exchanged in the copy. */
  hold(raw: string | null) {
    const last = this.copy.length - 1;
    const start = raw ? last - 1 : last;
    return {
      text: raw ?? '',
      replace: (text: string) => {
        if (text === (raw ?? '')) return;
        const bytes = Buffer.from(text);
        this.copy[start] = Buffer.concat([encodeInt(bytes.length), bytes]);
        if (raw) this.copy[last] = Buffer.alloc(0);
      },
    };
  }
}

/** The archive integer at `offset`. */
export function decodeInt(bytes: Uint8Array, offset: number): number {
  const value =
    ((bytes[offset + 1] ?? 0) |
      ((bytes[offset + 2] ?? 0) << 8) |
      ((bytes[offset + 3] ?? 0) << 16) |
      ((bytes[offset + 4] ?? 0) << 24)) >>>
    0;
  return bytes[offset] === 0 ? value : -value;
}

function encodeInt(value: number): Buffer {
  const bytes = Buffer.alloc(5);
  bytes.writeUInt32LE(value, 1);
  return bytes;
}

/** The failure of an archive that is not what pg_dump promised. */
export function broken(what: string) {
  return fail(
    'dump_incomplete',
    `The dump is not whole. ${what}`,
    'Nothing was stored. Run the backup again; if it stays, look into the server’s log.',
    {
      retryable: true,
    },
  );
}
