import { createMiddleware } from 'hono/factory';
import { fail } from '../../protocol/failure.ts';
import type { Actor } from '../audit.ts';
import type { Db } from '../db/open.ts';
import { findUser } from '../db/users.ts';
import type { RequestEnv } from '../http/env.ts';
import { allowTime } from '../request-time.ts';
import { HOST_USER, scopesOf, verifyApiKey } from './api-keys.ts';
import { type Auth, KEY_PREFIX } from './auth.ts';
import { type Reach, reachOf } from './reach.ts';
import { OWNER, type Right, rightsOf, type Standing } from './rights.ts';

/** Who a request to the API is from, and what they may do. */
export interface Principal {
  user: { id: string; name: string; email: string; twoFactorEnabled: boolean };
  /** As the audit log names it. */
  actor: Actor;
  standing: Standing;
  /** What the standing gives, as far as the key that was used allows it. */
  rights: ReadonlySet<Right>;
  /** When the session was signed in to, in ms since the epoch; null for keys. */
  signedInAt: number | null;
  /** Id of the session; null for keys. */
  sessionId: string | null;
}

export interface PrincipalEnv extends RequestEnv {
  Variables: RequestEnv['Variables'] & { principal: Principal; reach: Reach };
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
    c.set('reach', reachOf(db, principal.standing.labels));
    await next();
  });
}

/** Who sends these headers. @throws FailureError `unauthorized` */
export function principalOf({ auth, db }: { auth: Auth; db: Db }, headers: Headers): Promise<Principal> {
  const authorization = headers.get('authorization');
  return authorization === null
    ? principalOfCookie(auth, db, headers)
    : principalOfKey(auth, db, authorization);
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
  const actor: Actor = { kind: 'api-key', id: found.id, name };
  const host = { ...OWNER, id: HOST_USER, name, email: '', twoFactorEnabled: false };
  const user = found.referenceId === HOST_USER ? host : findUser(db, found.referenceId);
  if (!user) throw unauthorized('The API key is not valid: its user was removed.');
  const scopes = scopesOf(found);
  const principal = principalWith(user, { user, actor });
  const rights = scopes ? principal.rights.intersection(scopes) : principal.rights;
  return { ...principal, rights };
}

async function principalOfCookie(auth: Auth, db: Db, headers: Headers): Promise<Principal> {
  const session = await auth.api.getSession({ headers });
  // Read here, not from the session: what somebody may do changes at once.
  const user = session ? findUser(db, session.user.id) : undefined;
  if (!session || !user) throw unauthorized('You are not signed in.');
  const { createdAt, id } = session.session;
  const actor: Actor = { kind: 'user', id: user.id, name: user.name };
  return {
    ...principalWith(user, { user, actor }),
    signedInAt: new Date(createdAt).getTime(),
    sessionId: id,
  };
}

function principalWith(standing: Standing, { actor, user }: Pick<Principal, 'user' | 'actor'>): Principal {
  const { email, id, name, twoFactorEnabled } = user;
  const { extraRights, labels, role } = standing;
  return {
    user: { id, name, email, twoFactorEnabled },
    actor,
    standing: { role, extraRights, labels },
    rights: rightsOf(standing),
    signedInAt: null,
    sessionId: null,
  };
}

function unauthorized(message: string) {
  return fail('unauthorized', message, 'Sign in, or send “Authorization: Bearer hp_…” with an API key.');
}
