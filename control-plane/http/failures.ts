import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { BULK_HEADERS } from '../../protocol/bulk.ts';
import type { Failure, FailureCode } from '../../protocol/failure.ts';
import type { BulkVariables } from '../agents/bulk-auth.ts';

const STATUS: Partial<Record<FailureCode, ContentfulStatusCode>> = {
  invalid_input: 400,
  unknown_message: 400,
  manifest_invalid: 400,
  pack_corrupt: 400,
  signature_invalid: 400,
  unauthorized: 401,
  enrolment_token_invalid: 403,
  agent_revoked: 403,
  forbidden: 403,
  reauthentication_required: 403,
  sign_in_refused: 403,
  policy_denied: 403,
  not_found: 404,
  agent_unknown: 404,
  conflict: 409,
  lease_lost: 409,
  chunks_missing: 409,
  file_locked: 409,
  cancelled: 409,
  message_too_large: 413,
  internal: 500,
  key_missing: 500,
  agent_busy: 503,
  agent_offline: 503,
  control_plane_unreachable: 503,
  store_unavailable: 503,
  provider_unavailable: 503,
  request_timeout: 504,
  disk_full: 507,
};

/** HTTP status of a failure; 422 where a server, a tool or a privilege stands in the way. */
export function statusOf(failure: Failure): ContentfulStatusCode {
  return STATUS[failure.code] ?? 422;
}

/**
 * The one shape errors have everywhere: `{ error: Failure }`. To an agent that proved itself it is signed: what a
 * failure says is shown to people, some of it to be pasted into a server.
 */
export function replyFailure(c: Context, failure: Failure): Response {
  const status = statusOf(failure);
  // The rest of an oversized body is not read, so the connection cannot be used again.
  if (status === 413) c.header('connection', 'close');
  const body = Buffer.from(JSON.stringify({ error: failure }));
  const sign = c.get('signReply') as BulkVariables['signReply'] | undefined;
  const signature = sign && { [BULK_HEADERS.signature]: sign(status, body) };
  return c.body(body, status, { 'content-type': 'application/json', ...signature });
}
