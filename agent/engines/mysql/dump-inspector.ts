import { fail } from '../../../protocol/failure.ts';
import type { ObjectKind } from './requirements.ts';

const NEWLINE = 0x0a;
const SEMICOLON = 0x3b;
const CAPITAL_I = 0x49;
/** How much of a line is kept to see what it says. */
const HEAD_BYTES = 2048;

/** Rows of one table, counted in the dump. */
export interface TableRows {
  rows: number;
  /** Bytes of its INSERT statements. */
  bytes: number;
}

const QUOTED = '(`(?:[^`]|``)+`)';
/** An account is quoted as the routine's own sql_mode says; a MariaDB role has no host. */
const NAME = '(?:`(?:[^`]|``)*`|"(?:[^"]|"")*"|\'(?:[^\']|\'\')*\')';
const DEFINER = `DEFINER=${NAME}(?:@${NAME})?`;
const DATA = new RegExp(`^LOCK TABLES ${QUOTED} WRITE;$`);

/** Statements outside of `DELIMITER` sections, by how their first line begins. */
const PLAIN: [RegExp, ObjectKind][] = [
  [/^CREATE TABLE (?:IF NOT EXISTS )?`/, 'table'],
  [/^CREATE SEQUENCE `/, 'sequence'],
  [/^\/\*!50001 (?:JSON RELATIONAL DUALITY )?VIEW `/, 'view'],
];

/** Statements inside of them. */
const BLOCK: [RegExp, ObjectKind][] = [
  [versioned('50003', '50017', 'TRIGGER'), 'trigger'],
  [versioned('50106', '50117', 'EVENT'), 'event'],
  [routine('(?:AGGREGATE )?FUNCTION'), 'function'],
  [routine('PROCEDURE'), 'procedure'],
  [routine('PACKAGE BODY'), 'package body'],
  [routine('PACKAGE(?! BODY)'), 'package'],
  [/^CREATE LIBRARY `/, 'library'],
];

function versioned(create: string, definer: string, word: string): RegExp {
  return new RegExp(`^/\\*!${create} CREATE\\*/ (?:/\\*!${definer} ${DEFINER}\\*/ )?/\\*!${create} ${word} `);
}

function routine(word: string): RegExp {
  return new RegExp(`^CREATE (?:OR REPLACE )?(?:${DEFINER} )?${word} `);
}

/**
 * Reads along while a dump streams by: counts rows per table and objects per kind, and sees that it is whole. Looks
 * at each line's begin only: the tools write a row on one line (line breaks inside values are escaped), and this
 * refuses a dump in which that does not hold, for the restore relies on it as well.
 */
export class DumpInspector {
  readonly tables = new Map<string, TableRows>();
  readonly counts: Partial<Record<ObjectKind, number>> = {};
  /** Bytes of the longest statement with a row. */
  maxRowBytes = 0;
  #table: TableRows | undefined;
  /** What ends a statement in a DELIMITER section; `undefined` outside of one. */
  #delimiter: string | undefined;
  /** Whether the next line begins a statement. */
  #atStart = true;
  #head: Buffer = Buffer.alloc(0);
  #length = 0;
  #lastByte = 0;
  #lastLine = '';

  push(chunk: Buffer): void {
    let at = 0;
    if (this.#length > 0) {
      const end = chunk.indexOf(NEWLINE);
      this.#keep(end < 0 ? chunk : chunk.subarray(0, end));
      if (end < 0) return;
      this.#line(this.#head, this.#length, this.#lastByte);
      this.#length = 0;
      at = end + 1;
    }
    for (;;) {
      if (this.#table) at = this.#rows(chunk, at, this.#table);
      const end = chunk.indexOf(NEWLINE, at);
      if (end < 0) break;
      const head = chunk.subarray(at, Math.min(end, at + HEAD_BYTES));
      this.#line(head, end - at, chunk[end - 1] ?? 0);
      at = end + 1;
    }
    this.#head = Buffer.alloc(0);
    this.#keep(chunk.subarray(at));
  }

  /** The tool has ended well: throws unless what it wrote, or wrote since the last call, is whole. */
  finishPart(): void {
    if (this.#length > 0 || this.#table || this.#delimiter !== undefined) {
      throw incomplete('it ends in the middle of a statement');
    }
    if (!/^-- Dump completed/.test(this.#lastLine)) throw incomplete('its last line is missing');
    this.#lastLine = '';
  }

  /** Counts the rows that are whole in the chunk, from `at`; gives where the first other line begins. */
  #rows(chunk: Buffer, from: number, table: TableRows): number {
    let at = from;
    let longest = this.maxRowBytes;
    while (chunk[at] === CAPITAL_I) {
      const end = chunk.indexOf(NEWLINE, at);
      if (end < 0) break;
      if (chunk[end - 1] !== SEMICOLON) throw severalLines();
      table.rows += 1;
      if (end - at > longest) longest = end - at;
      at = end + 1;
    }
    table.bytes += at - from;
    this.maxRowBytes = longest;
    return at;
  }

  #keep(part: Buffer): void {
    if (part.length === 0) return;
    const room = HEAD_BYTES - this.#head.length;
    if (room > 0) this.#head = Buffer.concat([this.#head, part.subarray(0, room)]);
    this.#length += part.length;
    this.#lastByte = part[part.length - 1] ?? 0;
  }

  /** @param head the line's first {@link HEAD_BYTES} bytes */
  #line(head: Buffer, length: number, lastByte: number): void {
    if (this.#table && head[0] === CAPITAL_I) {
      if (lastByte !== SEMICOLON) throw severalLines();
      this.#table.rows += 1;
      this.#table.bytes += length + 1;
      this.maxRowBytes = Math.max(this.maxRowBytes, length);
      this.#head = Buffer.alloc(0);
      return;
    }
    const line = head.toString('utf8');
    this.#head = Buffer.alloc(0);
    if (length === 0) return;
    this.#lastLine = line;
    if (this.#delimiter === undefined) this.#plain(line);
    else this.#block(line, length, this.#delimiter);
  }

  #plain(line: string): void {
    if (line.startsWith('DELIMITER ')) {
      this.#delimiter = line.slice('DELIMITER '.length).trim();
      this.#atStart = true;
    } else if (line.startsWith('LOCK TABLES ')) this.#begin(line);
    else if (line.startsWith('UNLOCK TABLES')) this.#table = undefined;
    else if (!this.#table) this.#count(PLAIN, line);
  }

  #begin(line: string): void {
    const quoted = DATA.exec(line)?.[1];
    if (quoted === undefined) throw severalLines();
    const name = quoted.slice(1, -1).replaceAll('``', '`');
    this.#table = this.tables.get(name) ?? { rows: 0, bytes: 0 };
    this.tables.set(name, this.#table);
  }

  #block(line: string, length: number, delimiter: string): void {
    // Only between statements: a body may hold such a line inside a string.
    if (this.#atStart && line === 'DELIMITER ;') {
      this.#delimiter = undefined;
      return;
    }
    if (this.#atStart) this.#count(BLOCK, line);
    // A line whose end was not kept is no statement of one line that matters here.
    this.#atStart = length <= HEAD_BYTES && line.endsWith(delimiter);
  }

  #count(kinds: [RegExp, ObjectKind][], line: string): void {
    const kind = kinds.find(([pattern]) => pattern.test(line))?.[1];
    if (kind) this.counts[kind] = (this.counts[kind] ?? 0) + 1;
  }
}

/** The dump is not what it must be. */
export function incomplete(why: string) {
  return fail(
    'dump_incomplete',
    `The dump is not whole: ${why}.`,
    'Nothing was stored. Run the backup again; if it stays, look into the server’s log.',
    { retryable: true },
  );
}

function severalLines() {
  return fail(
    'dump_incomplete',
    'The dump holds a row that is written over several lines.',
    'Nothing was stored: such a dump cannot be restored safely. Please report it with the versions of server and tool.',
  );
}
