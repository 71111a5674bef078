import { charLength, isUtf8 } from './charsets.ts';
import type { Flavour } from './flavour.ts';

/** All that decides where a literal, a comment or a statement ends, as the server sees it. */
export interface Dialect {
  flavour: Flavour;
  /** The target's version; it decides which version comments are code. */
  versionNumber: number;
  /** Whether `\` escapes in literals: not under NO_BACKSLASH_ESCAPES. */
  backslashes: boolean;
  /** Whether `"` quotes names. */
  ansiQuotes: boolean;
  /** `character_set_client`: see charsets.ts. */
  charset: string;
}

export const CHAR = {
  tab: 9,
  newline: 10,
  space: 32,
  bang: 33,
  quote: 34,
  hash: 35,
  dollar: 36,
  apostrophe: 39,
  open: 40,
  close: 41,
  star: 42,
  comma: 44,
  minus: 45,
  slash: 47,
  semicolon: 59,
  M: 77,
  backslash: 92,
  backtick: 96,
} as const;

/** Whether the byte separates words, as the server's lexer has it. */
export const isBlank = (byte: number | undefined) =>
  byte === CHAR.space || (byte !== undefined && byte >= CHAR.tab && byte <= 13);

/** Index after the quoted literal or name that begins at `at`; -1 where `end` comes first. */
export function endOfQuoted(bytes: Uint8Array, at: number, { end, dialect }: Within): number {
  const quote = bytes[at] as number;
  const names = quote === CHAR.backtick || (quote === CHAR.quote && dialect.ansiQuotes);
  const escaping = names || !dialect.backslashes ? -1 : CHAR.backslash;
  for (let index = at + 1; index < end; index += 1) {
    const byte = bytes[index] as number;
    if (byte >= 0x80) index += charLength(bytes, index, dialect.charset) - 1;
    else if (byte === escaping)
      index += 1; // one byte, even of a character that is longer
    else if (byte === quote) {
      if (index + 1 >= end) return -1; // a second quote may follow
      if (bytes[index + 1] !== quote) return index + 1;
      index += 1;
    }
  }
  return -1;
}

/** Whether a byte may stand in a name without quotes. */
export const isWord = (byte: number | undefined): boolean =>
  byte !== undefined &&
  ((byte >= 48 && byte <= 57) ||
    (byte >= 65 && byte <= 90) ||
    (byte >= 97 && byte <= 122) ||
    byte === 95 ||
    byte === CHAR.dollar ||
    byte >= 128);

/** Since then MySQL reads `$tag$ … $tag$` as text: programs in other languages are written like that. */
const DOLLAR_QUOTES = 90_000;
/** After these a `$` is part of a name. */
const BEFORE_NAME = [0x2e, 0x40];

/**
 * Index after the `$tag$ … $tag$` that begins at `at`, where a word may begin; -1 where `end` comes first, `undefined`
 * where none begins there.
 * @param whole whether nothing follows after `end`
 */
export function endOfDollarQuoted(
  bytes: Uint8Array,
  at: number,
  { end, dialect, whole = false }: Within & { whole?: boolean },
): number | undefined {
  if (bytes[at] !== CHAR.dollar || dialect.flavour !== 'mysql' || dialect.versionNumber < DOLLAR_QUOTES)
    return undefined;
  if (BEFORE_NAME.includes(bytes[at - 1] ?? 0)) return undefined;
  let close = at + 1;
  while (close < end && isWord(bytes[close]) && bytes[close] !== CHAR.dollar) close += 1;
  if (close >= end) return whole ? undefined : -1;
  if (bytes[close] !== CHAR.dollar) return undefined;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, end);
  const found = text.indexOf(text.subarray(at, close + 1), close + 1);
  return found < 0 ? -1 : found + close + 1 - at;
}

/** Where to stop, and by which rules to read. */
export interface Within {
  end: number;
  dialect: Dialect;
}

/** Whether a comment to the end of the line begins at `at`. */
export function isLineComment(bytes: Uint8Array, at: number): boolean {
  if (bytes[at] === CHAR.hash) return true;
  if (bytes[at] !== CHAR.minus || bytes[at + 1] !== CHAR.minus) return false;
  const next = bytes[at + 2];
  return next === undefined || isBlank(next);
}

/**
 * Whether servers, or character sets, differ about a comment that begins with the `--` at `at`: some take one for a
 * comment before any control character, or what is one to them.
 */
export function isUnclearDash(bytes: Uint8Array, at: number, charset: string): boolean {
  if (bytes[at] !== CHAR.minus || bytes[at + 1] !== CHAR.minus) return false;
  const next = bytes[at + 2];
  if (next === undefined || isBlank(next)) return false;
  return next < CHAR.space || next === 127 || (next > 127 && !isUtf8(charset));
}

/** Index of the newline that ends a line comment; -1 where `end` comes first. */
export function endOfLine(bytes: Uint8Array, at: number, end: number): number {
  const index = bytes.indexOf(CHAR.newline, at);
  return index < 0 || index >= end ? -1 : index;
}

export const isComment = (bytes: Uint8Array, at: number) =>
  bytes[at] === CHAR.slash && bytes[at + 1] === CHAR.star;

/** Index after the comment that begins at `at`; -1 where `end` comes first. */
export function endOfComment(bytes: Uint8Array, at: number, end: number): number {
  for (let index = at + 2; index + 1 < end; index += 1) {
    if (bytes[index] === CHAR.star && bytes[index + 1] === CHAR.slash) return index + 2;
  }
  return -1;
}

/** A comment whose inside some servers run. */
export interface VersionComment {
  /** Where the inside begins. */
  inside: number;
  /** Whether the target runs it. */
  runs: boolean;
}

/**
 * The version comment that begins at `at` (an {@link isComment}), or `undefined` for a plain one. `/*!` with a version is
 * code for servers of that version or later; MariaDB leaves out those of MySQL's versions that are none of its own.
 */
export function versionComment(bytes: Uint8Array, at: number, dialect: Dialect): VersionComment | undefined {
  const own = bytes[at + 2] === CHAR.M && bytes[at + 3] === CHAR.bang;
  if (!own && bytes[at + 2] !== CHAR.bang) return undefined;
  if (own && dialect.flavour === 'mysql') return undefined;
  const start = at + (own ? 4 : 3);
  let digits = 0;
  let version = 0;
  while (digits < 6 && isDigit(bytes[start + digits])) {
    version = version * 10 + (bytes[start + digits] as number) - 48;
    digits += 1;
  }
  if (digits < 5) return { inside: start, runs: true };
  const foreign = dialect.flavour === 'mariadb' && !own && version >= 50_700 && version <= 99_999;
  return { inside: start + digits, runs: version <= dialect.versionNumber && !foreign };
}

const isDigit = (byte: number | undefined) => byte !== undefined && byte >= 48 && byte <= 57;

/** Index after a version comment that the target does not run; one comment inside it does not end it. */
export function endOfUnrun(bytes: Uint8Array, inside: number, end: number): number {
  for (let index = inside; index + 1 < end; index += 1) {
    if (isComment(bytes, index)) {
      const nested = endOfComment(bytes, index, end);
      if (nested < 0) return -1;
      index = nested - 1;
    } else if (bytes[index] === CHAR.star && bytes[index + 1] === CHAR.slash) return index + 2;
  }
  return -1;
}
