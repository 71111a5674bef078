import { listAgents, revokeAgent } from '../db/agents.ts';
import type { Db } from '../db/open.ts';
import { keepRevocation, loadRevocations } from '../keys/revocations.ts';

/**
 * Makes database and `<data>/keys` agree on who was revoked, each believed about what the other has forgotten.
 * Comes after the vaults' agents were taken up, before any of them may connect.
 */
export async function applyRevocations(dataDir: string, db: Db): Promise<void> {
  const kept = await loadRevocations(dataDir);
  for (const [agentId, at] of kept) revokeAgent(db, agentId, at);
  for (const { id, revokedAt } of listAgents(db))
    if (revokedAt !== null && !kept.has(id)) await keepRevocation(dataDir, id, revokedAt);
}
