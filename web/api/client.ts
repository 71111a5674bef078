import type { Failure } from '../../protocol/failure.ts';

/** An answer of the API that is not a success; carries the words a user reads. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly failure: Failure;

  constructor(status: number, failure: Failure) {
    super(failure.message);
    this.status = status;
    this.failure = failure;
  }
}

/** What a request that got no answer at all fails with. */
export function unreachable(): never {
  throw new ApiError(0, {
    code: 'control_plane_unreachable',
    message: 'The control plane does not answer.',
    hint: 'Check that it is running and that this browser can reach it. Nothing you typed is lost: try again.',
    retryable: true,
  });
}

/** The failure an answer carries, or words for one that carries none (a proxy’s, for example). */
export async function failureOf(response: { status: number; json(): Promise<unknown> }): Promise<ApiError> {
  const body: unknown = await response.json().catch(() => null);
  const error = body && typeof body === 'object' && 'error' in body ? body.error : null;
  if (error && typeof error === 'object' && 'message' in error) {
    return new ApiError(response.status, error as Failure);
  }
  return new ApiError(response.status, {
    code: response.status === 401 ? 'unauthorized' : 'internal',
    message: `The control plane answered ${response.status}.`,
    hint: 'Look at its log for the reason, then try again.',
    retryable: response.status >= 500,
  });
}

/** The failure to show for anything thrown by a query or an act. */
export function failureFrom(error: unknown): Failure {
  if (error instanceof ApiError) return error.failure;
  return {
    code: 'internal',
    message: error instanceof Error ? error.message : String(error),
    hint: 'This is a defect in the page. Reload it; if it comes back, report it.',
    retryable: true,
  };
}
