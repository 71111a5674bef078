import { fail } from '../../protocol/failure.ts';
import { findJob } from '../db/jobs.ts';
import type { Db } from '../db/open.ts';
import type { AgentVault, BulkAttempt } from '../vault/service.ts';
import type { Commits } from './commits.ts';
import type { Ledger } from './ledger.ts';

interface BeginningDeps {
  db: Db;
  ledger: Ledger;
  commits: Commits;
}

/**
 * The agents' vault, where asking for a restore's source or committing a backup says as well that the attempt
 * has begun. `job.accepted` goes over another socket and may be lost with it; were the offer then made anew, a
 * restore whose agent had all it needs would be done twice. While a commit is at work nothing ends its job.
 */
export function noteBeginnings(vault: AgentVault, deps: BeginningDeps): AgentVault {
  const { commits, db, ledger } = deps;
  const begin = (agentId: string, { attempt, jobId }: BulkAttempt): boolean =>
    findJob(db, jobId)?.agentId === agentId &&
    ledger.apply(jobId, { type: 'accepted', attempt }).verdict === 'applied';
  return {
    ...vault,
    async source(agentId, attempt) {
      const source = await vault.source(agentId, attempt);
      if (!begin(agentId, attempt)) throw over(attempt);
      return source;
    },
    commit(agentId, attempt, manifest) {
      const commit = () => vault.commit(agentId, attempt, manifest);
      // An attempt that is over is refused by the commit itself; it keeps nothing waiting.
      return begin(agentId, attempt) ? commits.during(attempt.jobId, commit) : commit();
    },
  };
}

function over({ attempt }: BulkAttempt) {
  return fail(
    'lease_lost',
    `Attempt ${attempt} of this job is over for the control plane.`,
    'Nothing to do.',
  );
}
