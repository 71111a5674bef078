import { CLOSE } from '../../protocol/handshake.ts';
import type { Clock } from '../clock.ts';
import { revokeAgent } from '../db/agents.ts';
import { jobsOfAgent, OPEN_STATES } from '../db/jobs.ts';
import type { Db } from '../db/open.ts';
import type { Events } from '../events.ts';
import type { JobService } from '../jobs/service.ts';
import type { Bearers } from './bearers.ts';
import type { Registry } from './registry.ts';

export interface MembershipDeps {
  db: Db;
  clock: Clock;
  events: Events;
  registry: Registry;
  bearers: Bearers;
  jobs: Pick<JobService, 'cancel'>;
}

/**
 * Ends an agent's membership at once: its next connection, its live one, its bearers and its jobs.
 * @returns false where it was revoked already
 */
export function revoke(deps: MembershipDeps, agentId: string): boolean {
  const { bearers, clock, db, events, jobs, registry } = deps;
  if (!revokeAgent(db, agentId, clock.now())) return false;
  bearers.drop(agentId);
  const session = registry.session(agentId);
  if (session) {
    session.send({ type: 'revoked' });
    session.close(CLOSE.agentRevoked, 'agent_revoked');
    // From here on it counts as offline, so that its jobs end now rather than when it agrees.
    registry.remove(session);
  }
  for (const job of jobsOfAgent(db, agentId, OPEN_STATES)) jobs.cancel(job.id);
  for (const topic of ['agents', 'servers', 'databases'] as const) events.changed(topic);
  return true;
}
