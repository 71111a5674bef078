import { Hono } from 'hono';
import { requirePerson } from '../auth/admit.ts';
import type { PrincipalEnv } from '../auth/principal.ts';
import { identitiesOf, removeIdentity } from '../db/identities.ts';
import type { AppDeps } from '../deps.ts';
import { auditAct, found } from '../http/acting.ts';
import { requireOtherWay } from '../http/ways-in.ts';

/** The caller's accounts at OpenID providers; they are connected under `/api/auth/oidc`. */
export function identityRoutes(deps: AppDeps) {
  const { db, events, oidc } = deps;
  const nameOf = (issuer: string) => {
    const provider = oidc.settings.read();
    return provider?.issuer === issuer ? provider.name : new URL(issuer).host;
  };
  return new Hono<PrincipalEnv>()
    .get('/me/identities', (c) => {
      requirePerson(c);
      return c.json(
        identitiesOf(db, c.get('principal').user.id).map(({ createdAt, id, issuer, subject }) => ({
          id,
          provider: nameOf(issuer),
          issuer,
          subject,
          connectedAt: createdAt.toISOString(),
        })),
      );
    })
    .delete('/me/identities/:id', (c) => {
      requirePerson(c);
      const { user } = c.get('principal');
      const identity = found(
        identitiesOf(db, user.id).find(({ id }) => id === c.req.param('id')),
        'connected account',
      );
      // One at a provider that is not set up any more leads nowhere.
      if (identity.issuer === oidc.settings.read()?.issuer) requireOtherWay(deps, user.id);
      removeIdentity(db, user.id, identity.id);
      const target = { kind: 'user', id: user.id, name: user.name };
      const details = { provider: nameOf(identity.issuer) };
      auditAct(deps, c, { action: 'user.disconnect-provider', target, details });
      events.changed('settings');
      return c.json({ id: identity.id });
    });
}
