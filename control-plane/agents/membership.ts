import type { Failure } from '../../protocol/failure.ts';
import { CLOSE } from '../../protocol/handshake.ts';
import type { Clock } from '../clock.ts';
import { type AgentRow, revokeAgent } from '../db/agents.ts';
import { jobsOfAgent, OPEN_STATES } from '../db/jobs.ts';
import type { Db } from '../db/open.ts';
import type { Events } from '../events.ts';
import type { JobService } from '../jobs/service.ts';
import type { Bearers } from './bearers.ts';
import type { Registry } from './registry.ts';
import { agentReplaced } from './succession.ts';

export interface MembershipDeps {
  db: Db;
  clock: Clock;
  events: Events;
  registry: Registry;
  bearers: Bearers;
  jobs: Pick<JobService, 'cancel' | 'giveUp'>;
}

/**
 * Ends an agent's membership at once: its next connection, its live one, its bearers and its jobs.
 * @returns false where it was revoked already
 */
export function revoke(deps: MembershipDeps, agentId: string): boolean {
  const { clock, db, jobs } = deps;
  if (!revokeAgent(db, agentId, clock.now())) return false;
  cutOff(deps, agentId);
  for (const job of jobsOfAgent(db, agentId, OPEN_STATES)) jobs.cancel(job.id);
  announce(deps.events);
  return true;
}

/** Ends what is left of an agent that another one has succeeded: connection, bearers, jobs. Idempotent. */
export function endPredecessor(
  deps: Pick<MembershipDeps, 'bearers' | 'events' | 'jobs' | 'registry'>,
  { predecessor, successor }: { predecessor: Pick<AgentRow, 'id' | 'name'>; successor: AgentRow },
): void {
  cutOff(deps, predecessor.id, agentReplaced(successor).failure);
  deps.jobs.giveUp(predecessor);
  announce(deps.events);
}

function cutOff(
  { bearers, registry }: Pick<MembershipDeps, 'bearers' | 'registry'>,
  agentId: string,
  failure?: Failure,
): void {
  bearers.drop(agentId);
  const session = registry.session(agentId);
  if (!session) return;
  session.send({ type: 'revoked', ...(failure ? { failure } : {}) });
  session.close(CLOSE.agentRevoked, 'agent_revoked');
  // From here on it counts as offline, so that its jobs end now rather than when it agrees.
  registry.remove(session);
}

function announce(events: Events): void {
  for (const topic of ['agents', 'servers', 'databases'] as const) events.changed(topic);
}
