import { type Failure, fail } from '../../protocol/failure.ts';
import type { RestorePlan } from '../../protocol/restore.ts';
import { findJob, type JobRow } from '../db/jobs.ts';
import type { Db } from '../db/open.ts';
import type { VaultService } from '../vault/service.ts';

interface SafetyDeps {
  db: Db;
  vault: Pick<VaultService, 'snapshot'>;
}

/**
 * What to say of a restore that had begun and has ended without success. Its target may not be as it was: that is said
 * of one that was cancelled, too, and where a safety snapshot shows the way back, of which the agent does not know.
 */
export function aftermath(
  deps: SafetyDeps,
  job: JobRow,
  { failure, state }: { failure: Failure | null; state: JobRow['state'] },
): Failure | null {
  if (job.plan === null) return failure;
  const plan = JSON.parse(job.plan) as RestorePlan;
  if (plan.mode !== 'in-place' || state === 'succeeded') return failure;
  const told = failure ?? (state === 'cancelled' ? cancelledInPlace(plan) : null);
  return told && withWayBack(deps, job, told);
}

function cancelledInPlace({ targetDatabase }: RestorePlan): Failure {
  return fail(
    'cancelled',
    'The restore was cancelled after it had begun.',
    `Look at “${targetDatabase}” before it is used: where what had been done could not be undone, it is incomplete.`,
  ).failure;
}

function withWayBack({ db, vault }: SafetyDeps, job: JobRow, failure: Failure): Failure {
  if (job.afterJobId === null) return failure;
  const { targetDatabase } = JSON.parse(String(job.plan)) as RestorePlan;
  const snapshot = vault.snapshot(findJob(db, job.afterJobId)?.snapshotId ?? '');
  if (!snapshot) return failure;
  const taken = new Date(snapshot.createdAt).toISOString().slice(0, 19).replace('T', ' ');
  const way = `What was in “${targetDatabase}” before is in its safety snapshot, number ${snapshot.sequence} of ${taken} UTC: restore that one if the database is not as it was.`;
  return { ...failure, hint: `${failure.hint} ${way}` };
}
