import type { Failure } from '../../protocol/failure.ts';
import type { RestorePlan } from '../../protocol/restore.ts';
import { findJob, type JobRow } from '../db/jobs.ts';
import type { Db } from '../db/open.ts';
import type { VaultService } from '../vault/service.ts';

interface SafetyDeps {
  db: Db;
  vault: Pick<VaultService, 'snapshot'>;
}

/**
 * The failure of a restore that had begun, with the way back where its target may not be as it was: the agent does
 * not know of the safety snapshot.
 */
export function withWayBack({ db, vault }: SafetyDeps, job: JobRow, failure: Failure): Failure {
  if (job.kind !== 'restore' || job.afterJobId === null || job.plan === null) return failure;
  const { targetDatabase } = JSON.parse(job.plan) as RestorePlan;
  const snapshot = vault.snapshot(findJob(db, job.afterJobId)?.snapshotId ?? '');
  if (!snapshot) return failure;
  const taken = new Date(snapshot.createdAt).toISOString().slice(0, 19).replace('T', ' ');
  const way = `What was in “${targetDatabase}” before is in its safety snapshot, number ${snapshot.sequence} of ${taken} UTC: restore that one if the database is not as it was.`;
  return { ...failure, hint: `${failure.hint} ${way}` };
}
