import { Hono } from 'hono';
import { z } from 'zod';
import type { PrincipalEnv } from '../auth/principal.ts';
import type { AppDeps } from '../deps.ts';
import { auditAct, requireConfirmation } from '../http/acting.ts';
import { validate } from '../http/validate.ts';
import type { VaultRecord } from '../vault/vault-record.ts';
import { vaultView } from '../views/vaults.ts';
import { lockDetails, placeElsewhere, vaultCalled } from './vault-requests.ts';

const placeSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('local'), path: z.string().min(1).max(4096) }),
  ...placeElsewhere.options,
]);
const replicaBody = z.object({ store: placeSchema });
const forgetBody = z.object({ confirm: z.string() });
const everyBody = z.object({ everyDays: z.number().int().min(0).max(365) });
const collectBody = z.object({ giveUpForgotten: z.boolean().default(false), confirm: z.string().optional() });
const moveBody = z.object({ leaveBehind: z.boolean().default(false), confirm: z.string() });

/** Second copies of vaults, moves from one store to the other, checks, and what no snapshot needs. */
export function replicaRoutes(deps: AppDeps) {
  const { events, vault } = deps;
  const target = ({ id, name }: VaultRecord) => ({ kind: 'vault', id, name });
  return new Hono<PrincipalEnv>()
    .put('/vaults/:id/replica', validate('json', replicaBody), async (c) => {
      const { id } = vaultCalled(vault, c.req.param('id'));
      const changed = await vault.setReplica(id, c.req.valid('json').store);
      const details = { place: changed.replica?.path, ...lockDetails(changed.replica?.bucket) };
      auditAct(deps, c, { action: 'vault.replica', target: target(changed), details });
      events.changed('settings');
      return c.json(vaultView(changed));
    })
    .delete('/vaults/:id/replica', validate('json', forgetBody), async (c) => {
      const before = vaultCalled(vault, c.req.param('id'));
      requireConfirmation(c.req.valid('json').confirm, before.name);
      const changed = await vault.forgetReplica(before.id);
      const details = { place: before.replica?.path };
      auditAct(deps, c, { action: 'vault.forget-replica', target: target(before), details });
      events.changed('settings');
      return c.json(vaultView(changed));
    })
    .post('/vaults/:id/move', validate('json', moveBody), async (c) => {
      const before = vaultCalled(vault, c.req.param('id'));
      const { confirm, leaveBehind } = c.req.valid('json');
      requireConfirmation(confirm, before.name);
      const changed = await vault.moveVault(before.id, { leaveBehind });
      const details = { from: before.path, to: before.replica?.path, leaveBehind };
      auditAct(deps, c, { action: 'vault.move', target: target(before), details });
      events.changed('settings');
      return c.json(vaultView(changed), 202);
    })
    .delete('/vaults/:id/move', (c) => {
      const { id } = vaultCalled(vault, c.req.param('id'));
      const changed = vault.stayVault(id);
      auditAct(deps, c, { action: 'vault.stay', target: target(changed) });
      events.changed('settings');
      return c.json(vaultView(changed));
    })
    .post('/vaults/:id/check', (c) => {
      const { id } = vaultCalled(vault, c.req.param('id'));
      const checked = vault.checkVault(id);
      auditAct(deps, c, { action: 'vault.check', target: target(checked) });
      events.changed('settings');
      return c.json(vaultView(checked), 202);
    })
    .put('/vaults/:id/check', validate('json', everyBody), (c) => {
      const { id } = vaultCalled(vault, c.req.param('id'));
      const { everyDays } = c.req.valid('json');
      const changed = vault.checkEvery(id, everyDays);
      auditAct(deps, c, { action: 'vault.check-every', target: target(changed), details: { everyDays } });
      events.changed('settings');
      return c.json(vaultView(changed));
    })
    .post('/vaults/:id/collect', validate('json', collectBody), (c) => {
      const { id, name } = vaultCalled(vault, c.req.param('id'));
      const { confirm, giveUpForgotten } = c.req.valid('json');
      if (giveUpForgotten) requireConfirmation(confirm ?? '', name);
      const collected = vault.collectVault(id, { giveUpForgotten });
      const details = giveUpForgotten ? { details: { giveUpForgotten } } : {};
      auditAct(deps, c, { action: 'vault.collect', target: target(collected), ...details });
      events.changed('settings');
      return c.json(vaultView(collected), 202);
    });
}
