import { setImmediate as nextTurn } from 'node:timers/promises';
import { PutObjectRetentionCommand } from '@aws-sdk/client-s3';
import { fail } from '../../../protocol/failure.ts';
import type { FileLock, StoreLockQueries } from '../../db/store-locks.ts';
import { inLanes } from '../lanes.ts';
import { idIn } from '../layout.ts';
import { isTestFile } from './names.ts';
import { lockRefused, s3Failure, statusOf } from './s3-errors.ts';
import { type Bucket, headObject, type ObjectFacts } from './s3-head.ts';
import { describeBucket, type S3Options } from './s3-options.ts';
import type { StoreLock } from './store.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** A test file is locked no longer than the test of a bucket takes. */
const TEST_MS = 5 * MINUTE_MS;
/** Days beyond the vault's own: a file that every snapshot needs is locked anew once in a week. */
const SLACK_DAYS = 8;
/** A manifest may be written so long after what it needs was looked at. */
const MARGIN_DAYS = 1;
/** Requests about locks at the same time. */
const LANES = 16;
/** Files that are looked up before other work of the process gets its turn. */
const BATCH = 512;

/** The lock of an object, as a write asks for it. */
export interface LockTerms {
  ObjectLockMode: 'GOVERNANCE' | 'COMPLIANCE';
  ObjectLockRetainUntilDate: Date;
}

/** The same as headers, in the form in which the SDK signs them. */
export function lockHeaders({ ObjectLockMode, ObjectLockRetainUntilDate }: LockTerms) {
  return {
    'x-amz-object-lock-mode': ObjectLockMode,
    'x-amz-object-lock-retain-until-date': ObjectLockRetainUntilDate.toISOString().replace('.000Z', 'Z'),
  };
}

/** A bucket whose files can be read. */
interface ReadableBucket extends Bucket {
  /** SHA-256 of a file’s bytes, hex. */
  hash(name: string): Promise<string>;
}

/** Where locks are noted, and the time; milliseconds since the epoch. */
export interface LockGround {
  locks?: StoreLockQueries | undefined;
  now?: (() => number) | undefined;
}

/** Locks of the objects in a bucket. */
export class S3Lock implements StoreLock {
  readonly bucket: ReadableBucket;
  readonly wish: NonNullable<S3Options['lock']>;
  readonly #notes: StoreLockQueries | undefined;
  readonly #now: () => number;
  readonly #place: string;

  constructor(
    bucket: ReadableBucket,
    wish: NonNullable<S3Options['lock']>,
    { locks, now = Date.now }: LockGround,
  ) {
    this.bucket = bucket;
    this.wish = wish;
    this.#notes = locks;
    this.#now = now;
    this.#place = describeBucket(bucket.options);
  }

  /** How a file is locked by its write. */
  terms(name: string): LockTerms {
    if (isTestFile(name)) return this.#termsOf({ mode: this.wish.mode, until: this.#in(TEST_MS) });
    const slack = idIn('snapshot', name) === undefined ? SLACK_DAYS : 0;
    return this.#termsOf({ mode: this.wish.mode, until: this.#inDays(slack) });
  }

  /** A file was written on these terms. */
  written(name: string, terms: LockTerms): void {
    this.note(name, { mode: this.wish.mode, until: terms.ObjectLockRetainUntilDate.getTime() });
  }

  note(name: string, lock: FileLock): void {
    if (!isTestFile(name)) this.#notes?.note(this.#place, name, lock);
  }

  forget(name?: string): void {
    this.#notes?.forget(this.#place, name);
  }

  async look(name: string): Promise<void> {
    const found = await headObject(this.bucket, name);
    if (found?.lock) this.note(name, found.lock);
    else this.forget(name);
  }

  async hold(names: Iterable<string>): Promise<string[]> {
    const least = this.#inDays(MARGIN_DAYS);
    const due: string[] = [];
    let turn = 0;
    for (const name of names) {
      if (!this.#reaches(this.#notes?.of(this.#place, name), least)) due.push(name);
      turn += 1;
      if (turn % BATCH === 0) await nextTurn();
    }
    const lost: string[] = [];
    await inLanes(LANES, due, async (name) => {
      const found = await headObject(this.bucket, name);
      const held = found && (await this.#isOurs(name, found)) && (await this.#extend(name, found, least));
      if (!held) lost.push(name);
    });
    return lost;
  }

  /** @throws FailureError `file_locked` */
  async requireFree(name: string): Promise<void> {
    if (isTestFile(name)) return;
    const { lock } = (await headObject(this.bucket, name)) ?? {};
    if (!lock || lock.until <= this.#now()) return;
    throw fail(
      'file_locked',
      `${name} is locked until ${new Date(lock.until).toISOString()} (${lock.mode}).`,
      'Wait until then. Whoever has the right s3:BypassGovernanceRetention can lift a lock of mode governance.',
    );
  }

  /**
   * Locks this version of a file until then, in the mode of the vault.
   * @returns whether it is there
   * @throws FailureError `lock_failed` | `store_unavailable`
   */
  async lockVersion(name: string, versionId: string | undefined, lock: FileLock): Promise<boolean> {
    const { at, client, options } = this.bucket;
    const { ObjectLockMode: Mode, ObjectLockRetainUntilDate: RetainUntilDate } = this.#termsOf(lock);
    const Retention = { Mode, RetainUntilDate };
    const which = { ...at(name), ...(versionId === undefined ? {} : { VersionId: versionId }) };
    try {
      await client.send(new PutObjectRetentionCommand({ ...which, Retention, ChecksumAlgorithm: 'SHA256' }));
      return true;
    } catch (error) {
      const status = statusOf(error);
      if (status === 404 || status === 405) return false;
      if (status < 400 || status === 408 || status === 429 || status >= 500) throw s3Failure(error, options);
      throw lockRefused(error, options, name);
    }
  }

  /** A bucket has no hash of what was put there without one: not by us, or long ago. */
  async #isOurs(name: string, { sha256 }: ObjectFacts): Promise<boolean> {
    const pack = idIn('pack', name);
    return pack === undefined || (sha256 ?? (await this.bucket.hash(name))) === pack;
  }

  /** Never shortens what is there, nor makes it weaker. */
  async #extend(name: string, { lock, versionId }: ObjectFacts, least: number): Promise<boolean> {
    if (lock && this.#reaches(lock, least)) {
      this.note(name, lock);
      return true;
    }
    const mode = lock?.mode === 'compliance' ? 'compliance' : this.wish.mode;
    const target = this.terms(name).ObjectLockRetainUntilDate.getTime();
    const wanted = { mode, until: Math.max(lock?.until ?? 0, target) } as const;
    const done = await this.lockVersion(name, versionId, wanted);
    if (done) this.note(name, wanted);
    return done;
  }

  #reaches(lock: FileLock | undefined, least: number): boolean {
    if (!lock || lock.until < least) return false;
    return this.wish.mode === 'governance' || lock.mode === 'compliance';
  }

  #termsOf({ mode, until }: FileLock): LockTerms {
    return {
      ObjectLockMode: mode === 'compliance' ? 'COMPLIANCE' : 'GOVERNANCE',
      ObjectLockRetainUntilDate: new Date(until),
    };
  }

  #inDays(slack: number): number {
    return this.#in((this.wish.days + slack) * DAY_MS);
  }

  /** Whole seconds: stores keep no finer ones. */
  #in(ms: number): number {
    return Math.ceil((this.#now() + ms) / 1000) * 1000;
  }
}
