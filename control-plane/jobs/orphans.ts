import { type Failure, fail } from '../../protocol/failure.ts';
import { findAgent, successorOf } from '../db/agents.ts';
import { type JobRow, jobsOfAgent, OPEN_STATES, openJobs } from '../db/jobs.ts';
import type { Db } from '../db/open.ts';
import type { Commits } from './commits.ts';
import type { Ledger } from './ledger.ts';

export interface OrphansDeps {
  db: Db;
  ledger: Ledger;
  commits: Pick<Commits, 'after'>;
}

/** Ends every open job of an agent whose place was taken; a commit at work is decided first. Idempotent. */
export function endOrphans(deps: OrphansDeps, agent: { id: string; name: string }): void {
  for (const job of jobsOfAgent(deps.db, agent.id, OPEN_STATES)) end(deps, job, agent.name);
}

/** The same for all agents, where the control plane stopped between a succession and its jobs. */
export function endAllOrphans(deps: OrphansDeps): void {
  for (const agentId of new Set(openJobs(deps.db).map((job) => job.agentId))) {
    const agent = successorOf(deps.db, agentId) && findAgent(deps.db, agentId);
    if (agent) endOrphans(deps, agent);
  }
}

function end(deps: OrphansDeps, { id, kind, state }: JobRow, agentName: string): void {
  const failure = replaced({ kind, state }, agentName);
  const { verdict } = deps.ledger.apply(id, { type: 'orphaned', failure });
  if (verdict !== 'undecided') return;
  deps.commits.after(id, 'orphaned', () => void deps.ledger.apply(id, { type: 'orphaned', failure }));
}

function replaced({ kind, state }: Pick<JobRow, 'kind' | 'state'>, name: string): Failure {
  const what = `The agent “${name}” was replaced before this ${kind} `;
  if (kind === 'backup') {
    const hint =
      'Back up again once the new agent has the server’s credentials. Earlier snapshots are all there.';
    return fail('agent_revoked', `${what}was done.`, hint).failure;
  }
  if (kind === 'restore' && state === 'running') {
    const hint = 'Look at the target before you repeat it: how far the restore had come is not known.';
    return fail('agent_revoked', `${what}had told how it ended.`, hint).failure;
  }
  const hint = 'Start it again once the new agent has the server’s credentials.';
  return fail(
    'agent_revoked',
    `${what}${state === 'running' ? 'ended' : 'began'}. Nothing was changed.`,
    hint,
  ).failure;
}
