import { blankOf, charLength, isWellFormed } from './charsets.ts';
import {
  CHAR,
  type Dialect,
  endOfComment,
  endOfDollarQuoted,
  endOfLine,
  endOfQuoted,
  endOfUnrun,
  isBlank,
  isComment,
  isLineComment,
  isUnclearDash,
  isWord,
  versionComment,
  type Within,
} from './sql-lexicon.ts';

/** A piece of SQL. `name` is a quoted name without its quotes, `text` a literal with them, `body` text in dollar signs. */
export interface Token {
  kind: 'word' | 'name' | 'text' | 'body' | 'sign';
  /** Bytes as latin1. */
  text: string;
  start: number;
  end: number;
}

/** How far a scan looks ahead: whether `--` is a comment, and what number a version comment has. */
export const LOOKAHEAD = 12;

/**
 * Index of the delimiter (`;` or `;;`) that ends the statement at `at`, outside literals and comments; -1 where
 * that cannot be told from the bytes before `end`. At the end of all input, {@link LOOKAHEAD} newlines must follow it.
 */
export function endOfStatement(
  bytes: Uint8Array,
  at: number,
  within: Within & { delimiter: ';' | ';;' },
): number {
  const { end, delimiter } = within;
  for (let index = at; index < end; ) {
    if (bytes[index] === CHAR.semicolon) {
      if (delimiter === ';') return index;
      if (index + 1 >= end) return -1;
      if (bytes[index + 1] === CHAR.semicolon) return index;
    }
    const next = afterPiece(bytes, index, within);
    if (next < 0) return -1;
    index = next;
  }
  return -1;
}

/** Index after the literal, comment, comment marker, word or byte at `index`. */
function afterPiece(bytes: Uint8Array, index: number, within: Within): number {
  const { end, dialect } = within;
  const byte = bytes[index];
  if (byte === CHAR.apostrophe || byte === CHAR.quote || byte === CHAR.backtick)
    return endOfQuoted(bytes, index, within);
  if (isWord(byte)) return endOfDollarQuoted(bytes, index, within) ?? wordEnd(bytes, index, dialect);
  if (byte !== CHAR.hash && byte !== CHAR.minus && byte !== CHAR.slash) return index + 1;
  if (index + LOOKAHEAD > end) return -1;
  if (isLineComment(bytes, index)) return endOfLine(bytes, index, end);
  return isComment(bytes, index) ? skipComment(bytes, index, { end, dialect }) : index + 1;
}

/** Goes into a version comment that runs, and past any other. */
function skipComment(bytes: Uint8Array, at: number, { end, dialect }: Within): number {
  const found = versionComment(bytes, at, dialect);
  if (!found) return endOfComment(bytes, at, end);
  return found.runs ? found.inside : endOfUnrun(bytes, found.inside, end);
}

/** A statement as the target will understand it, and its pieces. */
export interface Read {
  resolved: Buffer;
  tokens: Token[];
}

/** Reads a whole statement; `undefined` where it cannot be told how the target reads it. */
export function readSql(statement: Buffer, dialect: Dialect): Read | undefined {
  if (!isWellFormed(statement, dialect.charset)) return undefined;
  const resolved = resolveComments(statement, dialect);
  const tokens = resolved && tokensOf(resolved, dialect);
  return tokens && { resolved, tokens };
}

/**
 * A statement as the target will understand it: what its version comments hold stands there as code, or is gone.
 * So what is judged is what the server sees. `undefined` where a comment or literal has no end, or a version comment
 * holds another: servers differ about those, and no dump tool writes them.
 */
function resolveComments(statement: Buffer, dialect: Dialect): Buffer | undefined {
  if (!statement.includes('/*')) return statement;
  const within = { end: statement.length, dialect };
  const pieces: Uint8Array[] = [];
  let from = 0;
  let inside = false;
  for (let index = 0; index < statement.length; ) {
    const version = isComment(statement, index) ? versionComment(statement, index, dialect) : undefined;
    let next: number;
    if (version && inside) return undefined;
    if (version?.runs) {
      next = version.inside;
      inside = true;
    } else if (version && !version.runs) next = endOfUnrun(statement, version.inside, within.end);
    else if (inside && statement[index] === CHAR.star && statement[index + 1] === CHAR.slash) {
      next = index + 2;
      inside = false;
    } else {
      next = pieceEnd(statement, index, within);
      if (next < 0) return undefined;
      index = next;
      continue;
    }
    if (next < 0) return undefined;
    pieces.push(statement.subarray(from, index), SPACE);
    from = next;
    index = next;
  }
  if (inside) return undefined;
  return pieces.length === 0 ? statement : Buffer.concat([...pieces, statement.subarray(from)]);
}

const SPACE = Buffer.from(' ');

/** As {@link afterPiece}, for a statement that is complete: a comment at its end may lack the newline. */
function pieceEnd(bytes: Uint8Array, index: number, within: Within): number {
  if (isLineComment(bytes, index)) {
    const newline = endOfLine(bytes, index, within.end);
    return newline < 0 ? within.end : newline;
  }
  const byte = bytes[index];
  if (byte === CHAR.apostrophe || byte === CHAR.quote || byte === CHAR.backtick)
    return quotedEnd(bytes, index, within);
  if (isWord(byte))
    return (
      endOfDollarQuoted(bytes, index, { ...within, whole: true }) ?? wordEnd(bytes, index, within.dialect)
    );
  return isComment(bytes, index) ? endOfComment(bytes, index, within.end) : index + 1;
}

/** {@link endOfQuoted} where nothing can follow any more: the last byte may be the closing quote. */
function quotedEnd(bytes: Uint8Array, index: number, { end, dialect }: Within): number {
  const found = endOfQuoted(bytes, index, { end, dialect });
  if (found >= 0) return found;
  // One byte more than there is: reads as `undefined`, which is no quote.
  return endOfQuoted(bytes, index, { end: end + 1, dialect });
}

/** Pieces of a resolved statement, comments left out; `undefined` where one has no end or no certain meaning. */
function tokensOf(statement: Buffer, dialect: Dialect): Token[] | undefined {
  const within = { end: statement.length, dialect };
  const blank = blankOf(dialect.charset);
  const found: Token[] = [];
  for (let index = 0; index < statement.length; ) {
    const byte = statement[index] as number;
    if (isBlank(byte) || byte === blank) {
      index += 1;
      continue;
    }
    if (isUnclearDash(statement, index, dialect.charset)) return undefined;
    const comment = isLineComment(statement, index) || isComment(statement, index);
    const end = pieceEnd(statement, index, within);
    if (end < 0 || end > statement.length) return undefined;
    const piece = token(statement, { start: index, end, dialect });
    // A NUL ends some of them for the server, but no literal.
    if (piece.kind !== 'text' && piece.text.includes('\0')) return undefined;
    if (!comment) found.push(piece);
    index = end;
  }
  return found;
}

function token(
  bytes: Buffer,
  { start, end, dialect }: { start: number; end: number; dialect: Dialect },
): Token {
  const byte = bytes[start] as number;
  const raw = bytes.toString('latin1', start, end);
  if (byte === CHAR.backtick || (byte === CHAR.quote && dialect.ansiQuotes)) {
    const quote = raw[0] as string;
    return { kind: 'name', text: raw.slice(1, -1).replaceAll(quote + quote, quote), start, end };
  }
  if (byte === CHAR.apostrophe || byte === CHAR.quote) return { kind: 'text', text: raw, start, end };
  if (!isWord(byte)) return { kind: 'sign', text: raw, start, end };
  const body = endOfDollarQuoted(bytes, start, { end: bytes.length, dialect, whole: true }) === end;
  return { kind: body ? 'body' : 'word', text: raw, start, end };
}

function wordEnd(bytes: Uint8Array, at: number, { charset }: Dialect): number {
  const blank = blankOf(charset);
  let index = at; // at a blank beyond ASCII it is that blank alone
  do index += charLength(bytes, index, charset);
  while (isWord(bytes[index]) && bytes[index] !== blank && bytes[at] !== blank);
  return index;
}
