import { type Failure, failureSchema } from '../../protocol/failure.ts';
import type { ApiJob } from './api-shapes.ts';
import { eventually } from './eventually.ts';

/** An answer of the API that is not 2xx, with the failure it carries. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly failure: Failure;

  constructor(request: string, status: number, failure: Failure) {
    super(`${request} → ${status} ${failure.code}: ${failure.message} (${failure.hint})`);
    this.status = status;
    this.failure = failure;
  }
}

/** The REST API as a script would use it: Bearer key, JSON in and out. */
export interface Api {
  readonly url: string;
  readonly key: string;
  get<T>(path: string): Promise<T>;
  post<T>(path: string, body?: unknown): Promise<T>;
  put<T>(path: string, body: unknown): Promise<T>;
  patch<T>(path: string, body: unknown): Promise<T>;
  delete<T>(path: string, body?: unknown): Promise<T>;
  /** Raw answer of a GET, e.g. a download. */
  fetch(path: string): Promise<Response>;
  /** Waits until a job is over and gives it. */
  finished(jobId: string): Promise<ApiJob>;
}

/** As long as the command line waits: longer than the control plane waits for an agent. */
const REQUEST_MS = 60_000;

const ENDED = new Set(['succeeded', 'failed', 'cancelled', 'lost']);

/** `more` are headers of every request. */
export function createApi(url: string, key: string, more: Record<string, string> = {}): Api {
  const headers = { ...more, authorization: `Bearer ${key}` };
  const send = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const response = await fetch(`${url}/api/v1${path}`, {
      method,
      headers: body === undefined ? headers : { ...headers, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(REQUEST_MS),
    });
    return answer<T>(`${method} ${path}`, response);
  };
  const api: Api = {
    url,
    key,
    get: (path) => send('GET', path),
    post: (path, body) => send('POST', path, body),
    put: (path, body) => send('PUT', path, body),
    patch: (path, body) => send('PATCH', path, body),
    delete: (path, body) => send('DELETE', path, body),
    fetch: (path) => fetch(`${url}/api/v1${path}`, { headers }),
    finished: (jobId) =>
      eventually(
        `job ${jobId} ends`,
        async () => {
          // While the control plane restarts, nobody answers; that is part of some tests.
          const job = await api.get<ApiJob>(`/jobs/${jobId}`).catch(unlessUnreachable);
          return job && ENDED.has(job.state) && job;
        },
        100_000,
      ),
  };
  return api;
}

function unlessUnreachable(error: unknown): undefined {
  if (error instanceof TypeError) return undefined;
  throw error;
}

async function answer<T>(request: string, response: Response): Promise<T> {
  const text = await response.text();
  if (response.ok) return (text === '' ? undefined : JSON.parse(text)) as T;
  const parsed = failureSchema.safeParse(errorOf(text));
  if (!parsed.success)
    throw new Error(`${request} → ${response.status}, not a Failure: ${text.slice(0, 500)}`);
  throw new ApiError(request, response.status, parsed.data);
}

function errorOf(text: string): unknown {
  try {
    return (JSON.parse(text) as { error?: unknown }).error;
  } catch {
    return undefined;
  }
}

/** What a promise of an API call is refused with. */
export async function refusal(call: Promise<unknown>): Promise<ApiError> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof ApiError) return error;
  throw new Error('The call was not refused.', { cause: error });
}
