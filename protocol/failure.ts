import { z } from 'zod';

/**
 * Every code a {@link Failure} can carry. The list is public API: codes may be added, never renamed.
 * `docs/errors.md` explains each with its remedy; a test keeps the two in step.
 */
export const FAILURE_CODES = [
  // reaching and using a database server
  'connection_refused',
  'connection_timeout',
  'unknown_host',
  'access_denied',
  'tls_required',
  'tls_untrusted',
  'server_gone',
  'server_too_old',
  'wrong_engine',
  'database_missing',
  'database_exists',
  'database_in_use',
  'privilege_missing',
  'tool_missing',
  'tool_too_old',
  'dump_incomplete',
  'restore_sql_error',
  'restore_not_possible',
  'safety_snapshot_failed',
  'disk_full',
  'drill_failed',
  'drill_not_possible',
  // running jobs
  'cancelled',
  'job_stalled',
  'lease_lost',
  'agent_offline',
  'agent_busy',
  'request_timeout',
  'control_plane_unreachable',
  'proxy_unreachable',
  'proxy_login_required',
  'proxy_refused',
  'policy_denied',
  'destination_mismatch',
  'credentials_missing',
  // updating agents
  'update_untrusted',
  'update_not_newer',
  'update_damaged',
  'update_not_possible',
  'update_rolled_back',
  // the vault
  'store_unavailable',
  'chunks_missing',
  'pack_corrupt',
  'manifest_invalid',
  'signature_invalid',
  'key_missing',
  'file_locked',
  'lock_failed',
  // the wire and the API
  'protocol_mismatch',
  'agent_unknown',
  'agent_revoked',
  'agent_duplicate',
  'enrolment_token_invalid',
  'control_plane_untrusted',
  'unknown_message',
  'message_too_large',
  'invalid_input',
  'unauthorized',
  'forbidden',
  'reauthentication_required',
  'provider_unavailable',
  'sign_in_refused',
  'not_found',
  'conflict',
  'internal',
] as const;

export type FailureCode = (typeof FAILURE_CODES)[number];

/** What went wrong and what to do about it, in the words a user reads. */
export const failureSchema = z.object({
  code: z.enum(FAILURE_CODES),
  /** What happened, one sentence, no secrets. */
  message: z.string().max(8192),
  /** What to do about it: the remedy. */
  hint: z.string().max(8192),
  /** Whether trying the same thing again may succeed without anyone changing anything. */
  retryable: z.boolean(),
  /** SQL that removes the cause, ready to paste; shown with a copy button. */
  sql: z.string().max(8192).optional(),
  /** Last lines of the tool's own output, redacted. */
  detail: z.string().max(16384).optional(),
});
export type Failure = z.infer<typeof failureSchema>;

/** A {@link Failure} on its way up to whoever reports it. */
export class FailureError extends Error {
  override readonly name = 'FailureError';
  readonly failure: Failure;

  constructor(failure: Failure, options?: ErrorOptions) {
    super(`${failure.code}: ${failure.message}`, options);
    this.failure = failure;
  }
}

/** Shorthand for the common case of throwing a failure that is not worth retrying. */
export function fail(
  code: FailureCode,
  message: string,
  hint: string,
  extra: Partial<Pick<Failure, 'retryable' | 'sql' | 'detail'>> & ErrorOptions = {},
): FailureError {
  const { cause, ...rest } = extra;
  return new FailureError({ code, message, hint, retryable: false, ...rest }, { cause });
}

/** The failure an unknown error stands for; anything that is not a {@link FailureError} is `internal`. */
export function toFailure(error: unknown): Failure {
  if (error instanceof FailureError) return error.failure;
  return {
    code: 'internal',
    message: error instanceof Error ? error.message : String(error),
    hint: 'This is a defect in Homeport. Please report it with the log lines around it.',
    retryable: false,
  };
}
