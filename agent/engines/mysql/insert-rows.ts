import { CHAR, type Dialect, endOfQuoted, isBlank } from './sql-lexicon.ts';

/** The part of an INSERT before its rows, and where they begin. */
export interface InsertHead {
  /** Index of the first row's parenthesis. */
  rows: number;
  /** The table, quoted as in the dump (latin1). */
  table: string;
}

/** What looking at one INSERT found: more bytes are needed, it is none that a dump tool writes, or its facts. */
export type Look<T> = 'incomplete' | 'unknown' | T;

const INTO = Buffer.from(' INTO ');
const VALUES = Buffer.from('VALUES');
const VERBS = [Buffer.from('INSERT'), Buffer.from('REPLACE')];

/** Whether an INSERT or REPLACE begins at `at`. */
export const isInsert = (bytes: Buffer, at: number) => VERBS.some((verb) => startsWith(bytes, at, verb));

function startsWith(bytes: Uint8Array, at: number, word: Uint8Array): boolean {
  for (let index = 0; index < word.length; index += 1) {
    if (bytes[at + index] !== word[index]) return false;
  }
  return true;
}

/** Reads ``INSERT INTO `t` VALUES `` or ``INSERT INTO `t` (`a`, `b`) VALUES ``, as dump tools write it. */
export function readInsertHead(bytes: Buffer, at: number, dialect: Dialect): Look<InsertHead> {
  const verb = VERBS.find((one) => startsWith(bytes, at, one)) as Buffer;
  let index = at + verb.length;
  if (index + INTO.length > bytes.length) return 'incomplete';
  if (!startsWith(bytes, index, INTO)) return 'unknown';
  index += INTO.length;
  const nameEnd = afterName(bytes, index, dialect);
  if (typeof nameEnd === 'string') return nameEnd;
  const table = bytes.toString('latin1', index, nameEnd);
  index = skipBlanks(bytes, nameEnd);
  if (bytes[index] === CHAR.open) {
    const close = afterNames(bytes, index + 1, dialect);
    if (typeof close === 'string') return close;
    index = skipBlanks(bytes, close);
  }
  if (index + VALUES.length > bytes.length) return 'incomplete';
  if (!startsWith(bytes, index, VALUES)) return 'unknown';
  index = skipBlanks(bytes, index + VALUES.length);
  if (index >= bytes.length) return 'incomplete';
  return bytes[index] === CHAR.open ? { rows: index, table } : 'unknown';
}

function skipBlanks(bytes: Buffer, at: number): number {
  let index = at;
  while (isBlank(bytes[index])) index += 1;
  return index;
}

function afterName(bytes: Buffer, at: number, dialect: Dialect): Look<number> {
  if (at >= bytes.length) return 'incomplete';
  if (bytes[at] !== CHAR.backtick) return 'unknown';
  const end = endOfQuoted(bytes, at, { end: bytes.length, dialect });
  return end < 0 ? 'incomplete' : end;
}

/** The columns of former rows stand without quotes: `row_start`, `row_end`. */
function afterColumn(bytes: Buffer, at: number, dialect: Dialect): Look<number> {
  let index = at;
  while (isLetter(bytes[index])) index += 1;
  if (index === at) return afterName(bytes, at, dialect);
  return index < bytes.length ? index : 'incomplete';
}

const isLetter = (byte: number | undefined) =>
  byte !== undefined && (byte === 95 || (byte >= 65 && byte <= 90) || (byte >= 97 && byte <= 122));

/** Index after the `)` of a list of names. */
function afterNames(bytes: Buffer, at: number, dialect: Dialect): Look<number> {
  for (let index = at; ; ) {
    const end = afterColumn(bytes, skipBlanks(bytes, index), dialect);
    if (typeof end === 'string') return end;
    index = skipBlanks(bytes, end);
    if (index >= bytes.length) return 'incomplete';
    if (bytes[index] === CHAR.close) return index + 1;
    if (bytes[index] !== CHAR.comma) return 'unknown';
    index += 1;
  }
}

const PLAIN = 0;
const UNKNOWN = 5;
/** What a byte outside literals means among rows; letters are those of NULL, numbers, `0x…`, `b'…'`, `_binary`. */
const MEANING = new Uint8Array(256).fill(UNKNOWN);
for (const plain of '0123456789,.+ \n\tNULxXabcdefABCDEF_inary') MEANING[plain.charCodeAt(0)] = PLAIN;
MEANING[CHAR.apostrophe] = 1;
MEANING[CHAR.open] = 2;
MEANING[CHAR.close] = 3;
MEANING[CHAR.semicolon] = 4;
MEANING[CHAR.minus] = 6;

/**
 * Finds the end of an INSERT's rows, which hold literals and nothing else: no function, no subquery, no comment. For
 * sessions where `\` escapes, and character sets in which no byte of a character looks like a quote. One object for
 * all rows of a dump: they are too many to make one for each.
 */
export class RowScan {
  /** Index of the semicolon. */
  end = 0;
  /** How many rows there are. */
  rows = 0;

  /** Looks at the rows that begin at `at`; where they are all there, {@link end} and {@link rows} tell about them. */
  look(bytes: Uint8Array, at: number): 'whole' | 'incomplete' | 'unknown' {
    const end = bytes.length;
    let rows = 0;
    let open = false;
    for (let index = at; index < end; index += 1) {
      const meaning = MEANING[bytes[index] as number] as number;
      if (meaning === PLAIN) continue;
      if (meaning === 1) {
        for (index += 1; index < end; index += 1) {
          const byte = bytes[index];
          if (byte === CHAR.apostrophe) break;
          if (byte === CHAR.backslash) index += 1;
        }
      } else if (meaning === 2) {
        if (open) return 'unknown';
        open = true;
      } else if (meaning === 3) {
        if (!open) return 'unknown';
        open = false;
        rows += 1;
      } else if (meaning === 4) {
        this.end = index;
        this.rows = rows;
        return open || rows === 0 ? 'unknown' : 'whole';
      } else if (meaning === 6) {
        const next = bytes[index + 1];
        if (next === undefined) return 'incomplete';
        if (next !== 46 && (next < 48 || next > 57)) return 'unknown'; // `--` would begin a comment
      } else return 'unknown';
    }
    return 'incomplete';
  }
}
