import type { Right } from './rights.ts';

/** Things of an agent that a path names by its `:id`. */
export type Owned = 'agent' | 'server' | 'database' | 'snapshot' | 'job';

/** What a route asks of its caller. */
export interface Access {
  /** Rights that are all needed. */
  needs: readonly Right[];
  /** What `:id` names, if it is a thing of an agent: that agent has to be within the caller's reach. */
  of?: Owned;
  /** Whether somebody who signed in a while ago has to do so again. */
  fresh?: true;
}

const view = (of?: Owned): Access => access(['view'], of);
const operate = (of?: Owned): Access => access(['view', 'operate'], of);
const configure = (of?: Owned): Access => access(['view', 'configure'], of);
const restore = (of?: Owned): Access => access(['view', 'restore'], of);
const remove = (of?: Owned): Access => fresh(access(['view', 'configure', 'delete'], of));
const configureFleet: Access = { needs: ['view', 'fleet', 'configure'] };
const fleet: Access = { needs: ['view', 'fleet'] };
const administer: Access = { needs: ['view', 'fleet', 'administer'] };
const own: Access = { needs: ['view', 'own'] };
const removeFromFleet: Access = fresh({ needs: [...administer.needs, 'delete'] });

function access(needs: readonly Right[], of: Owned | undefined): Access {
  return of === undefined ? { needs } : { needs, of };
}

function fresh(asked: Access): Access {
  return { ...asked, fresh: true };
}

/**
 * Every route under `/api/v1` that asks who is calling, and what it asks for. A route that is not here is refused
 * to everybody; a test holds this table, the routes and each role together.
 */
export const ACCESS: Readonly<Record<string, Access>> = {
  'GET /me': view(),
  'GET /me/sessions': view(),
  'DELETE /me/sessions/:id': view(),
  'DELETE /me/sessions': view(),
  'GET /me/passkeys': view(),
  'DELETE /me/passkeys/:id': fresh(view()),
  'GET /me/identities': view(),
  'DELETE /me/identities/:id': fresh(view()),
  'GET /engines': view(),
  'GET /overview': view(),
  'GET /overview/history': view(),
  'GET /events': view(),
  'GET /openapi.json': view(),
  'GET /metrics': { needs: ['metrics'] },

  'GET /agents': view(),
  'GET /agents/:id': view('agent'),
  'PATCH /agents/:id': configure('agent'),
  'POST /agents/:id/discover': operate('agent'),
  'POST /agents/:id/doctor': operate('agent'),
  'POST /agents/:id/update': administer,
  'POST /agents/:id/revoke': remove('agent'),
  'GET /enrolment-tokens': configureFleet,
  'POST /enrolment-tokens': configureFleet,
  'DELETE /enrolment-tokens/:id': configureFleet,
  'GET /updates': fleet,
  'POST /rollouts': administer,
  'POST /rollouts/:id/stop': administer,

  'GET /servers': view(),
  'GET /servers/:id': view('server'),
  'POST /servers/probe': operate(),
  'POST /servers': configure(),
  'PUT /servers/:id': configure('server'),
  'PUT /servers/:id/auto-protect': configure('server'),
  'DELETE /servers/:id': remove('server'),
  'GET /servers/:id/available-databases': view('server'),

  'GET /databases': view(),
  'GET /databases/counts': view(),
  'GET /databases/:id': view('database'),
  'GET /databases/:id/history': view('database'),
  'POST /databases': configure(),
  'PATCH /databases/:id': configure('database'),
  'DELETE /databases/:id': remove('database'),
  'POST /databases/:id/preflight': operate('database'),
  'POST /databases/:id/backup': operate('database'),
  'POST /databases/:id/drill': operate('database'),
  'GET /databases/:id/assertions': view('database'),
  'PUT /databases/:id/assertions': configure('database'),

  'GET /policies': view(),
  'POST /policies': configureFleet,
  'PUT /policies/:id': configureFleet,
  'DELETE /policies/:id': configureFleet,
  'POST /policies/preview': view(),
  'POST /policies/preview-retention': view(),
  'PUT /databases/:id/policy': configure('database'),
  'PUT /servers/:id/policy': configure('server'),
  'PUT /agents/:id/policy': configure('agent'),

  'GET /snapshots': view(),
  'GET /snapshots/:id': view('snapshot'),
  'PATCH /snapshots/:id': configure('snapshot'),
  'DELETE /snapshots/:id': remove('snapshot'),
  'GET /snapshots/:id/download': access(['view', 'download'], 'snapshot'),
  'POST /snapshots/:id/restore/preflight': restore('snapshot'),
  'POST /snapshots/:id/restore': restore('snapshot'),

  'GET /jobs': view(),
  'GET /jobs/:id': view('job'),
  'POST /jobs/:id/cancel': operate('job'),
  'POST /jobs/:id/retry': operate('job'),

  'GET /vaults': fleet,
  'POST /vaults': administer,
  'GET /vaults/:id/space': fleet,
  'PUT /vaults/:id/store': administer,
  'POST /vaults/:id/use': administer,
  'POST /vaults/:id/recovery-kit': fresh(own),
  'PUT /vaults/:id/replica': administer,
  'DELETE /vaults/:id/replica': removeFromFleet,
  'POST /vaults/:id/move': removeFromFleet,
  'DELETE /vaults/:id/move': administer,
  'POST /vaults/:id/check': { needs: ['view', 'fleet', 'operate'] },
  'PUT /vaults/:id/check': administer,
  'POST /vaults/:id/collect': { needs: ['view', 'fleet', 'operate'] },

  'GET /self-backup': own,
  'POST /self-backup': own,

  'GET /users': administer,
  'PATCH /users/:id': fresh(administer),
  'DELETE /users/:id': fresh(administer),
  'POST /users/:id/recovery-link': fresh(administer),
  'GET /invitations': administer,
  'POST /invitations': fresh(administer),
  'DELETE /invitations/:id': administer,

  'GET /sign-in-provider': own,
  'PUT /sign-in-provider': fresh(own),
  'DELETE /sign-in-provider': fresh(own),

  'GET /api-keys': view(),
  'POST /api-keys': fresh(view()),
  'DELETE /api-keys/:id': view(),
  'GET /audit': administer,
  'GET /audit/export': administer,
};
