import { Hono } from 'hono';
import { CLIENT_HEADER } from '../auth/auth.ts';
import { checkOrigin } from '../auth/principal.ts';
import type { AppDeps } from '../deps.ts';
import type { RequestEnv } from './env.ts';
import { limitBody } from './limit-body.ts';

/** The parts of better-auth that are open; all the rest, sign-up and its own API key routes included, is not. */
const OPEN = [
  '/sign-in/email',
  '/sign-out',
  '/get-session',
  '/change-password',
  '/list-sessions',
  '/revoke-session',
  '/revoke-other-sessions',
];
const MAX_BODY_BYTES = 16 * 1024;
const HASHES = new Set(['/sign-in/email', '/change-password']);
/** Passwords hashed at the same time: the threads that do it are the ones that write packs. */
const HASHING = 2;
/** Sign-ins that wait for their turn; more are told to come back. */
const WAITING = 16;

/** Sessions, to be mounted at `/api/auth`. */
export function authRoutes(deps: Pick<AppDeps, 'auth' | 'audit' | 'origins'>) {
  const { audit, auth, origins } = deps;
  const inTurn = createTurns();
  const routes = new Hono<RequestEnv>().use('*', limitBody(MAX_BODY_BYTES)).use('*', async (c, next) => {
    await next();
    c.res.headers.set('cache-control', 'no-store');
  });
  for (const path of OPEN) {
    routes.on(['GET', 'POST'], path, async (c) => {
      const { method, url } = c.req;
      const origin = c.req.header('origin');
      if (method !== 'GET' && origin !== undefined) checkOrigin(origin, origins);
      const headers = new Headers(c.req.raw.headers);
      headers.set(CLIENT_HEADER, c.get('from'));
      const body = method === 'GET' ? null : await c.req.text();
      const handle = () => auth.handler(new Request(url, { method, headers, body }));
      const response = await (HASHES.has(path) ? inTurn(handle) : handle());
      if (path === '/sign-in/email')
        auditSignIn(audit, body, { status: response.status, from: c.get('from') });
      return response;
    });
  }
  return routes;
}

/** Limits per address do not hold back whoever has many. */
function createTurns() {
  const waiting: (() => void)[] = [];
  let busy = 0;
  return async (work: () => Promise<Response>): Promise<Response> => {
    if (busy >= HASHING && waiting.length >= WAITING) {
      return Response.json({ message: 'Too many requests. Please try again later.' }, { status: 429 });
    }
    if (busy >= HASHING) await new Promise<void>((resolve) => waiting.push(resolve));
    else busy += 1;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else busy -= 1;
    }
  };
}

function auditSignIn(
  audit: AppDeps['audit'],
  body: string | null,
  { from, status }: { status: number; from: string },
): void {
  if (status === 429) return; // throttled: its tries are in the log already
  const name = emailIn(body);
  const action = status === 200 ? 'user.sign-in' : 'user.sign-in-refused';
  audit({ actor: { kind: 'user', id: null, name }, action, from });
}

function emailIn(body: string | null): string | null {
  try {
    const { email } = JSON.parse(body ?? '') as { email?: unknown };
    return typeof email === 'string' ? email.slice(0, 254) : null;
  } catch {
    return null; // better-auth has refused it
  }
}
