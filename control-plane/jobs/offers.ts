import { fail } from '../../protocol/failure.ts';
import type { JobOffer } from '../../protocol/job.ts';
import type { RestorePlan } from '../../protocol/restore.ts';
import { requireJobs } from '../agents/abilities.ts';
import { findAgent } from '../db/agents.ts';
import { assertionsOf } from '../db/assertions.ts';
import { findDatabase, selectionOf } from '../db/databases.ts';
import { type JobRow, restoreAfter } from '../db/jobs.ts';
import type { Db } from '../db/open.ts';
import type { VaultService } from '../vault/service.ts';
import { accountForgotten, type OneTimeAccounts } from './accounts.ts';

export interface OfferDeps {
  db: Db;
  vault: Pick<VaultService, 'isDirect' | 'statementOf'>;
  accounts: Pick<OneTimeAccounts, 'of'>;
  leaseMs: number;
  stallMs: number;
}

/**
 * The offer of a job's newest attempt.
 * @throws FailureError where the vault, the database or the account given for a restore are gone
 */
export function buildOffer(deps: OfferDeps, job: JobRow): JobOffer {
  const { leaseMs, stallMs, vault } = deps;
  const { attempt, serverId, snapshotId, vaultId } = job;
  const common = {
    jobId: job.id,
    attempt,
    leaseMs,
    stallMs,
    serverId,
    snapshotId,
    vault: {
      id: vaultId,
      statement: vault.statementOf(vaultId),
      ...(vault.isDirect(vaultId) ? { direct: true } : {}),
    },
  };
  if (job.kind === 'restore') {
    const sealed = deps.accounts.of(job.id);
    if (job.oneTimeAccount && sealed === undefined) throw accountForgotten();
    const plan = JSON.parse(String(job.plan)) as RestorePlan;
    return { ...common, kind: 'restore', plan, ...(sealed === undefined ? {} : { sealed }) };
  }
  const database = findDatabase(deps.db, job.databaseId);
  if (!database) throw fail('not_found', 'The database of this job is gone.', 'Protect it again.');
  const named = { id: database.id, name: database.name };
  if (job.kind === 'drill') {
    requireJobs(findAgent(deps.db, job.agentId), 'drill');
    return { ...common, kind: 'drill', database: named, assertions: assertionsOf(deps.db, database.id) };
  }
  const safety = restoreAfter(deps.db, job.id) !== undefined;
  const selection = selectionOf(database);
  return {
    ...common,
    // What is taken for safety's sake leaves nothing out.
    ...(safety ? { safety } : selection && { selection }),
    kind: 'backup',
    sequence: Number(job.sequence),
    serverName: database.serverName,
    database: named,
  };
}
