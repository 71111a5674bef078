import type { HeritageDocument, RestoreSourceDocument } from '../../protocol/job.ts';

/**
 * The vault as an agent sees it: it can add, and read what its restore names; never list, overwrite or
 * delete. Calls retry transient faults themselves, with backoff, until `signal` aborts.
 */
export interface VaultClient {
  /** For n chunk ids of 32 bytes each: n×16 bytes, the id of the data key each is sealed with, zeros where missing. */
  missing(serverId: string, ids: Uint8Array, signal: AbortSignal): Promise<Buffer>;
  /** Stores `keys/<id>.age`; idempotent. */
  putKey(keyId: string, file: Uint8Array, signal: AbortSignal): Promise<void>;
  /** Stores a pack named by the SHA-256 of its bytes; durable once resolved; idempotent. */
  putPack(sha256: string, parts: readonly Uint8Array[], signal: AbortSignal): Promise<void>;
  /** Bytes `[offset, offset + length)` of a pack. */
  getPack(sha256: string, range: { offset: number; length: number }, signal: AbortSignal): Promise<Buffer>;
  /** Commits a manifest file for the running attempt; idempotent. */
  commit(
    attempt: { jobId: string; attempt: number },
    manifest: Uint8Array,
    signal: AbortSignal,
  ): Promise<void>;
  /** What a restore job starts from. */
  source(attempt: { jobId: string; attempt: number }, signal: AbortSignal): Promise<RestoreSourceDocument>;
  /** What a successor's backup can build on. @throws FailureError `not_found` where there is nothing */
  heritage(attempt: { jobId: string; attempt: number }, signal: AbortSignal): Promise<HeritageDocument>;
}
