import { Hono } from 'hono';
import { z } from 'zod';
import type { PrincipalEnv } from '../auth/principal.ts';
import type { AppDeps } from '../deps.ts';
import { auditAct } from '../http/acting.ts';
import { validate } from '../http/validate.ts';
import { isoOrNull } from '../views/times.ts';
import { vaultView } from '../views/vaults.ts';
import { lockDetails, placeElsewhere, vaultCalled } from './vault-requests.ts';

const vaultBody = z.object({ name: z.string().trim().min(1).max(100), store: placeElsewhere });
const storeBody = vaultBody.pick({ store: true });

export function vaultRoutes(deps: AppDeps) {
  const { events, url, vault } = deps;
  return (
    new Hono<PrincipalEnv>()
      .get('/vaults', (c) => c.json(vault.vaults().map(vaultView)))
      .post('/vaults', validate('json', vaultBody), async (c) => {
        const made = await vault.addVault(c.req.valid('json'));
        const { id, name, path } = made;
        const details = { place: path, ...lockDetails(made.bucket) };
        auditAct(deps, c, { action: 'vault.create', target: { kind: 'vault', id, name }, details });
        events.changed('settings');
        return c.json(vaultView(made), 201);
      })
      .get('/vaults/:id/space', async (c) => {
        const { fullAt, ...space } = await vault.space(vaultCalled(vault, c.req.param('id')).id);
        return c.json({ ...space, fullAt: isoOrNull(fullAt) });
      })
      .put('/vaults/:id/store', validate('json', storeBody), async (c) => {
        const { id, name } = vaultCalled(vault, c.req.param('id'));
        const { store } = c.req.valid('json');
        const changed = await vault.changeStore(id, store);
        const details = { place: changed.path, ...lockDetails(changed.bucket) };
        auditAct(deps, c, { action: 'vault.change-store', target: { kind: 'vault', id, name }, details });
        events.changed('settings');
        return c.json(vaultView(changed));
      })
      .post('/vaults/:id/use', async (c) => {
        const { id, name } = vaultCalled(vault, c.req.param('id'));
        const used = await vault.useVault(id);
        auditAct(deps, c, { action: 'vault.use', target: { kind: 'vault', id, name } });
        events.changed('settings');
        return c.json(vaultView(used));
      })
      // It hands out a secret: a POST, so that no link, preview or prefetch takes it along.
      .post('/vaults/:id/recovery-kit', (c) => {
        const { id, name } = vaultCalled(vault, c.req.param('id'));
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
