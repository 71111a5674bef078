import { createMiddleware } from 'hono/factory';
import { fail } from '../../protocol/failure.ts';
import type { Actor } from '../audit.ts';
import type { Db } from '../db/open.ts';
import { findUser } from '../db/users.ts';
import type { RequestEnv } from '../http/env.ts';
import { allowTime } from '../request-time.ts';
import { verifyApiKey } from './api-keys.ts';
import { type Auth, KEY_PREFIX } from './auth.ts';

/** Who a request to the API is from. */
export interface Principal {
  user: { id: string; name: string; email: string };
  /** As the audit log names it. */
  actor: Actor;
}

export interface PrincipalEnv extends RequestEnv {
  Variables: RequestEnv['Variables'] & { principal: Principal };
}

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Lets requests through that carry a good API key or session cookie. A cookie travels by itself, so with it a
 * request that changes something must come from one of our own pages.
 * @throws FailureError `unauthorized` | `forbidden`
 */
export function authenticate(deps: { auth: Auth; db: Db; origins: readonly string[] }) {
  const { auth, db, origins } = deps;
  return createMiddleware<PrincipalEnv>(async (c, next) => {
    const principal = await principalOf({ auth, db }, c.req.raw.headers);
    const byCookie = c.req.header('authorization') === undefined;
    if (byCookie && !SAFE_METHODS.has(c.req.method)) checkOrigin(c.req.header('origin'), origins);
    allowTime(c.env?.incoming);
    c.set('principal', principal);
    await next();
  });
}

/** Who sends these headers. @throws FailureError `unauthorized` */
export function principalOf({ auth, db }: { auth: Auth; db: Db }, headers: Headers): Promise<Principal> {
  const authorization = headers.get('authorization');
  return authorization === null ? principalOfCookie(auth, headers) : principalOfKey(auth, db, authorization);
}

/** @throws FailureError `forbidden` for an Origin that is not exactly one of ours */
export function checkOrigin(origin: string | undefined, origins: readonly string[]): void {
  if (origin !== undefined && origins.includes(origin)) return;
  throw fail(
    'forbidden',
    `Requests from ${origin === undefined ? 'pages that do not say where they are from' : origin} are not accepted.`,
    'Open Homeport under its own address. If that address is right, set HOMEPORT_URL to it.',
  );
}

async function principalOfKey(auth: Auth, db: Db, authorization: string): Promise<Principal> {
  const key = /^Bearer (\S{1,512})$/.exec(authorization)?.[1];
  if (!key?.startsWith(KEY_PREFIX)) throw unauthorized('The Authorization header holds no API key.');
  const found = await verifyApiKey({ auth, db }, key);
  if (!found) throw unauthorized('The API key is not valid: unknown, revoked or expired.');
  const name = found.name ?? found.id;
  const owner = findUser(db, found.referenceId);
  return {
    user: owner ?? { id: found.id, name, email: '' },
    actor: { kind: 'api-key', id: found.id, name },
  };
}

async function principalOfCookie(auth: Auth, headers: Headers): Promise<Principal> {
  const session = await auth.api.getSession({ headers });
  if (!session) throw unauthorized('You are not signed in.');
  const { email, id, name } = session.user;
  return { user: { id, name, email }, actor: { kind: 'user', id, name } };
}

function unauthorized(message: string) {
  return fail('unauthorized', message, 'Sign in, or send “Authorization: Bearer hp_…” with an API key.');
}
