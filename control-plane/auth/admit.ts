import type { Context } from 'hono';
import { createMiddleware } from 'hono/factory';
import { matchedRoutes } from 'hono/route';
import { type FailureError, fail } from '../../protocol/failure.ts';
import type { Db } from '../db/open.ts';
import { found } from '../http/acting.ts';
import { ACCESS, type Owned } from './access.ts';
import type { PrincipalEnv } from './principal.ts';
import { agentOf } from './reach.ts';
import type { Right } from './rights.ts';

/**
 * Lets a request through if its route is in the table and its caller may do what the table asks.
 * @throws FailureError `forbidden`, or `not_found` for what is beyond the caller's reach
 */
export function admit({ db }: { db: Db }) {
  return createMiddleware<PrincipalEnv>(async (c, next) => {
    const route = routeOf(c);
    // Where nothing is the app says so.
    if (route) {
      const access = ACCESS[route.name];
      if (!access) throw new Error(`nobody is admitted to ${route.name}: it is not in the table of access`);
      requireRights(c, ...access.needs);
      if (access.fresh) requireFresh(c);
      if (access.of !== undefined) requireReach(c, db, { kind: access.of, id: route.id });
    }
    await next();
  });
}

/** @throws FailureError `forbidden` naming what is missing */
export function requireRights(c: Context<PrincipalEnv>, ...needed: readonly Right[]): void {
  const { actor, rights } = c.get('principal');
  const missing = needed.filter((right) => !rights.has(right));
  if (missing.length > 0) throw notAllowed(missing, actor.kind === 'api-key');
}

/** For how long a sign-in is fresh. */
export const FRESH_MS = 10 * 60_000;

/**
 * Refuses a session that was signed in to a while ago: it may be an open page that somebody walked away from.
 * Keys are not asked: they have scopes.
 * @throws FailureError `reauthentication_required`
 */
export function requireFresh(c: Context<PrincipalEnv>): void {
  const { signedInAt } = c.get('principal');
  if (signedInAt !== null) requireFreshSince(signedInAt);
}

/** @param at ms since the epoch @throws FailureError `reauthentication_required` where that is a while ago */
export function requireFreshSince(at: number): void {
  if (Date.now() - at < FRESH_MS) return;
  throw fail(
    'reauthentication_required',
    'You signed in a while ago, and this needs to be sure that it is you.',
    'Sign in once more, then do it again.',
  );
}

/**
 * Keys do not make keys, and do not end sessions, unless they may administer: who gives a script a key to look with
 * does not give it more.
 * @throws FailureError `forbidden`
 */
export function requirePerson(c: Context<PrincipalEnv>): void {
  if (c.get('principal').actor.kind === 'api-key') requireRights(c, 'administer');
}

/** The route that answers, e.g. `GET /agents/:id`, and what stands for its `:id`. */
function routeOf(c: Context): { name: string; id: string } | undefined {
  const own = matchedRoutes(c).find(({ method, path }) => method !== 'ALL' && path.startsWith(MOUNT));
  if (!own) return undefined;
  const id = c.req.path.split('/')[own.path.split('/').indexOf(':id')] ?? '';
  return { name: `${own.method} ${own.path.slice(MOUNT.length)}`, id };
}

const MOUNT = '/api/v1';

/** @throws FailureError `not_found` for what is of an agent beyond the caller's reach */
export function requireReach(
  c: Context<PrincipalEnv>,
  db: Db,
  { id, kind }: { id: string; kind: Owned },
): void {
  const reach = c.get('reach');
  if (reach.agentIds === null) return;
  const agentId = agentOf(db, kind, id);
  // Before anything else is looked at: what is beyond reach and what is not there must not look different.
  if (agentId === undefined || !reach.has(agentId)) found(undefined, kind);
}

function notAllowed(missing: readonly Right[], byKey: boolean): FailureError {
  const words = missing.map((right) => WORDS[right]).join(' and to ');
  return byKey
    ? fail(
        'forbidden',
        `This API key may not be used to ${words}.`,
        'Make a key with that scope, or have its user given the right.',
      )
    : fail(
        'forbidden',
        `Your account is not allowed to ${words}.`,
        'Ask an owner or admin of this Homeport to do it, or to give you the right.',
      );
}

const WORDS = {
  view: 'look at the fleet',
  fleet: 'look at what belongs to the whole fleet',
  metrics: 'read metrics',
  operate: 'run backups and probes',
  configure: 'change agents, servers and databases',
  administer: 'administer this Homeport',
  own: 'do what is its owner’s to do',
  restore: 'restore',
  download: 'download backups',
  delete: 'end or remove anything',
} satisfies Record<Right, string>;
