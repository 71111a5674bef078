import { EVERYWHERE, type Reach } from '../auth/reach.ts';
import { listAgents } from '../db/agents.ts';
import { listServers, type ServerListing } from '../db/servers.ts';
import type { AppDeps } from '../deps.ts';
import { type AgentState, agentState } from './agents.ts';
import { iso, isoOrNull } from './times.ts';

type Deps = Pick<AppDeps, 'db' | 'registry' | 'autoProtect'>;

function view({ autoProtect }: Deps, server: ServerListing, state: AgentState) {
  return {
    id: server.id,
    agentId: server.agentId,
    agentName: server.agentName,
    agentState: state,
    name: server.name,
    engine: server.engine,
    connection: JSON.parse(server.connection) as Record<string, string | number | boolean>,
    addedOnHost: server.addedOnHost,
    removedFromAgent: server.removedAt !== null,
    /** Since when its agent, a successor, waits for the credentials; null where it does not. */
    awaitsCredentialsSince: isoOrNull(server.awaitsCredentialsSince),
    version: server.version,
    createdAt: iso(server.createdAt),
    databaseCount: server.databaseCount,
    /** Since when databases are protected as they appear, and what keeps them from being; null: by hand only. */
    autoProtect:
      server.autoProtectSince === null
        ? null
        : { since: iso(server.autoProtectSince), failure: autoProtect.failureOf(server.id) ?? null },
  };
}

/** A server as the API shows it. */
export type ServerView = ReturnType<typeof view>;

/** Those within reach. */
export function allServers(deps: Deps, reach: Reach): ServerView[] {
  const { db, registry } = deps;
  const states = new Map(listAgents(db).map((agent) => [agent.id, agentState(registry, agent)]));
  return reach
    .within(listServers(db))
    .map((server) => view(deps, server, states.get(server.agentId) ?? 'offline'));
}

export function oneServer(deps: Deps, id: string): ServerView | undefined {
  return allServers(deps, EVERYWHERE).find((server) => server.id === id);
}
