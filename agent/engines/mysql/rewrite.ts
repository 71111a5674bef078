import { fail } from '../../../protocol/failure.ts';
import { ByteWindow } from './byte-window.ts';
import { isInsert, RowScan, readInsertHead } from './insert-rows.ts';
import { type Command, type RewriteTerms, StatementRewriter } from './rewrite-statement.ts';
import { RowBatch } from './row-batch.ts';
import { CHAR, isBlank, isLineComment } from './sql-lexicon.ts';
import { endOfStatement, LOOKAHEAD } from './sql-scan.ts';

/** Statements of about this size restore fastest, in bytes. */
const BATCH_BYTES = 1024 * 1024;
/** What a packet holds besides its statement, in bytes, with much to spare. */
const PACKET_MARGIN = 1024;
/** Strings of V8 end here, in bytes; a statement is sent as one. */
const LONGEST_STATEMENT = 512 * 1024 * 1024 - 64 * 1024;
/** At first, so many bytes are waited for before a statement is looked at again. */
const FIRST_LOOK = 64 * 1024;

const END = Buffer.alloc(LOOKAHEAD, '\n');

/** Longest statement that goes through a server's `max_allowed_packet`, in bytes. */
export function longestStatement(maxAllowedPacket: number): number {
  return Math.min(maxAllowedPacket - PACKET_MARGIN, LONGEST_STATEMENT);
}

/**
 * Turns a dump's bytes into the statements that restore it: one-row INSERTs merged, definers and events as `terms`
 * say. Whatever a dump tool does not write at its top level is refused as `manifest_invalid`: a dump is hostile code.
 */
export class DumpRewriter {
  readonly #window = new ByteWindow();
  readonly #statements: StatementRewriter;
  readonly #batch: RowBatch;
  readonly #scan = new RowScan();
  readonly #terms: RewriteTerms;
  #delimiter: ';' | ';;' = ';';
  #line = 1;
  #batchLine = 1;
  #table = '';
  #wanted = FIRST_LOOK;

  constructor(terms: RewriteTerms) {
    this.#terms = terms;
    this.#statements = new StatementRewriter(terms);
    this.#batch = new RowBatch(Math.min(terms.batchBytes ?? BATCH_BYTES, terms.maxStatement));
  }

  /** What the statements so far have made. */
  get made() {
    return this.#statements.made;
  }

  /** Statements in order, each read from `source` only when it is asked for. */
  async *commands(source: AsyncIterable<Uint8Array>): AsyncGenerator<Command, void> {
    for await (const chunk of source) {
      this.#window.append(chunk);
      if (this.#window.length >= this.#wanted) yield* this.#drain();
    }
    this.#window.append(END);
    yield* this.#drain();
    yield* this.#flush();
    if (this.#window.length > 0) throw this.#refusal('It ends within a statement.', this.#window.bytes);
    this.#statements.finish();
  }

  *#drain(): Generator<Command, void> {
    const { bytes } = this.#window;
    let at = 0;
    for (;;) {
      at = this.#takeRows(bytes, this.#skip(bytes, at));
      if (at >= bytes.length) break;
      const next = yield* this.#next(bytes, at);
      if (next < 0) break;
      at = next;
    }
    this.#window.drop(at);
    const { length } = this.#window;
    if (length > this.#terms.maxStatement) throw this.#tooLong(length);
    this.#wanted = Math.max(FIRST_LOOK, length * 2);
  }

  /** Index after the statement at `at`; -1 where it is not all there yet. */
  *#next(bytes: Buffer, at: number): Generator<Command, number> {
    if (this.#delimiter === ';' && isInsert(bytes, at)) return yield* this.#insert(bytes, at);
    if (bytes.length - at < LOOKAHEAD) return -1;
    yield* this.#flush();
    this.#batch.close();
    if (/^delimiter\s/i.test(bytes.toString('latin1', at, at + LOOKAHEAD)))
      return this.#changeDelimiter(bytes, at);
    const { dialect } = this.#statements.session;
    const end = endOfStatement(bytes, at, { end: bytes.length, dialect, delimiter: this.#delimiter });
    if (end < 0) return -1;
    if (end - at > this.#terms.maxStatement) throw this.#tooLong(end - at);
    const statement = bytes.subarray(at, end);
    const found = this.#statements.rewrite(statement);
    if (!found) throw this.#refusal('No dump tool writes such a statement.', statement);
    for (const command of found) yield { ...command, line: this.#line };
    this.#count(bytes, at, end);
    return end + this.#delimiter.length;
  }

  /**
   * Takes the rows of all statements at `at` that begin as the last INSERT did, until one is incomplete, too long for
   * the batch or different. Most of a dump passes here, so it makes no object for each row.
   */
  #takeRows(bytes: Buffer, from: number): number {
    const batch = this.#batch;
    let at = from;
    let rows = 0;
    while (batch.continues(bytes, at)) {
      const start = at + batch.headLength;
      if (this.#scan.look(bytes, start) !== 'whole' || !batch.fits(this.#scan.end - start)) break;
      if (batch.rows === 0) this.#batchLine = this.#line;
      batch.add(bytes, start, this.#scan);
      rows += this.#scan.rows;
      if (batch.longHead) this.#count(bytes, at, start);
      at = this.#skip(bytes, this.#scan.end + 1);
    }
    if (rows > 0) this.#statements.countRows(this.#table, rows);
    return at;
  }

  *#insert(bytes: Buffer, at: number): Generator<Command, number> {
    const known = this.#batch.continues(bytes, at);
    const start = known ? at + this.#batch.headLength : yield* this.#beginInsert(bytes, at);
    if (start < 0) return -1;
    const look = this.#scan.look(bytes, start);
    if (look === 'incomplete') return -1;
    if (look === 'unknown') throw this.#refusal('Its rows are not literals alone.', bytes.subarray(at));
    const { end, rows } = this.#scan;
    if (end - at > this.#terms.maxStatement) throw this.#tooLong(end - at);
    yield* this.#flush();
    if (this.#batch.fits(end - start)) return this.#takeRows(bytes, at);
    yield { sql: bytes.toString('latin1', at, end), table: this.#table, rows, line: this.#line };
    this.#statements.countRows(this.#table, rows);
    this.#count(bytes, at, start);
    return end + 1;
  }

  /** Reads the head of an INSERT unlike the last one; gives where its rows begin. */
  *#beginInsert(bytes: Buffer, at: number): Generator<Command, number> {
    const { dialect, readsRows } = this.#statements.session;
    const head = readInsertHead(bytes, at, dialect);
    if (head === 'incomplete') return -1;
    yield* this.#flush();
    const table = head === 'unknown' || !readsRows ? undefined : this.#statements.tableOfRows(head.table);
    if (head === 'unknown' || table === undefined)
      throw this.#refusal('Its rows go where none belong.', bytes.subarray(at));
    this.#table = table;
    this.#batch.begin(bytes.subarray(at, head.rows));
    return head.rows;
  }

  *#flush(): Generator<Command, void> {
    if (this.#batch.rows > 0) yield { ...this.#batch.take(), table: this.#table, line: this.#batchLine };
  }

  #changeDelimiter(bytes: Buffer, at: number): number {
    const end = bytes.indexOf(CHAR.newline, at);
    if (end < 0) return -1;
    const [, delimiter] = /^delimiter[ \t]+(;;?)\s*$/i.exec(bytes.toString('latin1', at, end)) ?? [];
    if (delimiter !== ';' && delimiter !== ';;')
      throw this.#refusal('It wants another delimiter.', bytes.subarray(at, end));
    this.#delimiter = delimiter;
    return end;
  }

  /** Index of the next byte that is neither blank nor part of a comment line. */
  #skip(bytes: Buffer, from: number): number {
    let at = from;
    for (; at < bytes.length; at += 1) {
      if (bytes[at] === CHAR.newline) this.#line += 1;
      else if (!isBlank(bytes[at])) {
        if (bytes.length - at < 3 || !isLineComment(bytes, at)) break;
        const end = bytes.indexOf(CHAR.newline, at);
        if (end < 0) break;
        at = end - 1;
      }
    }
    return at;
  }

  #count(bytes: Buffer, from: number, to: number): void {
    for (
      let at = bytes.indexOf(CHAR.newline, from);
      at >= 0 && at < to;
      at = bytes.indexOf(CHAR.newline, at + 1)
    )
      this.#line += 1;
  }

  #tooLong(bytes: number) {
    return fail(
      'restore_not_possible',
      `A statement of the dump (line ${this.#line}) takes ${bytes} bytes or more; the server’s max_allowed_packet lets ${this.#terms.maxStatement} through.`,
      'Raise max_allowed_packet on the server (up to 1 GiB), also in its configuration file, then restore again.',
      { sql: `SET GLOBAL max_allowed_packet = ${Math.min(2 ** 30, 2 ** Math.ceil(Math.log2(bytes * 2)))};` },
    );
  }

  #refusal(why: string, statement: Buffer) {
    return fail(
      'manifest_invalid',
      `The dump holds a statement at line ${this.#line} that does not belong into one: ${why}`,
      'It was not run. Do not trust this snapshot: somebody may have made it to harm the server. Restore another one.',
      { detail: statement.subarray(0, 400).toString('utf8') },
    );
  }
}
