import { type Context, Hono } from 'hono';
import { fail } from '../../protocol/failure.ts';
import { requireFreshSince } from '../auth/admit.ts';
import { CLIENT_HEADER } from '../auth/auth.ts';
import { checkOrigin } from '../auth/principal.ts';
import { endSession, endSessionOf } from '../db/sessions.ts';
import { findUser, findUserByEmail, passwordOf } from '../db/users.ts';
import type { AppDeps } from '../deps.ts';
import { AUTH_PATHS, isVerification, type Path } from './auth-paths.ts';
import { keepSession, withoutCookies } from './cookies.ts';
import type { RequestEnv } from './env.ts';
import { limitBody } from './limit-body.ts';
import { createTurns } from './turns.ts';
import { validate } from './validate.ts';

const MAX_BODY_BYTES = 16 * 1024;

type Deps = Pick<AppDeps, 'auth' | 'audit' | 'db' | 'origins' | 'url'>;
type Session = Awaited<ReturnType<Deps['auth']['api']['getSession']>>;

/** What better-auth answers, as far as it is looked at here. */
interface Answer {
  token?: string;
  session?: object;
  twoFactorRedirect?: boolean;
  user?: { id: string; name: string };
}

/** One request, as far as it got. */
interface Act {
  path: Path;
  body: { email?: string };
  /** The session that the browser had. */
  before: Session;
  /** Whether it is the second step of a sign-in that has begun. */
  pending: boolean;
}

/** Signing in and out, password and second factor; to be mounted at `/api/auth`. */
export function authRoutes(deps: Deps) {
  const inTurn = createTurns();
  const routes = new Hono<RequestEnv>().use('*', limitBody(MAX_BODY_BYTES)).use('*', async (c, next) => {
    await next();
    c.res.headers.set('cache-control', 'no-store');
  });
  for (const path of Object.keys(AUTH_PATHS) as Path[]) {
    routes.post(path, validate('json', AUTH_PATHS[path].body), async (c) => {
      const body = c.req.valid('json' as never) as Act['body'];
      const origin = c.req.header('origin');
      // A script that has no cookie is nobody yet; with one, only our own pages act.
      if (origin !== undefined || c.req.header('cookie')) checkOrigin(origin, deps.origins);
      const before = await deps.auth.api.getSession({ headers: c.req.raw.headers });
      const pending = isVerification(path) && /two_factor=/.test(c.req.header('cookie') ?? '');
      const act = { path, body, before, pending };
      requireSense(deps, act);
      const former = passwordNow(deps, act);
      const handle = () => ask(deps, c, act);
      const response = await (AUTH_PATHS[path].hashes ? inTurn(handle) : handle());
      const answer = (await response.json().catch(() => null)) as Answer | null;
      const done = response.status === 200 && stillHolds(deps, act, { answer, former });
      auditAuth(deps, c, { ...act, answer, status: done ? 200 : response.status });
      if (response.status === 200 && !done) throw overtaken();
      if (done && isSignedIn(act, answer) && before) endSession(deps.db, before.user.id, before.session.id);
      return reply(response, { answer, keep: before !== null });
    });
  }
  return routes;
}

/** @throws FailureError `reauthentication_required` | `conflict` */
function requireSense({ db }: Deps, { before, path, pending }: Act): void {
  if (!before) return;
  if ('fresh' in AUTH_PATHS[path]) requireFreshSince(new Date(before.session.createdAt).getTime());
  if (!isVerification(path) || pending) return;
  if (path === '/two-factor/verify-backup-code' || findUser(db, before.user.id)?.twoFactorEnabled) {
    throw fail('conflict', 'You are signed in already.', 'Nothing is left to do.');
  }
}

function ask({ auth, url }: Deps, c: Context<RequestEnv>, { body, path, pending }: Act): Promise<Response> {
  const headers = new Headers(c.req.raw.headers);
  headers.set(CLIENT_HEADER, c.get('from'));
  headers.set('content-type', 'application/json');
  headers.delete('content-length');
  // No device is trusted; and the second step of a sign-in is one, whatever session the browser has besides.
  withoutCookies(headers, pending ? ['trust_device', 'session_token', 'session_data'] : ['trust_device']);
  // The address is ours: of one that is spelled otherwise neither limits nor routes would know it.
  const address = new URL(`/api/auth${path}`, url);
  const { method = 'POST' } = AUTH_PATHS[path] as { method?: 'GET' };
  const sent = method === 'GET' ? {} : { body: JSON.stringify(body) };
  return auth.handler(new Request(address, { method, headers, ...sent }));
}

type Password = ReturnType<typeof passwordOf>;

/** The password that a sign-in or a change of it is about, as it is now. */
function passwordNow({ db }: Deps, { before, body, path }: Act): Password {
  if (path === '/change-password') return before ? passwordOf(db, before.user.id) : undefined;
  const user = path === '/sign-in/email' ? findUserByEmail(db, body.email ?? '') : undefined;
  return user && passwordOf(db, user.id);
}

/**
 * Checking a password takes a while. If it was changed meanwhile, by a recovery link for example, what was proved is
 * the old one: the session that came of it ends.
 */
function stillHolds(deps: Deps, act: Act, { answer, former }: { answer: Answer | null; former: Password }) {
  const now = passwordNow(deps, act);
  // A change is one that it made itself.
  const same = now?.id === former?.id && (act.path === '/change-password' || now?.hash === former?.hash);
  if (!same && answer?.token) endSessionOf(deps.db, answer.token);
  return same;
}

function overtaken() {
  return fail('conflict', 'The password was changed at the same moment.', 'Sign in with the new one.');
}

function isSignedIn({ path, pending }: Act, answer: Answer | null): boolean {
  const byPasskey = path === '/passkey/verify-authentication';
  return (path === '/sign-in/email' && !answer?.twoFactorRedirect) || byPasskey || pending;
}

/** The cookie is all a browser needs; what a script of the page could read, it could also lose. */
function reply(response: Response, { answer, keep }: { answer: Answer | null; keep: boolean }): Response {
  // Of a session: a challenge has a user too, of another kind.
  const { session: _session, token: _token, ...rest } = answer ?? {};
  const headers = new Headers(response.headers);
  headers.delete('content-length');
  // Until the code is right, whoever is signed in stays so.
  if (answer?.twoFactorRedirect && keep) keepSession(headers);
  return Response.json(rest, { status: response.status, headers });
}

/** Refusals of what was typed; a request that is throttled has its tries in the log already. */
const REFUSALS = new Set([400, 401, 403, 409]);

function auditAuth(
  { audit, db }: Deps,
  c: Context<RequestEnv>,
  { answer, before, body, path, pending, status }: Act & { answer: Answer | null; status: number },
): void {
  const from = c.get('from');
  const user = before?.user ?? answer?.user ?? findUserByEmail(db, body.email ?? '');
  const actor = { kind: 'user' as const, id: user?.id ?? null, name: user?.name ?? body.email ?? null };
  const email = body.email === undefined ? {} : { details: { email: body.email } };
  if (status !== 200) {
    const signingIn = AUTH_PATHS[path].done === 'user.sign-in' && (pending || !before);
    const action = signingIn ? 'user.sign-in-refused' : 'user.proof-refused';
    if (REFUSALS.has(status)) audit({ actor, action, from, ...email });
    return;
  }
  if (path === '/sign-out' && !before) return;
  const action = actionOf({ path, pending, before, answer });
  if (action !== undefined) audit({ actor, action, from, ...email });
}

/** What has been done, as the audit log calls it. */
function actionOf({ answer, before, path, pending }: Omit<Act, 'body'> & { answer: Answer | null }) {
  if (answer?.twoFactorRedirect) return 'user.password-right';
  if (isVerification(path) && !pending && before) return 'user.enable-two-factor';
  return AUTH_PATHS[path].done;
}
