import { engineDefinition } from '../../protocol/engines/registry.ts';
import { fail } from '../../protocol/failure.ts';
import type { KnownServer } from '../../protocol/messages.ts';
import type { Clock } from '../clock.ts';
import { findAgent } from '../db/agents.ts';
import { stopProtectingServer } from '../db/databases.ts';
import { openJobsOfServer } from '../db/jobs.ts';
import type { Db } from '../db/open.ts';
import { connectionText, findServer, insertServer, type ServerRow, updateServer } from '../db/servers.ts';
import type { Events } from '../events.ts';
import type { Registry } from './registry.ts';

export interface ServerDeps {
  db: Db;
  clock: Clock;
  events: Events;
  registry: Registry;
}

export interface ServerWish {
  id: string;
  agentId: string;
  name: string;
  engine: string;
  /** base64 of an age file to the agent: it passes through here unread. */
  sealed: string;
}

/**
 * Hands credentials to the agent and keeps what it says about them. Used for new and for known servers.
 * @throws FailureError `agent_offline` | `conflict` | `invalid_input` | the agent's own
 */
export async function putServer(deps: ServerDeps, wish: ServerWish): Promise<void> {
  const { db, events, registry } = deps;
  const { agentId, engine, id, name, sealed } = wish;
  checkWish(db, wish);
  const known = await registry.ask(agentId, 'server.put', { serverId: id, name, sealed });
  if (known.id !== id || known.engine !== engine) {
    throw fail(
      'destination_mismatch',
      'The agent kept other credentials than it was given.',
      'Update the agent and add the server again.',
    );
  }
  keep(deps, wish, known);
  events.changed('servers', id);
  await probeQuietly(deps, agentId, id);
}

function checkWish(db: Db, { agentId, engine, id }: ServerWish): void {
  const agent = findAgent(db, agentId);
  if (!agent || agent.revokedAt !== null) {
    throw fail('agent_unknown', 'There is no such agent.', 'Choose another one, or enrol it first.');
  }
  if (!engineDefinition(engine)) {
    throw fail('invalid_input', `This build does not know the engine “${engine}”.`, 'Choose another engine.');
  }
  const existing = findServer(db, id);
  if (existing && (existing.agentId !== agentId || existing.engine !== engine)) throw otherOwner();
}

function otherOwner() {
  return fail(
    'conflict',
    'The server belongs to another agent or engine.',
    'Add it as a new server: credentials are sealed to one agent.',
  );
}

/** The agent's inventory may have told of it first. */
function keep({ clock, db }: ServerDeps, wish: ServerWish, known: KnownServer): void {
  const { agentId, engine, id, name } = wish;
  const set = {
    name,
    connection: connectionText(known.connection),
    addedOnHost: false,
    removedAt: null,
    awaitsCredentialsSince: null,
  };
  const present = findServer(db, id);
  // While the agent was asked another one may have taken its place.
  if (present && present.agentId !== agentId) throw otherOwner();
  if (present) updateServer(db, id, set);
  else insertServer(db, { id, agentId, engine, ...set, version: null, createdAt: clock.now() });
}

/** Learns the server's version where it can be reached; that it cannot is no reason not to keep it. */
async function probeQuietly({ db, registry }: ServerDeps, agentId: string, id: string): Promise<void> {
  const facts = await registry.ask(agentId, 'server.probe', { serverId: id }).catch(() => undefined);
  if (facts) updateServer(db, id, { version: facts.version });
}

/**
 * Makes the agent forget a server's credentials. Snapshots stay.
 * @throws FailureError `conflict` while jobs are open | `agent_offline`
 */
export async function removeServer(deps: ServerDeps, server: ServerRow): Promise<void> {
  const { clock, db, events, registry } = deps;
  if (openJobsOfServer(db, server.id).length > 0) {
    throw fail(
      'conflict',
      'Jobs of this server are queued or running.',
      'Cancel them or wait for them first.',
    );
  }
  const revoked = findAgent(db, server.agentId)?.revokedAt !== null;
  const held = server.removedAt === null && server.awaitsCredentialsSince === null;
  if (!revoked && held) {
    await registry.ask(server.agentId, 'server.remove', { serverId: server.id });
  }
  const now = clock.now();
  db.transaction(() => {
    updateServer(db, server.id, { removedAt: now, awaitsCredentialsSince: null, autoProtectSince: null });
    stopProtectingServer(db, server.id, now);
  });
  events.changed('servers', server.id);
  events.changed('databases');
}
