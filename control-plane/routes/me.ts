import { Hono } from 'hono';
import { ENGINES } from '../../protocol/engines/registry.ts';
import { HOMEPORT_VERSION } from '../../protocol/version.ts';
import type { PrincipalEnv } from '../auth/principal.ts';
import { waysIn } from '../db/identities.ts';
import type { AppDeps } from '../deps.ts';
import { recentBackups } from '../views/history.ts';
import { overview } from '../views/overview.ts';

export function meRoutes(deps: AppDeps) {
  const { identity, url } = deps;
  return new Hono<PrincipalEnv>()
    .get('/me', (c) => {
      const { rights, standing, user } = c.get('principal');
      const { email, id, name, twoFactorEnabled: twoFactor } = user;
      const controlPlane = {
        id: identity.id,
        url,
        version: HOMEPORT_VERSION,
        fingerprint: identity.fingerprint,
      };
      const { labels, role } = standing;
      return c.json({
        user: {
          id,
          name,
          email,
          role,
          labels,
          twoFactor,
          hasPassword: waysIn(deps.db, id, undefined).password,
        },
        rights: [...rights],
        controlPlane,
      });
    })
    .get('/engines', (c) => c.json(Object.values(ENGINES).map(({ descriptor }) => descriptor)))
    .get('/overview', (c) => c.json(overview(deps, c.get('reach'))))
    .get('/overview/history', (c) => c.json(recentBackups(deps, { agentIds: c.get('reach').agentIds })));
}
