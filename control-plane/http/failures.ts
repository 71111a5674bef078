import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { Failure, FailureCode } from '../../protocol/failure.ts';

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
  policy_denied: 403,
  not_found: 404,
  agent_unknown: 404,
  conflict: 409,
  lease_lost: 409,
  chunks_missing: 409,
  cancelled: 409,
  message_too_large: 413,
  internal: 500,
  key_missing: 500,
  agent_busy: 503,
  agent_offline: 503,
  control_plane_unreachable: 503,
  store_unavailable: 503,
  request_timeout: 504,
  disk_full: 507,
};

/** HTTP status of a failure; 422 where a server, a tool or a privilege stands in the way. */
export function statusOf(failure: Failure): ContentfulStatusCode {
  return STATUS[failure.code] ?? 422;
}

/** The one shape errors have everywhere: `{ error: Failure }`. */
export function replyFailure(c: Context, failure: Failure): Response {
  const status = statusOf(failure);
  // The rest of an oversized body is not read, so the connection cannot be used again.
  if (status === 413) c.header('connection', 'close');
  return c.json({ error: failure }, status);
}
