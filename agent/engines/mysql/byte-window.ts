/** Bytes of a stream that are still to be read, in one piece; the part read is given back from time to time. */
export class ByteWindow {
  #buffer = Buffer.alloc(0);
  #start = 0;
  #end = 0;

  /** How many bytes wait. */
  get length(): number {
    return this.#end - this.#start;
  }

  /** All that waits; valid until the next {@link append}. */
  get bytes(): Buffer {
    return this.#buffer.subarray(this.#start, this.#end);
  }

  /** Adds bytes at the end. Its room grows twofold, so that a long statement is not copied for every chunk. */
  append(chunk: Uint8Array): void {
    if (this.#end + chunk.length > this.#buffer.length) {
      const waiting = this.bytes;
      const needed = waiting.length + chunk.length;
      const room = needed * 2 > this.#buffer.length ? Buffer.allocUnsafe(needed * 2) : this.#buffer;
      waiting.copy(room);
      this.#buffer = room;
      this.#start = 0;
      this.#end = waiting.length;
    }
    this.#buffer.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  /** Forgets the first `count` bytes that wait. */
  drop(count: number): void {
    this.#start += count;
  }
}
