import type { Failure } from '../../protocol/failure.ts';
import { isNewer } from '../../protocol/release.ts';
import { servedRefusal } from '../agents/updates.ts';
import { type AgentRow, listAgents } from '../db/agents.ts';
import { latestUpdate, type UpdateRow } from '../db/updates.ts';
import type { AppDeps } from '../deps.ts';
import { agentState } from './agents.ts';
import { iso, isoOrNull } from './times.ts';

type Deps = Pick<AppDeps, 'db' | 'registry' | 'release'>;

/** An update as the API shows it. */
export function updateView(row: UpdateRow) {
  const { agentId, createdAt, failure, finishedAt, fromVersion, id, requestedBy, state, toVersion } = row;
  return {
    ...{ id, agentId, fromVersion, toVersion, state, requestedBy },
    failure: failure === null ? null : (JSON.parse(failure) as Failure),
    createdAt: iso(createdAt),
    finishedAt: isoOrNull(finishedAt),
  };
}

function standing(deps: Deps, agent: AgentRow, served: string | undefined) {
  const latest = latestUpdate(deps.db, agent.id);
  return {
    agentId: agent.id,
    name: agent.name,
    state: agentState(deps.registry, agent),
    version: agent.version,
    /** The version that it could become. */
    available:
      served !== undefined && agent.version !== null && isNewer(served, agent.version) ? served : null,
    /** Its newest update. */
    update: latest ? updateView(latest) : null,
  };
}

/** What is served here, and how each agent stands to it. Agents that were revoked are left out. */
export async function updatesView(deps: Deps) {
  const current = await deps.release.current();
  const refusal = await servedRefusal(deps.release);
  const signed = await deps.release.signed();
  const agents = listAgents(deps.db).filter(({ revokedAt }) => revokedAt === null);
  return {
    /** The built agent; null where there is none. */
    served: current ? { version: current.version, key: signed?.signature.key ?? null } : null,
    /** Why no agent can be updated from here. */
    failure: refusal?.failure ?? null,
    agents: agents.map((agent) => standing(deps, agent, refusal ? undefined : signed?.release.version)),
  };
}
