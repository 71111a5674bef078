import { type Context, Hono } from 'hono';
import { CLIENT_HEADER } from '../auth/auth.ts';
import { checkOrigin } from '../auth/principal.ts';
import { endSession } from '../db/sessions.ts';
import type { AppDeps } from '../deps.ts';
import type { RequestEnv } from './env.ts';
import { limitBody } from './limit-body.ts';
import { createTurns } from './turns.ts';

/**
 * The parts of better-auth that are open, and what the audit log calls a success; all the rest, sign-up and its own
 * lists of sessions and keys included, is not. `hashes`: it checks a password, which is slow by design.
 */
const OPEN = {
  '/sign-in/email': { action: 'user.sign-in', hashes: true },
  '/sign-out': { action: 'user.sign-out', hashes: false },
  '/change-password': { action: 'user.change-password', hashes: true },
  '/two-factor/enable': { action: undefined, hashes: true },
  '/two-factor/verify-totp': { action: 'user.sign-in', hashes: false },
  '/two-factor/verify-backup-code': { action: 'user.sign-in', hashes: false },
  '/two-factor/generate-backup-codes': { action: 'user.new-backup-codes', hashes: true },
  '/two-factor/disable': { action: 'user.disable-two-factor', hashes: true },
} as const satisfies Record<string, { action: string | undefined; hashes: boolean }>;
type Path = keyof typeof OPEN;

const MAX_BODY_BYTES = 16 * 1024;

type Deps = Pick<AppDeps, 'auth' | 'audit' | 'db' | 'origins'>;

/** Signing in and out, password and second factor; to be mounted at `/api/auth`. */
export function authRoutes(deps: Deps) {
  const { auth, origins } = deps;
  const inTurn = createTurns();
  const routes = new Hono<RequestEnv>().use('*', limitBody(MAX_BODY_BYTES)).use('*', async (c, next) => {
    await next();
    c.res.headers.set('cache-control', 'no-store');
  });
  for (const path of Object.keys(OPEN) as Path[]) {
    routes.post(path, async (c) => {
      const origin = c.req.header('origin');
      if (origin !== undefined) checkOrigin(origin, origins);
      const headers = new Headers(c.req.raw.headers);
      headers.set(CLIENT_HEADER, c.get('from'));
      const body = await c.req.text();
      const before = await auth.api.getSession({ headers });
      const handle = () => auth.handler(new Request(c.req.url, { method: 'POST', headers, body }));
      const response = await (OPEN[path].hashes ? inTurn(handle) : handle());
      const answer = (await response.json().catch(() => null)) as Answer | null;
      auditAuth(deps, c, { path, body, status: response.status, answer, before });
      // A sign-in in a browser that has a session is the same person once more, or another one.
      if (isSignIn(path, response.status, answer) && before) {
        endSession(deps.db, before.user.id, before.session.id);
      }
      return withoutToken(response, answer);
    });
  }
  return routes;
}

interface Answer {
  token?: string;
  twoFactorRedirect?: boolean;
  user?: { id?: string; name?: string; email?: string };
}

type Session = Awaited<ReturnType<Deps['auth']['api']['getSession']>>;

function isSignIn(path: Path, status: number, answer: Answer | null): boolean {
  return status === 200 && OPEN[path].action === 'user.sign-in' && !answer?.twoFactorRedirect;
}

/** The cookie is all a browser needs; what a script of the page could read, it could also lose. */
function withoutToken(response: Response, answer: Answer | null): Response {
  const { token: _, ...rest } = answer ?? {};
  const headers = new Headers(response.headers);
  headers.delete('content-length');
  return Response.json(rest, { status: response.status, headers });
}

interface Handled {
  path: Path;
  body: string;
  status: number;
  answer: Answer | null;
  before: Session;
}

function auditAuth({ audit }: Deps, c: Context<RequestEnv>, handled: Handled): void {
  const { answer, before, body, path, status } = handled;
  if (status === 429) return; // throttled: its tries are in the log already
  const from = c.get('from');
  // A code typed by somebody who is signed in already makes the second factor valid.
  const action = before && path === '/two-factor/verify-totp' ? 'user.enable-two-factor' : OPEN[path].action;
  const id = before?.user.id ?? answer?.user?.id ?? null;
  const name = before?.user.name ?? answer?.user?.name ?? null;
  if (status === 200) {
    if (action === undefined || answer?.twoFactorRedirect || (path === '/sign-out' && !before)) return;
    const own = path === '/sign-in/email' ? { id: null, name: emailIn(body) } : { id, name };
    audit({ actor: { kind: 'user', ...own }, action, from });
    return;
  }
  if (action === 'user.sign-in') {
    audit({
      actor: { kind: 'user', id: null, name: emailIn(body) ?? name },
      action: 'user.sign-in-refused',
      from,
    });
  }
}

function emailIn(body: string): string | null {
  try {
    const { email } = JSON.parse(body) as { email?: unknown };
    return typeof email === 'string' ? email.slice(0, 254) : null;
  } catch {
    return null; // better-auth has refused it
  }
}
