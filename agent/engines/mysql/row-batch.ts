import { CHAR } from './sql-lexicon.ts';

/** Collects rows of one INSERT after the other into one statement with many. */
export class RowBatch {
  readonly #buffer: Buffer;
  #length = 0;
  #head: Buffer = Buffer.alloc(0);
  /** Rows collected so far. */
  rows = 0;

  /** @param limit longest statement to build, in bytes */
  constructor(limit: number) {
    this.#buffer = Buffer.allocUnsafe(limit);
  }

  /** Whether the statement at `at` begins as the collected ones do, so that its rows may join them. */
  continues(bytes: Uint8Array, at: number): boolean {
    const head = this.#head;
    if (head.length === 0) return false;
    for (let index = head.length - 1; index >= 0; index -= 1) {
      if (bytes[at + index] !== head[index]) return false;
    }
    return true;
  }

  /** Length of the part before the rows. */
  get headLength(): number {
    return this.#head.length;
  }

  /** Begins a statement; what was collected has been taken before. */
  begin(head: Buffer): void {
    this.#head = Buffer.from(head);
    this.longHead = head.includes(CHAR.newline);
    this.#length = 0;
    this.rows = 0;
  }

  /** Whether `bytes` more fit; a statement longer than the limit fits never. */
  fits(bytes: number): boolean {
    return (this.rows === 0 ? this.#head.length : this.#length) + bytes + 1 <= this.#buffer.length;
  }

  /** Whether the head holds a newline, in a name. */
  longHead = false;

  /** Adds `found.rows` rows, from `start` to `found.end`; they fit. */
  add(bytes: Buffer, start: number, found: { end: number; rows: number }): void {
    if (this.rows === 0) this.#length = this.#head.copy(this.#buffer);
    else this.#buffer[this.#length++] = CHAR.comma;
    this.#length += bytes.copy(this.#buffer, this.#length, start, found.end);
    this.rows += found.rows;
  }

  /** The statement, as latin1, and begins the next one with the same head. */
  take(): { sql: string; rows: number } {
    const taken = { sql: this.#buffer.toString('latin1', 0, this.#length), rows: this.rows };
    this.#length = 0;
    this.rows = 0;
    return taken;
  }

  /** Nothing continues any more: another statement came between. */
  close(): void {
    this.#head = Buffer.alloc(0);
  }
}
