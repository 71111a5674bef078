import { Hono } from 'hono';
import type { PrincipalEnv } from '../auth/principal.ts';
import type { AppDeps } from '../deps.ts';
import { auditAct, found } from '../http/acting.ts';
import { iso, isoOrNull } from '../views/times.ts';

export function vaultRoutes(deps: AppDeps) {
  const { events, url, vault } = deps;
  return (
    new Hono<PrincipalEnv>()
      .get('/vaults', (c) =>
        c.json(
          vault.vaults().map(({ createdAt, kitDownloadedAt, ...facts }) => ({
            ...facts,
            kitDownloadedAt: isoOrNull(kitDownloadedAt),
            createdAt: iso(createdAt),
          })),
        ),
      )
      // It hands out a secret: a POST, so that no link, preview or prefetch takes it along.
      .post('/vaults/:id/recovery-kit', (c) => {
        const id = c.req.param('id');
        const { name } = found(
          vault.vaults().find((one) => one.id === id),
          'vault',
        );
        const { fileName, text } = vault.recoveryKit(id, url);
        auditAct(deps, c, { action: 'vault.recovery-kit', target: { kind: 'vault', id, name } });
        events.changed('settings');
        return c.text(text, 200, {
          'cache-control': 'no-store',
          'content-disposition': `attachment; filename="${fileName}"`,
        });
      })
  );
}
