import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** Headers of a bulk request, beside `authorization: Bearer <session>`. */
export const BULK_HEADERS = {
  /** {@link bulkSignature} of the request; on signed replies, of the reply. */
  signature: 'homeport-signature',
  /** SHA-256 of the body, hex; of the empty string where there is none. */
  bodyHash: 'homeport-body-sha256',
  /** Attempt number of the job a commit or source request is for. */
  attempt: 'homeport-attempt',
} as const;

/** What a bulk signature covers. `path` is the request target with its query. */
export interface BulkFacts {
  method: string;
  path: string;
  range: string;
  attempt: string;
  bodyHash: string;
}

/**
 * HMAC-SHA-256, base64url, with the connection's bulk key: a middlebox that sees the bearer cannot use it
 * for anything but repeating a request word by word, and all of them are idempotent.
 */
export function bulkSignature(bulkKey: Uint8Array, facts: BulkFacts): string {
  const lines = [
    'homeport/1 bulk request',
    facts.method,
    facts.path,
    facts.range,
    facts.attempt,
    facts.bodyHash,
  ];
  return createHmac('sha256', bulkKey).update(lines.join('\n')).digest('base64url');
}

/** Signature of a reply, bound to its request, so that a middlebox cannot claim that something is stored. */
export function bulkReplySignature(
  bulkKey: Uint8Array,
  request: BulkFacts,
  status: number,
  body: Uint8Array,
): string {
  const bodyHash = createHash('sha256').update(body).digest('hex');
  const lines = ['homeport/1 bulk reply', bulkSignature(bulkKey, request), String(status), bodyHash];
  return createHmac('sha256', bulkKey).update(lines.join('\n')).digest('base64url');
}

export function signaturesEqual(a: string, b: string): boolean {
  const left = Buffer.from(a);
  const right = Buffer.from(b);
  return left.length === right.length && timingSafeEqual(left, right);
}
