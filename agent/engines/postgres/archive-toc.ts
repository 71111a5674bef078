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
  /** Dump ids of what must be restored before it; pg_dump writes those first. */
  dependencies: number[];
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

/** A table of contents larger than this is not believed, in bytes. */
export const MAX_CONTENTS_BYTES = 512 * 1024 * 1024;
/** Formats of pg_dump 10–18: 1.13–1.16. */
const OLDEST_MINOR = 13;
const NEWEST_MINOR = 16;
const CUSTOM_FORMAT = 1;
const NO_COMPRESSION = 0;

/** Asks for `n` bytes by yielding `n`; is resumed with them. Lets one parser read from any source of bytes. */
export type Reading<T> = Generator<number, T, Buffer>;

/**
 * What rewriting a table of contents may change. Entries come in their order; one without owner and definition is
 * passed over by pg_restore.
 */
export type EntryRewrite = (entry: TocEntry, definition: string) => { owner: string; definition: string };

/** How an archive is changed on its way to pg_restore. */
export interface ArchiveRewrite {
  entry: EntryRewrite;
  /** Statements to run before anything else of the archive, in the same transaction; knows all entries. */
  prologue?: (entries: readonly TocEntry[]) => string[];
}

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
export function* readContents(rewrite?: ArchiveRewrite): Reading<Contents> {
  const reader = new Reader(rewrite !== undefined);
  const header = yield* readHeader(reader);
  const countAt = reader.copy.length;
  const count = yield* reader.int();
  const entries: TocEntry[] = [];
  for (let index = 0; index < count; index += 1)
    entries.push(yield* readEntry(reader, header.version[1], rewrite?.entry));
  if (rewrite?.prologue) {
    const free = entries.reduce((highest, entry) => Math.max(highest, entry.dumpId), 0) + 1;
    const first = rewrite
      .prologue(entries)
      .map((sql, at) => prologueEntry(sql, { dumpId: free + at, header, offsetSize: reader.offsetSize }));
    reader.copy.splice(countAt, 1, encodeInt(count + first.length), ...first);
  }
  return { header, entries, bytes: reader.copy };
}

const SECTION_PRE_DATA = 2;
/** What pg_dump writes for an entry that never has data. */
const NO_DATA_OFFSET = 3;

/** An entry of our own; pg_restore runs the definition of any kind that it does not know. */
function prologueEntry(
  sql: string,
  at: { dumpId: number; header: ArchiveHeader; offsetSize: number },
): Buffer {
  const minor = at.header.version[1];
  const text = (value: string) => {
    const bytes = Buffer.from(value);
    return Buffer.concat([encodeInt(bytes.length), bytes]);
  };
  const absent = Buffer.from([1, 1, 0, 0, 0]); // -1: no string
  return Buffer.concat([
    encodeInt(at.dumpId),
    encodeInt(0), // no data
    ...[text('0'), text('0'), text('homeport'), text('HOMEPORT')],
    encodeInt(SECTION_PRE_DATA),
    ...[text(sql), text(''), absent], // definition, drop and copy statements
    absent, // schema
    ...(minor >= 14 ? [absent, absent] : [absent]), // tablespace, access method
    ...(minor >= 16 ? [encodeInt(0)] : []),
    ...[text(''), text('false')], // owner, with OIDs
    absent, // dependencies
    Buffer.from([NO_DATA_OFFSET]),
    Buffer.alloc(at.offsetSize),
  ]);
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
  yield* reader.skipTexts(1); // with OIDs
  const dependencies: number[] = [];
  // Closed by a NULL.
  for (let one = yield* reader.rawText(); one !== null; one = yield* reader.rawText())
    dependencies.push(Number(one));
  yield* reader.take(1 + reader.offsetSize); // data position; unknown in a stream
  const entry = { dumpId, hasData, tag, desc, namespace, owner: owner.text, dependencies };
  const changed = rewrite?.(entry, definition.text);
  if (changed) {
    owner.replace(changed.owner);
    definition.replace(changed.definition);
  }
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
