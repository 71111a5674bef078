import { FailureError, fail } from '../../../protocol/failure.ts';
import { describeBucket, type S3Options } from './s3-options.ts';

/** What the SDK throws, as far as it is looked at. */
interface S3Error extends Error {
  /** `NoSuchKey`, `SlowDown`, …: the service’s own code. */
  name: string;
  /** Of a socket: `ECONNREFUSED`, … */
  code?: string;
  $metadata?: { httpStatusCode?: number; attempts?: number };
}

/** Status of the answer behind an error, 0 where there was none. */
export function statusOf(error: unknown): number {
  return (error as S3Error | undefined)?.$metadata?.httpStatusCode ?? 0;
}

/** Whether the request that failed was a repeated one, so that an earlier try of it may have succeeded. */
export function wasRepeated(error: unknown): boolean {
  return ((error as S3Error | undefined)?.$metadata?.attempts ?? 1) > 1;
}

/** Remedies by the service’s own code. */
const REMEDIES: Record<string, string> = {
  NoSuchBucket: 'Make the bucket, or correct its name, region and endpoint.',
  InvalidAccessKeyId: 'Give the vault an access key that exists.',
  SignatureDoesNotMatch: 'Give the vault the secret key that belongs to its access key.',
  AccessDenied:
    'Allow the access key s3:GetObject, s3:PutObject, s3:DeleteObject on the vault’s folder and s3:ListBucket on the bucket.',
  InvalidObjectState: 'Use a storage class whose objects can be read at once.',
  RequestTimeTooSkewed: 'Set the clock of the control plane’s host: it differs from the store’s.',
  PermanentRedirect: 'Correct the region or the endpoint: the bucket is elsewhere.',
  AuthorizationHeaderMalformed: 'Correct the region: the bucket is in another one.',
};

const LOCK_RIGHTS =
  'For Object Lock it needs s3:PutObjectRetention and s3:GetObjectRetention there, and s3:GetBucketObjectLockConfiguration on the bucket.';

/** Codes of stores that have no room, where the word is not in them. */
const FULL = new Set(['QuotaExceeded', 'XMinioStorageFull', 'InsufficientCapacity', 'EntityTooLarge']);

/** What a failed request to a bucket means to whoever asked for it. Secrets are in none of it. */
export function s3Failure(error: unknown, options: S3Options): unknown {
  if (error instanceof FailureError) return error;
  const refused = causeOf(error);
  if (refused) return refused;
  if (!(error instanceof Error)) return error;
  const { code, message, name } = error as S3Error;
  const where = describeBucket(options);
  const status = statusOf(error);
  if (FULL.has(name) || status === 507)
    return fail('disk_full', `${where} has no room: ${name}.`, 'Raise its quota or free space in it.', {
      cause: error,
    });
  // The answer to a HEAD has no body to name it.
  const answer = name === 'Unknown' || name === 'NotFound' ? `${status}` : `${status} ${name}`;
  const remedy = REMEDIES[name] ?? (status === 403 ? REMEDIES.AccessDenied : undefined);
  const locks = options.lock && remedy === REMEDIES.AccessDenied ? ` ${LOCK_RIGHTS}` : '';
  return fail(
    'store_unavailable',
    `${where} answers “${status === 0 ? (code ?? message) : answer}”.`,
    remedy ? `${remedy}${locks}` : 'Check that the store is up and that the control plane reaches it.',
    { retryable: status === 0 || status === 408 || status === 429 || status >= 500, cause: error },
  );
}

/** What it means that a bucket does not lock a file. */
export function lockRefused(error: unknown, options: S3Options, name: string): FailureError {
  const code = error instanceof Error ? ` ${error.name}` : '';
  return fail(
    'lock_failed',
    `${describeBucket(options)} does not lock ${name}: it answers “${statusOf(error)}${code}”.`,
    `Look at the rights of the access key, and for a policy that limits how long objects may be locked. ${LOCK_RIGHTS}`,
    { cause: error },
  );
}

/** The SDK may wrap what a lookup threw. */
function causeOf(error: unknown): FailureError | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth += 1)
    if (at instanceof FailureError) return at;
  return undefined;
}
