import type { Token } from './sql-scan.ts';

/** Reads tokens one after the other, as a grammar asks for them. */
export class TokenCursor {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  /** The token that comes next. */
  get next(): Token | undefined {
    return this.#tokens[this.#at];
  }

  /** Whether nothing is left. */
  get done(): boolean {
    return this.#at >= this.#tokens.length;
  }

  /** Takes the next token, whatever it is. */
  take(): Token | undefined {
    const token = this.next;
    this.#at += 1;
    return token;
  }

  /** Takes `words` if exactly these come next. */
  words(...words: string[]): boolean {
    const follow = words.every((word, index) => {
      const token = this.#tokens[this.#at + index];
      return token?.kind === 'word' && token.text.toUpperCase() === word;
    });
    if (follow) this.#at += words.length;
    return follow;
  }

  /** Takes the next token if it is the sign `sign`. */
  sign(sign: string): boolean {
    if (this.next?.kind !== 'sign' || this.next.text !== sign) return false;
    this.#at += 1;
    return true;
  }

  /** Takes the next token if it is a word, in upper case. */
  word(): string | undefined {
    return this.kind('word')?.text.toUpperCase();
  }

  /**
   * Takes a name as people write them: with or without quotes, and with the database it is in before it.
   * `qualifier` has that part with its dot, in bytes.
   */
  writtenName(): { name: string; qualifier?: { database: string; start: number; end: number } } | undefined {
    const first = this.kind('name') ?? this.kind('word');
    if (!first) return undefined;
    if (!this.sign('.')) return { name: utf8(first) };
    const second = this.kind('name') ?? this.kind('word');
    if (!second) return undefined;
    return {
      name: utf8(second),
      qualifier: { database: utf8(first), start: first.start, end: second.start },
    };
  }

  /** Takes the next token if it is of this kind. */
  kind(kind: Token['kind']): Token | undefined {
    return this.next?.kind === kind ? this.take() : undefined;
  }

  /** Takes a quoted name that nothing qualifies: not the `db` of `db.table`. */
  name(): string | undefined {
    const token = this.next;
    if (token?.kind !== 'name') return undefined;
    const after = this.#tokens[this.#at + 1];
    if (after?.kind === 'sign' && after.text === '.') return undefined;
    this.#at += 1;
    return utf8(token);
  }

  /** Tokens from here on. */
  rest(): readonly Token[] {
    return this.#tokens.slice(this.#at);
  }
}

const utf8 = (token: Token) => Buffer.from(token.text, 'latin1').toString('utf8');
