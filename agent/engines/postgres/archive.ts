import {
  broken,
  type Contents,
  decodeInt,
  MAX_CONTENTS_BYTES,
  readContents,
  type TocEntry,
} from './archive-toc.ts';

const INT_BYTES = 5;
const BLOCK_DATA = 1;
const BLOCK_LARGE_OBJECTS = 3;
/** pg_dump ends the rows of a table with this. */
const COPY_END = '\\.\n\n\n';

/** One data block that reached its terminator. */
export interface DataBlock {
  entry: TocEntry;
  /** Rows of a table, or number of large objects. */
  rows: number;
  /** Bytes of data, without the archive's own framing. */
  bytes: number;
}

type State = 'contents' | 'block' | 'dumpId' | 'chunk' | 'objectId' | 'objectChunk';

/**
 * Watches a custom-format archive (pg_dump 13–18, `-Fc -Z0`) go by and proves it whole: every entry that has
 * data gets a block, every block reaches its terminator, and the archive ends there. Looks at no data byte
 * except a row's last; keeps nothing but the table of contents.
 */
export class ArchiveInspector {
  readonly blocks: DataBlock[] = [];
  #contents: Contents | undefined;
  #reading = readContents();
  #wanted = this.#reading.next().value as number;
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  #contentBytes = 0;

  #state: State = 'contents';
  #expected = new Map<number, TocEntry>();
  #skip = 0;
  #lastByte = 0;
  readonly #scratch = Buffer.alloc(INT_BYTES);
  #scratchUsed = 0;
  #entry: TocEntry | undefined;
  #large = false;
  #rows = 0;
  #bytes = 0;
  #chunkBytes = 0;
  #unterminated = false;

  /** Header and table of contents; throws `dump_incomplete` before they have gone by. */
  get contents(): Contents {
    if (!this.#contents) throw broken('It ends before its table of contents does.');
    return this.#contents;
  }

  /** Looks at the next bytes; throws `dump_incomplete` where they cannot be. */
  push(chunk: Uint8Array): void {
    let offset = 0;
    if (this.#state === 'contents') offset = this.#readContents(chunk);
    if (offset < chunk.length) this.#walk(chunk, offset);
  }

  /** Call at the end of the stream; throws `dump_incomplete` unless the archive ended exactly there. */
  finish(): void {
    const missing = [...(this.#contents ? this.#expected.values() : [])];
    if (this.#state !== 'block' || this.#scratchUsed > 0) {
      throw broken(
        `It breaks off ${this.#entry ? `in the data of “${this.#entry.tag}”` : 'in its table of contents'}.`,
      );
    }
    if (missing.length > 0)
      throw broken(`The data of ${missing.length} entries is missing, “${missing[0]?.tag}” first.`);
  }

  #readContents(chunk: Uint8Array): number {
    const buffer = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let offset = 0;
    for (;;) {
      const need = this.#wanted - this.#pendingBytes;
      if (buffer.length - offset < need) {
        const rest = buffer.subarray(offset);
        this.#pending.push(Buffer.from(rest));
        this.#pendingBytes += rest.length;
        return buffer.length;
      }
      const piece = buffer.subarray(offset, offset + need);
      const bytes = this.#pendingBytes > 0 ? Buffer.concat([...this.#pending, piece]) : piece;
      this.#pending = [];
      this.#pendingBytes = 0;
      offset += need;
      const step = this.#reading.next(bytes);
      this.#contentBytes += need;
      if (step.done) {
        this.#begin(step.value);
        return offset;
      }
      if (step.value > MAX_CONTENTS_BYTES - this.#contentBytes)
        throw broken('Its table of contents is impossibly large.');
      this.#wanted = step.value;
    }
  }

  #begin(contents: Contents) {
    this.#contents = contents;
    for (const entry of contents.entries) if (entry.hasData) this.#expected.set(entry.dumpId, entry);
    this.#state = 'block';
  }

  /** The hot loop: hops from length to length; at one row per chunk it runs once per row. */
  #walk(chunk: Uint8Array, start: number) {
    const end = chunk.length;
    let at = start;
    while (at < end) {
      if (this.#skip > 0) {
        const step = Math.min(this.#skip, end - at);
        at += step;
        this.#skip -= step;
        if (this.#skip === 0) this.#lastByte = chunk[at - 1] ?? 0;
        continue;
      }
      const size = this.#state === 'block' ? 1 : INT_BYTES;
      if (this.#scratchUsed === 0 && end - at >= size) {
        this.#step(size === 1 ? (chunk[at] ?? 0) : decodeInt(chunk, at));
        at += size;
        continue;
      }
      const step = Math.min(size - this.#scratchUsed, end - at);
      this.#scratch.set(chunk.subarray(at, at + step), this.#scratchUsed);
      this.#scratchUsed += step;
      at += step;
      if (this.#scratchUsed === size) {
        this.#scratchUsed = 0;
        this.#step(decodeInt(this.#scratch, 0));
      }
    }
  }

  #step(value: number) {
    switch (this.#state) {
      case 'chunk':
        return this.#chunk(value);
      case 'objectChunk':
        if (value < 0) throw broken('A large object has an impossible length.');
        this.#skip = value;
        this.#bytes += value;
        if (value === 0) this.#state = 'objectId';
        return;
      case 'objectId':
        if (value === 0) return this.#close();
        this.#rows += 1;
        this.#state = 'objectChunk';
        return;
      case 'block':
        if (value !== BLOCK_DATA && value !== BLOCK_LARGE_OBJECTS)
          throw broken(`Block type ${value} is unknown.`);
        this.#large = value === BLOCK_LARGE_OBJECTS;
        this.#state = 'dumpId';
        return;
      default:
        return this.#open(value);
    }
  }

  #open(dumpId: number) {
    this.#entry = this.#expected.get(dumpId);
    if (!this.#entry) throw broken(`A data block belongs to no entry (${dumpId}).`);
    this.#expected.delete(dumpId);
    this.#rows = 0;
    this.#bytes = 0;
    this.#chunkBytes = 0;
    this.#unterminated = false;
    this.#state = this.#large ? 'objectId' : 'chunk';
  }

  /** Before pg_dump 19 each row is one chunk, and the closing `\.` another. */
  #chunk(length: number) {
    if (length < 0) throw broken('A row has an impossible length.');
    if (this.#chunkBytes > 0) {
      if (this.#lastByte !== 0x0a) this.#unterminated = true;
      this.#rows += 1;
    }
    this.#chunkBytes = length;
    this.#bytes += length;
    this.#skip = length;
    if (length > 0) return;
    this.#rows -= 1;
    this.#bytes -= COPY_END.length;
    if (this.#rows < 0 || this.#unterminated) throw broken(`The rows of “${this.#entry?.tag}” are cut.`);
    this.#close();
  }

  #close() {
    if (this.#entry) this.blocks.push({ entry: this.#entry, rows: this.#rows, bytes: this.#bytes });
    this.#entry = undefined;
    this.#state = 'block';
  }
}
