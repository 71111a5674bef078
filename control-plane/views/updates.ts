import type { Failure } from '../../protocol/failure.ts';
import { isNewer } from '../../protocol/release.ts';
import { servedRefusal } from '../agents/updates.ts';
import { type AgentRow, listAgents } from '../db/agents.ts';
import { latestRollout, type RolloutRow } from '../db/rollouts.ts';
import { latestUpdates, type UpdateRow } from '../db/updates.ts';
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

function standing(deps: Deps, agent: AgentRow, { latest, served }: Standing) {
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

interface Standing {
  /** The version that agents can become from here. */
  served: string | undefined;
  /** The agent's newest update. */
  latest: UpdateRow | undefined;
}

/** A rollout as the API shows it: each agent of each batch, and how it stands. */
export function rolloutView({ db }: Pick<Deps, 'db'>, row: RolloutRow) {
  const skipped = new Set(JSON.parse(row.skipped) as string[]);
  const batches = JSON.parse(row.batches) as string[][];
  const updates = latestUpdates(db);
  const names = new Map(listAgents(db).map(({ id, name }) => [id, name]));
  const member = (agentId: string) => {
    const latest = updates.get(agentId);
    const own = latest && latest.createdAt >= row.createdAt ? latest.state : undefined;
    const state: MemberState = own ?? (skipped.has(agentId) ? 'skipped' : 'waiting');
    return { agentId, name: names.get(agentId) ?? '', state };
  };
  return {
    ...{ id: row.id, version: row.version, state: row.state, requestedBy: row.requestedBy },
    batches: batches.map((batch) => batch.map(member)),
    failure: row.failure === null ? null : (JSON.parse(row.failure) as Failure),
    createdAt: iso(row.createdAt),
    finishedAt: isoOrNull(row.finishedAt),
  };
}

type MemberState = UpdateRow['state'] | 'waiting' | 'skipped';

/** What is served here, and how each agent stands to it. Agents that were revoked are left out. */
export async function updatesView(deps: Deps) {
  const current = await deps.release.current();
  const refusal = await servedRefusal(deps.release);
  const signed = await deps.release.signed();
  const rollout = latestRollout(deps.db);
  const agents = listAgents(deps.db).filter(({ revokedAt }) => revokedAt === null);
  const updates = latestUpdates(deps.db);
  const served = refusal ? undefined : signed?.release.version;
  return {
    /** The built agent; null where there is none. */
    served: current ? { version: current.version, key: signed?.signature.key ?? null } : null,
    /** Why no agent can be updated from here. */
    failure: refusal?.failure ?? null,
    /** The newest rollout. */
    rollout: rollout ? rolloutView(deps, rollout) : null,
    agents: agents.map((agent) => standing(deps, agent, { served, latest: updates.get(agent.id) })),
  };
}
