import { type FailureError, fail } from '../../protocol/failure.ts';

/** Somebody wanted it to end. */
export function cancelledFailure(): FailureError {
  return fail('cancelled', 'The job was cancelled.', 'Nothing to do.');
}

/** The attempt does not count any more. */
export function fencedFailure(): FailureError {
  return fail('lease_lost', 'The control plane gave this attempt up.', 'Nothing to do.', { retryable: true });
}

/** The agent itself is ending. */
export function stoppedFailure(): FailureError {
  return fail(
    'lease_lost',
    'The agent was told to stop in the middle of this attempt.',
    'A backup is tried again once the agent is back, and uploads only what is missing.',
    { retryable: true },
  );
}
