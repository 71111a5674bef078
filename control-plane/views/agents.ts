import { fingerprint } from '../../protocol/enrolment.ts';
import type { Inventory } from '../../protocol/messages.ts';
import type { Reach } from '../auth/reach.ts';
import { type AgentRow, findAgent, listAgents } from '../db/agents.ts';
import { listDatabases } from '../db/databases.ts';
import { listServers } from '../db/servers.ts';
import type { AppDeps } from '../deps.ts';
import { iso, isoOrNull } from './times.ts';

type Deps = Pick<AppDeps, 'db' | 'registry' | 'clock'>;

export type AgentState = 'online' | 'offline' | 'revoked';

export function agentState(
  registry: Deps['registry'],
  agent: { id: string; revokedAt: number | null },
): AgentState {
  if (agent.revokedAt !== null) return 'revoked';
  return registry.isOnline(agent.id) ? 'online' : 'offline';
}

function view({ clock, registry }: Deps, agent: AgentRow, { called, counts, successors }: Beside) {
  const session = registry.session(agent.id);
  return {
    id: agent.id,
    name: agent.name,
    state: agentState(registry, agent),
    connectedSince: session ? iso(session.connectedAt) : null,
    lastSeenAt: session ? iso(clock.now()) : isoOrNull(agent.lastSeenAt),
    version: agent.version,
    fingerprint: fingerprint(agent.identityKey),
    sealingKey: agent.sealingKey,
    inventory: agent.inventory === null ? null : (JSON.parse(agent.inventory) as Inventory),
    createdAt: iso(agent.createdAt),
    labels: agent.labels,
    serverCount: counts.servers.get(agent.id) ?? 0,
    databaseCount: counts.databases.get(agent.id) ?? 0,
    /** Servers that wait for their credentials. */
    waitingServerCount: counts.waiting.get(agent.id) ?? 0,
    /** The agent whose place it took, and the one that took its own. */
    predecessor: called(agent.predecessorId),
    successor: called(successors.get(agent.id) ?? null),
  };
}

/** An agent as the API shows it. */
export type AgentView = ReturnType<typeof view>;

interface Beside {
  counts: Counts;
  /** Id of the agent that has an agent's place now, by the id of that one. */
  successors: ReadonlyMap<string, string>;
  called(id: string | null): { id: string; name: string } | null;
}

function besides(deps: Deps): Beside {
  const agents = listAgents(deps.db);
  const names = new Map(agents.map(({ id, name }) => [id, name]));
  const followed = agents.flatMap(({ id, predecessorId }) => (predecessorId ? [[predecessorId, id]] : []));
  return {
    counts: countsOf(deps),
    successors: new Map(followed as [string, string][]),
    called: (id) => (id === null ? null : { id, name: names.get(id) ?? '' }),
  };
}

interface Counts {
  servers: Map<string, number>;
  databases: Map<string, number>;
  waiting: Map<string, number>;
}

function countsOf({ db }: Deps): Counts {
  const servers = new Map<string, number>();
  const databases = new Map<string, number>();
  const waiting = new Map<string, number>();
  const add = (map: Map<string, number>, id: string) => map.set(id, (map.get(id) ?? 0) + 1);
  for (const { agentId, awaitsCredentialsSince, removedAt } of listServers(db)) {
    if (removedAt === null) add(servers, agentId);
    if (awaitsCredentialsSince !== null) add(waiting, agentId);
  }
  for (const { agentId, protectedAt } of listDatabases(db)) if (protectedAt !== null) add(databases, agentId);
  return { servers, databases, waiting };
}

/** Those within reach. */
export function allAgents(deps: Deps, reach: Reach): AgentView[] {
  const beside = besides(deps);
  return listAgents(deps.db)
    .filter(({ id }) => reach.has(id))
    .map((agent) => view(deps, agent, beside));
}

export function oneAgent(deps: Deps, id: string): AgentView | undefined {
  const agent = findAgent(deps.db, id);
  return agent && view(deps, agent, besides(deps));
}
