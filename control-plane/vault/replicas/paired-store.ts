import { idIn } from '../layout.ts';
import type { DirectAccess, PutTerms, Store, StoredFile, StoreLock, StoreRange } from '../stores/store.ts';
import { copyFile, isAway, isLoss, requireVault } from './copy.ts';
import { createHealer } from './heal.ts';
import type { PairListener } from './pair-listener.ts';

/** How long a store that did not answer is asked last, milliseconds. */
const AWAY_MS = 60_000;

/** A store, and until when (milliseconds since the epoch) it is asked last. */
interface Side {
  store: Store;
  awayUntil: number;
}

/**
 * The store of a vault, with the replica behind it where there is one. Writes go to the store; what it does not have,
 * or does not give, is read from the replica. It is one object as long as the vault is open: the two may change places
 * while writes are under way.
 */
export class PairedStore implements Store {
  #primary: Side;
  #replica: Side | undefined;
  /** What is written counts only once it is in both. */
  #mirrored = false;
  /** It was not there when the vault was opened. */
  #missing = false;
  readonly #healer = createHealer({
    primary: () => this.#primary.store,
    replica: () => this.#replica?.store,
    onHealed: (name) => this.listener.healed(name),
  });
  /** Files other than packs that were written, by their number: another one where one of them may be new. */
  changes = 0;
  listener: PairListener = { written: () => {}, healed: () => {} };

  constructor(primary: Store, replica?: Store) {
    this.#primary = side(primary);
    this.#replica = replica && side(replica);
  }

  get primary(): Store {
    return this.#primary.store;
  }

  get replica(): Store | undefined {
    return this.#replica?.store;
  }

  get direct(): DirectAccess | undefined {
    return this.#primary.store.direct;
  }

  get lock(): StoreLock | undefined {
    return this.#primary.store.lock;
  }

  /** Of each store that a commit counts in: the replica is one while the vault moves there. */
  get locks(): StoreLock[] {
    const stores = this.#mirrored && this.replica ? [this.primary, this.replica] : [this.primary];
    return stores.flatMap(({ lock }) => lock ?? []);
  }

  /** The same place, reached in another way. */
  setPrimary(store: Store): void {
    this.#primary = side(store);
    this.#missing = false;
  }

  setReplica(store: Store | undefined): void {
    this.#replica = store && side(store);
  }

  /** The store was not there when it was looked for: nothing is written to it before it is. */
  setMissing(): void {
    this.#missing = true;
    this.#primary.awayUntil = Date.now() + AWAY_MS;
  }

  /** Whether it has not been seen since it was missing. */
  get isMissing(): boolean {
    return this.#missing;
  }

  /** From now on, or no longer, whatever is written is in both stores before it counts. */
  mirror(on: boolean): void {
    this.#mirrored = on;
  }

  /** The two change places; writes under way end in the store that is the vault's by then. */
  swap(): void {
    if (!this.#replica) throw new Error('there is no replica');
    [this.#primary, this.#replica] = [this.#replica, this.#primary];
    this.#missing = false;
    this.#healer.forget();
  }

  async put(
    name: string,
    body: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
    terms: PutTerms,
  ): Promise<number> {
    const at = this.#primary;
    await this.#requireHome();
    const length = await at.store.put(name, body, terms);
    await this.#follow(name, at.store);
    return length;
  }

  async putIfAbsent(name: string, bytes: Uint8Array): Promise<boolean> {
    const at = this.#primary;
    await this.#requireHome();
    const wrote = await at.store.putIfAbsent(name, bytes);
    await this.#follow(name, at.store);
    return wrote;
  }

  read(name: string, range?: StoreRange): Promise<Buffer> {
    return this.#reading(name, (store) => store.read(name, range));
  }

  async *stream(name: string, range?: StoreRange): AsyncGenerator<Buffer, void> {
    const offset = range?.offset ?? 0;
    let done = 0;
    const [first, second] = this.#sides(name);
    try {
      for await (const part of first.store.stream(name, range)) {
        done += part.length;
        yield part;
      }
      return;
    } catch (error) {
      if (!second || !this.#mayFollow(first, error)) throw error;
      const length = range?.length ?? (await second.store.size(name));
      if (length === undefined) throw error;
      if (length > done) yield* second.store.stream(name, { offset: offset + done, length: length - done });
      this.#noteLoss(name, first, error);
    }
  }

  async size(name: string): Promise<number | undefined> {
    const [first, second] = this.#sides(name);
    try {
      const size = await first.store.size(name);
      if (size !== undefined || !second) return size;
    } catch (error) {
      if (!second || !this.#mayFollow(first, error)) throw error;
      return second.store.size(name);
    }
    // That the other one cannot be asked does not make it there.
    return second.store.size(name).catch((error) => {
      if (!this.#mayFollow(second, error)) throw error;
      return undefined;
    });
  }

  async *list(folder: string): AsyncGenerator<StoredFile, void> {
    const [first, second] = this.#sides();
    let begun = false;
    try {
      for await (const file of first.store.list(folder)) {
        begun = true;
        yield file;
      }
    } catch (error) {
      if (begun || !second || !this.#mayFollow(first, error)) throw error;
      yield* second.store.list(folder);
    }
  }

  readonly sweep = (): Promise<number> => this.#primary.store.sweep();

  /** @see Healer.prove */
  readonly prove = (name: string): Promise<void> => this.#healer.prove(name);

  /** Whether a file is read from the vault's own store, as things are. */
  reads(name: string): boolean {
    return this.#sides(name)[0] === this.#primary;
  }

  /** @see Healer.heal */
  readonly heal = (name: string): Promise<void> => this.#healer.heal(name);
  readonly idle = (): Promise<void> => this.#healer.idle();

  /** Stores that files may have been sent to directly: an address outlives a change of places. */
  get doors(): { store: Store; direct: DirectAccess }[] {
    return [this.#primary, this.#replica].flatMap((one) => {
      const direct = one?.store.direct;
      return one && direct ? [{ store: one.store, direct }] : [];
    });
  }

  /** A file that was sent to one of the stores directly is there: it counts once this resolves. */
  readonly arrived = (name: string, store: Store): Promise<void> => this.#follow(name, store);

  /** Whom to ask first, and whom then. */
  #sides(name = ''): [Side, Side | undefined] {
    const now = Date.now();
    const [primary, replica] = [this.#primary, this.#replica];
    if (!replica) return [primary, undefined];
    const away = primary.awayUntil > now && replica.awayUntil <= now;
    return away || this.#healer.isDetour(name) ? [replica, primary] : [primary, replica];
  }

  async #reading<T>(name: string, read: (store: Store) => Promise<T>): Promise<T> {
    const [first, second] = this.#sides(name);
    try {
      return await read(first.store);
    } catch (error) {
      if (!second || !this.#mayFollow(first, error)) throw error;
      const found = await read(second.store).catch((other) => {
        // The replica lacks much that is lost nowhere: what the store itself said counts.
        throw isLoss(other) || this.#mayFollow(second, other) ? error : other;
      });
      this.#noteLoss(name, first, error);
      return found;
    }
  }

  /** Whether another store may have what one just did not give. */
  #mayFollow(side: Side, error: unknown): boolean {
    if (isAway(error)) side.awayUntil = Date.now() + AWAY_MS;
    return isAway(error) || isLoss(error);
  }

  /** What the replica had to give is brought back in the background. */
  #noteLoss(name: string, side: Side, error: unknown): void {
    if (side !== this.#primary || !isLoss(error)) return;
    // Where it fails the next reader comes here again.
    this.heal(name).catch(() => {});
  }

  async #requireHome(): Promise<void> {
    if (!this.#missing) return;
    await requireVault(this.#primary.store);
    this.#missing = false;
  }

  /** Ends a write: where the stores changed places meanwhile, or are about to, the file goes to the other one too. */
  async #follow(name: string, at: Store): Promise<void> {
    const [primary, replica] = [this.primary, this.replica];
    if (at !== primary) await copyFile(name, { from: at, to: primary });
    else if (this.#mirrored && replica) await copyFile(name, { from: at, to: replica });
    if (idIn('pack', name) === undefined) this.changes += 1;
    this.#healer.forget(name);
    this.listener.written(name);
  }
}

const side = (store: Store): Side => ({ store, awayUntil: 0 });
