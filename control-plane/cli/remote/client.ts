import { z } from 'zod';
import { type Failure, FailureError, fail, failureSchema } from '../../../protocol/failure.ts';
import { HOMEPORT_VERSION } from '../../../protocol/version.ts';
import type { Login } from './login.ts';

/** Longer than the control plane waits for an agent (30 s), so that its own answer is the one that is shown. */
const REQUEST_MS = 60_000;
const MAX_BODY_BYTES = 64 * 1024 * 1024;
/** Rows of a list that are asked for at once: as many as there may be. */
const PAGE = 500;

export type OpenResponse = Response & { body: ReadableStream<Uint8Array> };

type Send = <T>(path: string, body: unknown, shape: z.ZodType<T>) => Promise<T>;

/** The API of one control plane, as one key may use it. Everything that is not 2xx is thrown as a FailureError. */
export interface Client {
  readonly url: string;
  get<T>(path: string, shape: z.ZodType<T>, signal?: AbortSignal): Promise<T>;
  /** All of a list, page by page; what is on two pages because the list grew meanwhile is there once. */
  list<T extends { id: string }>(path: string, shape: z.ZodType<T>): Promise<T[]>;
  post: Send;
  put: Send;
  patch: Send;
  delete: Send;
  /** A request whose answer, no JSON, is read as it comes; `signal` ends it. A GET unless told. */
  open(path: string, options: { signal: AbortSignal; method?: 'POST' }): Promise<OpenResponse>;
}

// A control plane that is newer than this program may have codes that it does not know.
const errorShape = z.object({ error: failureSchema.extend({ code: z.string().max(64) }) });

export function createClient({ key, url }: Pick<Login, 'url' | 'key'>): Client {
  const send = async (path: string, init: RequestInit): Promise<Response> => {
    const headers = {
      authorization: `Bearer ${key}`,
      'user-agent': `homeport-cli/${HOMEPORT_VERSION}`,
      ...(init.body ? { 'content-type': 'application/json' } : {}),
    };
    // Redirects are not followed: the key is for this address alone.
    const request = { ...init, headers, redirect: 'manual' } as const;
    const response = await fetch(`${url}/api/v1${path}`, request).catch((error: unknown) => {
      throw unreachable(url, error);
    });
    if (response.status >= 300 && response.status < 400) {
      await response.body?.cancel();
      throw redirected(url, response.headers.get('location'));
    }
    if (!response.ok) throw refusalOf(url, response.status, await readText(url, response));
    return response;
  };
  const whole = async <T>(path: string, init: RequestInit, shape: z.ZodType<T>): Promise<T> => {
    const timeout = AbortSignal.timeout(REQUEST_MS);
    const signal = init.signal ? AbortSignal.any([init.signal, timeout]) : timeout;
    const response = await send(path, { ...init, signal });
    return understood(url, await readText(url, response), shape);
  };
  const sending =
    (method: string): Send =>
    (path, body, shape) =>
      whole(path, { method, body: JSON.stringify(body ?? {}) }, shape);
  return {
    url,
    get: (path, shape, signal) => whole(path, { method: 'GET', signal: signal ?? null }, shape),
    async list(path, shape) {
      const [route, query] = path.split('?');
      const all = new Map<string, z.infer<typeof shape>>();
      for (let offset = 0; ; offset += PAGE) {
        const wanted = new URLSearchParams(query);
        wanted.set('limit', String(PAGE));
        wanted.set('offset', String(offset));
        const page = await whole(`${route}?${wanted}`, { method: 'GET' }, z.array(shape));
        for (const one of page) all.set(one.id, one);
        if (page.length < PAGE) return [...all.values()];
      }
    },
    post: sending('POST'),
    put: sending('PUT'),
    patch: sending('PATCH'),
    delete: sending('DELETE'),
    async open(path, { method = 'GET', signal }) {
      const slow = new AbortController();
      const timer = setTimeout(() => slow.abort(timedOut()), REQUEST_MS);
      try {
        const response = await send(path, { method, signal: AbortSignal.any([signal, slow.signal]) });
        if (!response.body) throw notHomeport(url, 'an empty answer');
        return response as OpenResponse;
      } finally {
        clearTimeout(timer);
      }
    },
  };
}

async function readText(url: string, response: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const part of response.body ?? []) {
      length += part.length;
      if (length > MAX_BODY_BYTES) throw notHomeport(url, 'an answer without end');
      parts.push(part);
    }
  } catch (error) {
    throw error instanceof FailureError ? error : unreachable(url, error);
  }
  return Buffer.concat(parts).toString('utf8');
}

function understood<T>(url: string, text: string, shape: z.ZodType<T>): T {
  const json = jsonOf(text);
  if (json === undefined) throw notHomeport(url, 'an answer that is not JSON');
  const parsed = shape.safeParse(json);
  if (parsed.success) return parsed.data;
  const { message, path } = parsed.error.issues[0] ?? { path: [], message: '' };
  throw fail(
    'unknown_message',
    `The control plane answered what this version (${HOMEPORT_VERSION}) does not understand: ${path.join('.') || 'all of it'}: ${message}`,
    'Use the command line of the same version as the control plane: homeport whoami shows that.',
  );
}

function refusalOf(url: string, status: number, text: string): FailureError {
  const parsed = errorShape.safeParse(jsonOf(text));
  return parsed.success
    ? new FailureError(parsed.data.error as Failure)
    : notHomeport(url, `HTTP status ${status} without a word of Homeport’s`);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What a proxy says while the control plane is down looks like this, too: so it counts as out of reach. */
function notHomeport(url: string, what: string) {
  return fail(
    'control_plane_unreachable',
    `${url} gave ${what}.`,
    'Check that this is the control plane’s address, that it runs, and what a proxy in front of it says.',
    { retryable: true },
  );
}

function redirected(url: string, location: string | null) {
  const to = location === null ? 'elsewhere' : (URL.parse(location, url)?.origin ?? 'elsewhere');
  return fail(
    'control_plane_unreachable',
    `${url} redirects to ${to}; the API key is not sent there.`,
    `If that is your control plane: homeport login --url ${to}`,
  );
}

function timedOut(): DOMException {
  return new DOMException('no answer in time', 'TimeoutError');
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.name === 'TimeoutError';
}

function unreachable(url: string, error: unknown): FailureError {
  if (isTimeout(error))
    return fail(
      'request_timeout',
      `${url} did not answer within ${REQUEST_MS / 1000} s.`,
      'Check the network and the control plane’s log; then try again.',
      { retryable: true, cause: error },
    );
  const cause = error instanceof Error ? (error.cause as NodeJS.ErrnoException | undefined) : undefined;
  const reason = cause?.code ?? cause?.message ?? (error instanceof Error ? error.message : String(error));
  const untrusted = /CERT|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|ALTNAME/.test(reason);
  return fail(
    'control_plane_unreachable',
    `The control plane at ${url} cannot be reached: ${reason}.`,
    untrusted
      ? 'Its certificate is not trusted here. For a CA of your own: NODE_EXTRA_CA_CERTS=/path/to/ca.pem homeport …'
      : 'Check the address, that the control plane runs, and the network between.',
    { retryable: true, cause: error },
  );
}
