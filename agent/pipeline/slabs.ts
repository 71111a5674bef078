import { free } from '../../protocol/free.ts';

/**
 * A fixed number of equal buffers, used again and again: the pipeline's memory and its backpressure in one.
 * Whoever wants a slab waits until another comes back.
 */
export class SlabPool {
  readonly #size: number;
  readonly #signal: AbortSignal;
  readonly #free: Buffer[] = [];
  readonly #waiting: { resolve: (slab: Buffer) => void; reject: (reason: unknown) => void }[] = [];
  #unmade: number;
  #closed = false;

  /** `count` slabs of `size` bytes, made when first needed. Waiting ends with the signal's reason on abort. */
  constructor(count: number, size: number, signal: AbortSignal) {
    this.#unmade = count;
    this.#size = size;
    this.#signal = signal;
    signal.addEventListener('abort', () => {
      for (const waiter of this.#waiting.splice(0)) waiter.reject(signal.reason);
    });
  }

  /** A free slab, or `undefined` where all are in use. */
  take(): Buffer | undefined {
    this.#signal.throwIfAborted();
    const slab = this.#free.pop();
    if (slab || this.#unmade === 0) return slab;
    this.#unmade -= 1;
    return Buffer.allocUnsafeSlow(this.#size);
  }

  /** Resolves with the next slab that comes back; first come, first served. */
  wait(): Promise<Buffer> {
    if (this.#signal.aborted) return Promise.reject(this.#signal.reason);
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** Whether someone waits for a slab. */
  get starved(): boolean {
    return this.#waiting.length > 0;
  }

  give(slab: Buffer): void {
    const waiter = this.#waiting.shift();
    if (waiter) waiter.resolve(slab);
    else if (this.#closed) free(slab);
    else this.#free.push(slab);
  }

  /** Gives the memory back: now, and as slabs that are still in use come back. */
  close(): void {
    this.#closed = true;
    this.#unmade = 0;
    for (const slab of this.#free.splice(0)) free(slab);
  }
}
