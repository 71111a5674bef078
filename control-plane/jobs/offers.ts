import { fail } from '../../protocol/failure.ts';
import type { JobOffer } from '../../protocol/job.ts';
import type { RestorePlan } from '../../protocol/restore.ts';
import { findDatabase } from '../db/databases.ts';
import type { JobRow } from '../db/jobs.ts';
import type { Db } from '../db/open.ts';
import type { VaultService } from '../vault/service.ts';

export interface OfferDeps {
  db: Db;
  vault: Pick<VaultService, 'statementOf'>;
  leaseMs: number;
  stallMs: number;
}

/**
 * The offer of a job's newest attempt.
 * @throws FailureError where the vault or the database are gone
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
    vault: { id: vaultId, statement: vault.statementOf(vaultId) },
  };
  if (job.kind === 'restore') {
    return { ...common, kind: 'restore', plan: JSON.parse(String(job.plan)) as RestorePlan };
  }
  const database = findDatabase(deps.db, job.databaseId);
  if (!database) throw fail('not_found', 'The database of this job is gone.', 'Protect it again.');
  return {
    ...common,
    kind: 'backup',
    sequence: Number(job.sequence),
    serverName: database.serverName,
    database: { id: database.id, name: database.name },
  };
}
