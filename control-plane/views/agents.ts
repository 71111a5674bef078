import { fingerprint } from '../../protocol/enrolment.ts';
import type { Inventory } from '../../protocol/messages.ts';
import type { Reach } from '../auth/reach.ts';
import {
  type AgentCounts,
  type AgentOrder,
  countsOfAgents,
  kinOfAgents,
  pageOfAgents,
} from '../db/agent-list.ts';
import { type AgentRow, findAgent } from '../db/agents.ts';
import type { Page, PageWish } from '../db/pages.ts';
import { choicesOf } from '../db/policies.ts';
import type { AppDeps } from '../deps.ts';
import { choiceView } from './policies.ts';
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

function view({ clock, registry }: Deps, agent: AgentRow, { choices, counts, kin }: Beside) {
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
    policyChoice: choiceView(choices.get(agent.id)),
    serverCount: counts.servers.get(agent.id) ?? 0,
    databaseCount: counts.databases.get(agent.id) ?? 0,
    /** Servers that wait for their credentials. */
    waitingServerCount: counts.waiting.get(agent.id) ?? 0,
    /** The agent whose place it took, and the one that took its own. */
    predecessor: kin.predecessors.get(agent.predecessorId ?? '') ?? null,
    successor: kin.successors.get(agent.id) ?? null,
  };
}

/** An agent as the API shows it. */
export type AgentView = ReturnType<typeof view>;

interface Beside {
  choices: ReturnType<typeof choicesOf>;
  counts: AgentCounts;
  kin: ReturnType<typeof kinOfAgents>;
}

function views(deps: Deps, agents: AgentRow[]): AgentView[] {
  const ids = agents.map(({ id }) => id);
  const beside: Beside = {
    choices: choicesOf(deps.db, 'agent', ids),
    counts: countsOfAgents(deps.db, ids),
    kin: kinOfAgents(deps.db, agents),
  };
  return agents.map((agent) => view(deps, agent, beside));
}

/** Those within reach that a search finds. */
export function agentsPage(
  deps: Deps,
  filter: { q?: string | undefined; state?: AgentState | undefined },
  { reach, ...page }: PageWish & { reach: Reach; order: AgentOrder },
): Page<AgentView> {
  const { q, state } = filter;
  const ids = [...deps.registry.sessions()].map(({ agentId }) => agentId);
  const { rows, total } = pageOfAgents(
    deps.db,
    {
      q,
      agentIds: reach.agentIds,
      revoked: state === undefined ? undefined : state === 'revoked',
      connected: state === 'online' || state === 'offline' ? { ids, wanted: state === 'online' } : undefined,
    },
    page,
  );
  return { rows: views(deps, rows), total };
}

export function oneAgent(deps: Deps, id: string): AgentView | undefined {
  const agent = findAgent(deps.db, id);
  return agent && views(deps, [agent])[0];
}
