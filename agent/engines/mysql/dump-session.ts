import { isKnownCharset, isUtf8 } from './charsets.ts';
import type { Assignment } from './dump-statements.ts';
import type { Dialect } from './sql-lexicon.ts';

/** The names of other products' modes stand for ANSI_QUOTES, among others. */
const ANSI_QUOTES = /\b(?:ANSI_QUOTES|ANSI|ORACLE|MSSQL|DB2|POSTGRESQL|MAXDB)\b/;

/** Modes that code of either product may have been made under. */
const MODES = new Set(
  `ALLOW_INVALID_DATES ANSI ANSI_QUOTES DB2 EMPTY_STRING_IS_NULL ERROR_FOR_DIVISION_BY_ZERO HIGH_NOT_PRECEDENCE IGNORE_BAD_TABLE_OPTIONS
  IGNORE_SPACE MAXDB MSSQL MYSQL323 MYSQL40 NO_AUTO_CREATE_USER NO_AUTO_VALUE_ON_ZERO NO_BACKSLASH_ESCAPES NO_DIR_IN_CREATE
  NO_ENGINE_SUBSTITUTION NO_FIELD_OPTIONS NO_KEY_OPTIONS NO_TABLE_OPTIONS NO_UNSIGNED_SUBTRACTION NO_ZERO_DATE NO_ZERO_IN_DATE
  ONLY_FULL_GROUP_BY ORACLE PAD_CHAR_TO_FULL_LENGTH PIPES_AS_CONCAT POSTGRESQL REAL_AS_FLOAT SIMULTANEOUS_ASSIGNMENT
  STRICT_ALL_TABLES STRICT_TRANS_TABLES TIME_ROUND_FRACTIONAL TIME_TRUNCATE_FRACTIONAL TRADITIONAL`.split(
    /\s+/,
  ),
);

const isKnownMode = (value: string | undefined) =>
  value !== undefined && (value === '' || value.split(',').every((mode) => MODES.has(mode.toUpperCase())));

/**
 * What a dump has set in its session, as far as it decides how the statements after it are read. It starts as our
 * sessions do: see connect.ts.
 */
export class DumpSession {
  readonly #values = new Map<string, string>([
    ['SQL_MODE', ''],
    ['CHARACTER_SET_CLIENT', 'utf8mb4'],
  ]);
  #dialect: Dialect;

  constructor(target: Pick<Dialect, 'flavour' | 'versionNumber'>) {
    this.#dialect = { ...target, backslashes: true, ansiQuotes: false, charset: 'utf8mb4' };
  }

  get dialect(): Dialect {
    return this.#dialect;
  }

  /** Whether rows can be read fast: names are UTF-8, every quote byte is a quote, and `\` escapes. */
  get readsRows(): boolean {
    return this.#dialect.backslashes && this.namesAreUtf8;
  }

  /** Whether names mean what they say as UTF-8; dump tools write only code in the character set of its author. */
  get namesAreUtf8(): boolean {
    return isUtf8(this.#dialect.charset);
  }

  /** Follows a SET; false where its meaning cannot be followed: a number or a code name may stand for any mode. */
  assign(assigned: readonly Assignment[]): boolean {
    for (const { variable, value } of assigned) {
      const found = this.#evaluate(value);
      if (variable === 'SQL_MODE' && (value.kind === 'word' || !isKnownMode(found))) return false;
      if (variable === 'CHARACTER_SET_CLIENT' && !isKnownCharset(found?.toLowerCase() ?? '')) return false;
      if (found === undefined) this.#values.delete(variable);
      else this.#values.set(variable, found);
    }
    const mode = (this.#values.get('SQL_MODE') ?? '').toUpperCase();
    this.#dialect = {
      ...this.#dialect,
      backslashes: !mode.includes('NO_BACKSLASH_ESCAPES'),
      ansiQuotes: ANSI_QUOTES.test(mode),
      charset: (this.#values.get('CHARACTER_SET_CLIENT') ?? '').toLowerCase(),
    };
    return true;
  }

  #evaluate(value: Assignment['value']): string | undefined {
    if (value.kind === 'variable') return this.#values.get(value.text);
    if (value.kind !== 'text') return value.text;
    const inner = value.text.slice(1, -1);
    return /[\\'"]/.test(inner) ? undefined : inner;
  }
}
