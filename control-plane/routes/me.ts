import { Hono } from 'hono';
import { ENGINES } from '../../protocol/engines/registry.ts';
import { HOMEPORT_VERSION } from '../../protocol/version.ts';
import type { PrincipalEnv } from '../auth/principal.ts';
import type { AppDeps } from '../deps.ts';
import { overview } from '../views/overview.ts';

export function meRoutes(deps: AppDeps) {
  const { identity, url } = deps;
  return new Hono<PrincipalEnv>()
    .get('/me', (c) => {
      const { email, id, name } = c.get('principal').user;
      const controlPlane = {
        id: identity.id,
        url,
        version: HOMEPORT_VERSION,
        fingerprint: identity.fingerprint,
      };
      return c.json({ user: { id, name, email }, controlPlane });
    })
    .get('/engines', (c) => c.json(Object.values(ENGINES).map(({ descriptor }) => descriptor)))
    .get('/overview', (c) => c.json(overview(deps)));
}
