import { randomUUID } from 'node:crypto';
import { generateIdentity, identityToRecipient } from 'age-encryption';
import { takePlace } from '../../../control-plane/agents/succession.ts';
import { insertAgent } from '../../../control-plane/db/agents.ts';
import { ed25519Raw, generateEd25519 } from '../../../protocol/keys.ts';
import { generateVaultKey } from '../../../protocol/vault/keys.ts';
import type { Fleet } from './fleet.ts';
import type { World } from './world.ts';

/** Another agent with new keys takes the place of this one. */
export async function succeed(w: World, old: Fleet): Promise<Fleet> {
  const sealingIdentity = await generateIdentity();
  const sealingKey = await identityToRecipient(sealingIdentity);
  const { key } = generateEd25519();
  const agentId = randomUUID();
  const row = { id: agentId, name: 'web-1', identityKey: ed25519Raw(key), sealingKey };
  const predecessorId = old.agentId;
  insertAgent(w.db, { ...row, predecessorId, createdAt: Date.now() });
  takePlace(w.db, { of: old.agentId, by: agentId, now: Date.now() });
  await w.vaults.service.certifyAgent({ ...row, predecessorId });
  await w.vaults.service.withdrawAgent(old.agentId);
  return { ...old, agentId, key, sealingIdentity, sealingKey, idKey: generateVaultKey(), known: new Map() };
}
