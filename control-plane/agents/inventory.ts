import type { Inventory, KnownServer } from '../../protocol/messages.ts';
import type { Audit } from '../audit.ts';
import type { Clock } from '../clock.ts';
import { recordInventory } from '../db/agents.ts';
import { auditedLately } from '../db/audit.ts';
import type { Db } from '../db/open.ts';
import { connectionText, findServer, insertServer, serversOfAgent, updateServer } from '../db/servers.ts';
import type { Events } from '../events.ts';
import type { Logger } from '../log.ts';

export interface InventoryDeps {
  db: Db;
  clock: Clock;
  events: Events;
  audit: Audit;
  log: Logger;
}

/** Servers that one agent can bring into being, gone ones included. */
const MAX_SERVERS = 1_000;
const FOREIGN = 'server.foreign-refused';

/** Who announces a server. */
export interface Announcer {
  agentId: string;
  agentName: string;
  from: string;
}

/**
 * Takes an agent's word about itself and the servers it holds credentials for: it owns that truth. Servers it
 * no longer knows are marked as removed; what was backed up from them stays.
 */
export function takeInventory(deps: InventoryDeps, announcer: Announcer, inventory: Inventory): void {
  const { clock, db, events } = deps;
  const { agentId } = announcer;
  db.transaction(() => {
    recordInventory(db, agentId, inventory);
    for (const server of inventory.servers) upsertAnnounced(deps, announcer, server);
    const known = new Set(inventory.servers.map(({ id }) => id));
    for (const row of serversOfAgent(db, agentId)) {
      // One that waits for its credentials has never been there to be missed.
      const held = row.removedAt === null && row.awaitsCredentialsSince === null;
      if (held && !known.has(row.id)) updateServer(db, row.id, { removedAt: clock.now() });
    }
  });
  events.changed('agents', agentId);
  events.changed('servers');
  events.changed('databases');
}

function upsertAnnounced(deps: InventoryDeps, announcer: Announcer, server: KnownServer): void {
  const { clock, db, log } = deps;
  const { agentId } = announcer;
  const existing = findServer(db, server.id);
  const facts = {
    name: server.name,
    connection: connectionText(server.connection),
    removedAt: null,
    awaitsCredentialsSince: null,
  };
  if (!existing) {
    if (serversOfAgent(db, agentId).length >= MAX_SERVERS) {
      log.warn({ agentId, serverId: server.id }, 'an agent announced more servers than one may have');
      return;
    }
    const { id, engine } = server;
    const now = clock.now();
    insertServer(db, { ...facts, id, agentId, engine, version: null, addedOnHost: true, createdAt: now });
    auditAnnounced(deps, announcer, 'server.add-on-host', server);
    return;
  }
  if (existing.agentId !== agentId || existing.engine !== server.engine) {
    // Ids are random: a clash means a copied state file, or an agent reaching for another one's backups.
    log.error({ agentId, serverId: server.id }, 'an agent announced a server of another agent');
    if (!auditedLately(db, FOREIGN, agentId)) auditAnnounced(deps, announcer, FOREIGN, existing);
    return;
  }
  if (existing.awaitsCredentialsSince === null) {
    updateServer(db, server.id, facts);
    return;
  }
  updateServer(db, server.id, { ...facts, addedOnHost: true });
  auditAnnounced(deps, announcer, 'server.add-on-host', server);
}

function auditAnnounced(
  { audit }: InventoryDeps,
  { agentId, agentName, from }: Announcer,
  ...[action, { id, name }]: [action: string, server: { id: string; name: string }]
): void {
  const actor = { kind: 'agent', id: agentId, name: agentName } as const;
  audit({ actor, action, target: { kind: 'server', id, name }, from });
}
