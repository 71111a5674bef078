import type { Assignment } from './dump-statements.ts';
import type { Dialect } from './sql-lexicon.ts';

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

  /** Whether rows can be read fast: every quote byte is a quote, and `\` escapes. */
  get readsRows(): boolean {
    const { backslashes, charset } = this.#dialect;
    return backslashes && /^(?:utf8|utf8mb3|utf8mb4|binary|latin1|ascii)$/.test(charset);
  }

  /** Follows a SET; false where its meaning cannot be followed. */
  assign(assigned: readonly Assignment[]): boolean {
    for (const { variable, value } of assigned) {
      const found = this.#evaluate(value);
      const matters = variable === 'SQL_MODE' || variable === 'CHARACTER_SET_CLIENT';
      if (matters && (found === undefined || (variable === 'SQL_MODE' && value.kind === 'word')))
        return false;
      if (found === undefined) this.#values.delete(variable);
      else this.#values.set(variable, found);
    }
    const mode = (this.#values.get('SQL_MODE') ?? '').toUpperCase();
    this.#dialect = {
      ...this.#dialect,
      backslashes: !mode.includes('NO_BACKSLASH_ESCAPES'),
      // The names of other products' modes stand for ANSI_QUOTES, among others.
      ansiQuotes: /\b(?:ANSI_QUOTES|ANSI|ORACLE|MSSQL|DB2|POSTGRESQL|MAXDB)\b/.test(mode),
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
