/**
 * Where a vault's files lie. Names are `/`-separated paths of `[A-Za-z0-9._-]` segments; anything else is
 * refused. One control plane writes to a store at a time. What is not reachable or not writable fails with
 * `store_unavailable`, a full disk with `disk_full`. Every driver passes test/contract/store.ts.
 */
export interface Store {
  /**
   * Writes a whole file: once resolved it is durable, and nobody ever sees a part of it. Replaces what had the
   * name. Resolves with its length in bytes.
   * @throws FailureError `message_too_large` beyond `maxBytes`, `pack_corrupt` where the hash differs
   */
  put(name: string, body: Iterable<Uint8Array> | AsyncIterable<Uint8Array>, terms: PutTerms): Promise<number>;
  /** Like {@link put}, but keeps what has the name already; says whether it wrote. */
  putIfAbsent(name: string, bytes: Uint8Array): Promise<boolean>;
  /** Exactly the bytes of `range`, or of the whole file. @throws FailureError `not_found` | `pack_corrupt` */
  read(name: string, range?: StoreRange): Promise<Buffer>;
  /** The same as a stream. @throws FailureError `not_found` | `pack_corrupt` */
  stream(name: string, range?: StoreRange): AsyncGenerator<Buffer, void>;
  /** Length in bytes, or `undefined` where there is no such file. */
  size(name: string): Promise<number | undefined>;
  /** Every file below a folder, in no particular order. */
  list(folder: string): AsyncIterable<StoredFile>;
  /** Removes what interrupted writes left behind; says how many files. Only while nothing is being written. */
  sweep(): Promise<number>;
  /**
   * Removes a file; nothing happens where there is none. Absent where nothing is removed.
   * @throws FailureError `file_locked` where nobody can remove it before some time; it then stays as it is
   */
  remove?(name: string): Promise<void>;
  /** How much room there is, as far as it can be told; absent where a store never can. */
  room?(): Promise<StoreRoom>;
  /** Absent where bytes go through the control plane only. */
  readonly direct?: DirectAccess | undefined;
  /** Absent where what is written can be deleted again at any time. */
  readonly lock?: StoreLock | undefined;
}

/**
 * Keeps files from being deleted or overwritten for a time. Every write locks what it writes: a manifest for as long as the
 * vault says from now on, anything else for some days longer, so that what many snapshots share need not be locked anew
 * for each of them.
 */
export interface StoreLock {
  /**
   * Sees to it that each file is locked for as long as a manifest that is written within a day. Only of files whose lock is not
   * noted, or does not reach that far, the store is asked.
   * @returns names of files that are not there, or are not what was written
   * @throws FailureError `lock_failed` | `store_unavailable`
   */
  hold(names: Iterable<string>): Promise<string[]>;
  /** Asks the store until when a file is locked, and notes it. */
  look(name: string): Promise<void>;
  /** Forgets what is noted of all files. */
  forget(): void;
}

/** Lets others send and fetch single files of a store, past the control plane. */
export interface DirectAccess {
  /**
   * Where bytes of this hash (hex), and no others, may be put under a name that is free; by one PUT with exactly these
   * headers.
   */
  uploadAddress(name: string, sha256: string): Promise<{ url: string; headers: Record<string, string> }>;
  /** Where a file can be read by GET, with `Range`. */
  downloadAddress(name: string): Promise<string>;
  /** Length in bytes and the hash (hex) that the store itself made; `undefined` where there is no such file. */
  inspect(name: string): Promise<{ length: number; sha256?: string } | undefined>;
  /** Takes a file that must not count out of sight; where it is locked its bytes stay below. */
  remove(name: string): Promise<void>;
}

export interface PutTerms {
  maxBytes: number;
  /** Hex; the bytes are hashed on their way and refused where they differ. */
  sha256?: string;
  /** Looks at the bytes as the store has them, before they take their name; what it throws refuses them. */
  accept?: (staged: StagedFile) => Promise<void>;
  /** Told of each part of the body that the store will not look at again. */
  release?: ((part: Uint8Array) => void) | undefined;
}

/** A file that is written but has no name yet. */
export interface StagedFile {
  /** Bytes. */
  length: number;
  read(range: StoreRange): Promise<Buffer>;
}

/** Bytes. */
export interface StoreRoom {
  free?: number;
  total?: number;
}

/** Bytes `[offset, offset + length)`. */
export interface StoreRange {
  offset: number;
  length: number;
}

export interface StoredFile {
  name: string;
  /** Bytes. */
  length: number;
}
