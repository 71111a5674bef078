import type { Failure } from '../../protocol/failure.ts';
import type { PendingPacks } from '../db/replica-copies.ts';
import type { CollectionState } from './collection/collections.ts';
import type { CheckState } from './replicas/checks.ts';
import type { CopierState } from './replicas/copier.ts';
import type { StoreChoice } from './stores/choice.ts';
import type { S3Options } from './stores/s3-options.ts';

/** A vault as others are told of it: none of its keys, and none of what opens its store. */
export interface VaultRecord {
  id: string;
  name: string;
  mode: 'managed';
  store: StoreChoice['kind'];
  /** Its directory, or its bucket or remote in words. */
  path: string;
  /** How its bucket is used, without keys; null for a vault that is in none. */
  bucket: BucketFacts | null;
  /** How it is reached by rclone, without passwords and keys; null for any other. */
  remote: RemoteFacts | null;
  /** Whether new backups go there. */
  isDefault: boolean;
  /** Of the vault's signing key. */
  fingerprint: string;
  snapshotCount: number;
  /** Bytes of all packs. */
  storedBytes: number;
  /** When the recovery kit was last handed out. */
  kitDownloadedAt: number | null;
  createdAt: number;
  /** Why its store could not be asked at the start, until it is there. */
  unreachable: Failure | null;
  replica: ReplicaRecord | null;
  /** The check of all its files that is under way, or the last. */
  check: CheckState | null;
  /** Days between checks that begin by themselves; 0: none does. */
  checkEveryDays: number;
  /** The freeing of space that is under way, or the last. */
  collection: CollectionState | null;
  /** Snapshots that the index has lost without anybody deleting them. */
  forgottenCount: number;
  /** What no snapshot needs and is still to be removed from its stores. */
  leaving: { files: number; bytes: number };
}

/** A vault's second copy. */
export interface ReplicaRecord extends Pick<CopierState, 'failure' | 'nextTryAt'> {
  store: StoreChoice['kind'];
  path: string;
  bucket: BucketFacts | null;
  remote: RemoteFacts | null;
  /** `current`: it has everything; `waiting`: for the next try. */
  state: 'current' | 'copying' | 'waiting';
  /** The vault moves there once everything is copied. */
  moving: boolean;
  /** Snapshots that it has whole. */
  snapshotCount: number;
  /** What is still to be copied. */
  pending: PendingPacks;
}

/** How a bucket is used, as far as it may be told. */
export interface BucketFacts
  extends Omit<S3Options, 'kind' | 'accessKeyId' | 'secretAccessKey' | 'endpoint' | 'storageClass' | 'lock'> {
  endpoint: string | null;
  storageClass: string | null;
  /** How what is written there is locked. */
  lock: NonNullable<S3Options['lock']> | null;
}

/** A place rclone reaches, as far as it may be told. */
export interface RemoteFacts {
  /** `sftp`, or what rclone calls it. */
  type: string;
  path: string;
  /** SFTP only. */
  sftp: { host: string; port: number; user: string; hostKeys: string; fingerprints: string[] } | null;
}
