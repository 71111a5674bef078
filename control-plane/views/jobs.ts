import type { Failure } from '../../protocol/failure.ts';
import type { JobResult, Progress } from '../../protocol/job.ts';
import type { RestorePlan } from '../../protocol/restore.ts';
import type { Reach } from '../auth/reach.ts';
import { attemptsOf } from '../db/job-attempts.ts';
import { type JobFilter, pageOfJobs } from '../db/job-list.ts';
import { logOf } from '../db/job-log.ts';
import { findJobListing, type JobListing } from '../db/jobs.ts';
import type { Page, PageWish } from '../db/pages.ts';
import type { AppDeps } from '../deps.ts';
import { iso, isoOrNull } from './times.ts';

type Deps = Pick<AppDeps, 'db' | 'progress'>;

const parsed = <T>(json: string | null) => (json === null ? null : (JSON.parse(json) as T));

export function jobView({ progress }: Pick<Deps, 'progress'>, job: JobListing) {
  const live = job.state === 'running' ? progress.of(job.id) : undefined;
  return {
    id: job.id,
    kind: job.kind,
    state: job.state,
    databaseId: job.databaseId,
    databaseName: job.databaseName,
    serverId: job.serverId,
    serverName: job.serverName,
    agentId: job.agentId,
    agentName: job.agentName,
    snapshotId: job.snapshotId,
    attempt: job.attempt,
    maxAttempts: job.maxAttempts,
    createdAt: iso(job.createdAt),
    startedAt: isoOrNull(job.startedAt),
    finishedAt: isoOrNull(job.finishedAt),
    cancelRequested: job.cancelRequestedAt !== null,
    progress: live?.progress ?? parsed<Progress>(job.progress),
    ratePerSecond: live?.ratePerSecond ?? null,
    etaSeconds: live?.etaSeconds ?? null,
    result: parsed<JobResult>(job.result),
    failure: parsed<Failure>(job.failure),
    plan: parsed<RestorePlan>(job.plan),
    /** Whether a restore logged in with an account given for it alone. */
    oneTimeAccount: job.oneTimeAccount,
    /** Restores: the backup of the target it waits or waited for, and the snapshot that one made. */
    safetyJobId: job.afterJobId,
    safetySnapshotId: job.safetySnapshotId,
    /** Backups: the restore that it was made before. */
    safetyForJobId: job.safetyForJobId,
    requestedBy: job.requestedBy,
  };
}

/** A job as the API shows it. */
export type JobView = ReturnType<typeof jobView>;

/** Those of agents within reach that a filter finds, newest first. */
export function jobsPage(
  deps: Deps,
  filter: Omit<JobFilter, 'agentIds'>,
  { reach, ...page }: PageWish & { reach: Reach },
): Page<JobView> {
  const { rows, total } = pageOfJobs(deps.db, { ...filter, agentIds: reach.agentIds }, page);
  return { rows: rows.map((job) => jobView(deps, job)), total };
}

export function oneJob(deps: Deps, id: string): JobView | undefined {
  const job = findJobListing(deps.db, id);
  return job && jobView(deps, job);
}

/** A job with its attempts and its log. */
export function jobInFull(deps: Deps, id: string) {
  const job = oneJob(deps, id);
  if (!job) return undefined;
  const attempts = attemptsOf(deps.db, id).map(({ attempt, failure, finishedAt, startedAt, state }) => ({
    attempt,
    state,
    startedAt: iso(startedAt),
    finishedAt: isoOrNull(finishedAt),
    failure: parsed<Failure>(failure),
  }));
  return { ...job, attempts, log: logOf(deps.db, id).map(({ at, text }) => ({ at: iso(at), text })) };
}
