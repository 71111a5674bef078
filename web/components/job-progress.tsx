import type { Job } from '../api/types.ts';
import { formatBytes, formatDuration, percent } from './format.ts';
import { ProgressBar } from './progress-bar.tsx';

/** Whether the job has not ended yet. */
export function isActive(job: Job): boolean {
  return job.state === 'queued' || job.state === 'offered' || job.state === 'running';
}

/** What the job does, for titles and lists. */
export function jobTitle(job: Job): string {
  if (job.kind === 'backup') return `Back up ${job.databaseName}`;
  if (job.kind === 'drill') return `Drill ${job.databaseName}`;
  const target = job.plan?.targetDatabase;
  return target && target !== job.databaseName
    ? `Restore ${job.databaseName} as ${target}`
    : `Restore ${job.databaseName}`;
}

function waitingFor(job: Job): string {
  if (job.state === 'queued') {
    if (job.safetyJobId && !job.safetySnapshotId) return 'Waiting for the safety snapshot';
    if (job.attempt > 0) return 'Waiting for the next attempt';
    return job.safetyForJobId
      ? 'Waiting for the agent, or for an earlier backup to end'
      : 'Waiting for the agent';
  }
  if (job.state === 'offered') return 'The agent is being asked';
  return 'Starting';
}

/** Share done, 0–1; unknown before the first report. A backup's total is an estimate, so it never says “all”. */
function share(job: Job): number | undefined {
  const { progress } = job;
  if (job.state !== 'running') return 0;
  if (!progress?.totalBytes) return undefined;
  return Math.min(job.kind === 'backup' ? 0.99 : 1, progress.rawBytes / progress.totalBytes);
}

/** A running job's bar with phase, bytes, rate and time left. */
export function JobProgress({ job }: { job: Job }) {
  const { progress } = job;
  return (
    <div className="grid gap-1.5">
      <ProgressBar label={`Progress of ${jobTitle(job)}`} done={share(job)} />
      <p className="flex flex-wrap gap-x-3 text-sm text-ink-2 tabular-nums">
        <span className="font-medium text-ink first-letter:uppercase">
          {job.state === 'running' && progress ? progress.phase : waitingFor(job)}
        </span>
        {progress && job.state === 'running' && <Figures job={job} />}
      </p>
    </div>
  );
}

function Figures({ job }: { job: Job }) {
  const { progress } = job;
  if (!progress) return null;
  return (
    <>
      <span>
        {formatBytes(progress.rawBytes)}
        {progress.totalBytes
          ? ` of ${job.kind === 'backup' ? 'about ' : ''}${formatBytes(progress.totalBytes)}`
          : ''}
      </span>
      {job.ratePerSecond ? <span>{formatBytes(job.ratePerSecond)}/s</span> : null}
      {job.etaSeconds ? <span>{formatDuration(job.etaSeconds)} left</span> : null}
      {job.kind === 'backup' && progress.reusedBytes > 0 && (
        <span>{percent(progress.reusedBytes, progress.rawBytes)} already in the vault</span>
      )}
    </>
  );
}
