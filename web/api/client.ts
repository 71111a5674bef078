import type { Failure } from './types.ts';

/** An answer of the API that is not a success; carries the words a user reads. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly failure: Failure;
  /** The whole body, for answers that say more than a failure, e.g. preflight findings. */
  readonly body: unknown;

  constructor(status: number, failure: Failure, body?: unknown) {
    super(failure.message);
    this.status = status;
    this.failure = failure;
    this.body = body;
  }
}

const unreachable: Failure = {
  code: 'control_plane_unreachable',
  message: 'The control plane does not answer.',
  hint: 'Check that it is running and that this browser can reach it. Nothing you typed is lost: try again.',
  retryable: true,
};

async function failureOf(response: Response): Promise<ApiError> {
  const body: unknown = await response.json().catch(() => null);
  const error = body && typeof body === 'object' && 'error' in body ? body.error : null;
  if (error && typeof error === 'object' && 'message' in error) {
    return new ApiError(response.status, error as Failure, body);
  }
  return new ApiError(response.status, {
    code: response.status === 401 ? 'unauthorized' : 'internal',
    message: `The control plane answered ${response.status}.`,
    hint: 'Look at its log for the reason, then try again.',
    retryable: response.status >= 500,
  });
}

/**
 * One request to `/api/v1`, answered as JSON.
 * @throws ApiError with the failure of the answer, or `control_plane_unreachable`
 */
export async function request<T>(method: string, path: string, body?: unknown): Promise<T> {
  const init: RequestInit = { method, headers: { accept: 'application/json' } };
  if (body !== undefined) {
    init.headers = { ...init.headers, 'content-type': 'application/json' };
    init.body = JSON.stringify(body);
  }
  const response = await fetch(`/api/v1${path}`, init).catch(() => {
    throw new ApiError(0, unreachable);
  });
  if (!response.ok) throw await failureOf(response);
  if (response.status === 204) return undefined as T;
  return (await response.json()) as T;
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
