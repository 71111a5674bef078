import type { Job } from '../remote/shapes.ts';
import { bytes, cut, duration, oneLine, widthOf } from '../text.ts';
import { isOver } from './watch.ts';

const BAR = 20;

/** What a job does, for people. */
export function titleOf({ databaseName, kind, plan, serverName }: Job): string {
  const name = `${serverName}/${databaseName}`;
  if (kind === 'backup') return name;
  const target = plan?.targetDatabase;
  return target !== undefined && target !== databaseName ? `${databaseName} → ${serverName}/${target}` : name;
}

/** Share done, 0–1; unknown before the first report. A backup's total is an estimate, so it never says “all”. */
export function shareOf({ kind, progress, state }: Job): number | undefined {
  if (state !== 'running' || !progress?.totalBytes) return undefined;
  return Math.min(kind === 'backup' ? 0.99 : 1, progress.rawBytes / progress.totalBytes);
}

/** What a job is doing now, in a word or two. */
export function phaseOf(job: Job): string {
  if (isOver(job)) return job.state;
  if (job.cancelRequested) return 'stopping';
  if (job.state === 'running') return job.progress?.phase ?? 'starting';
  if (job.state === 'offered') return 'asking the agent';
  if (job.attempt > 0) return `waiting for attempt ${job.attempt + 1}`;
  return job.safetyJobId ? 'waiting for the safety snapshot' : 'waiting for the agent';
}

/** A running job on one line of at most `width` columns; what matters least goes first where there is no room. */
export function picture(job: Job, { color, width }: { color: boolean; width: number }): string {
  const share = shareOf(job);
  const { etaSeconds, kind, progress, ratePerSecond } = job;
  const running = job.state === 'running' && progress;
  const parts = [oneLine(titleOf(job)), oneLine(phaseOf(job))];
  const figures: string[] = [];
  if (share !== undefined) figures.push(`${Math.floor(share * 100)} %`);
  if (running) {
    const total = progress.totalBytes
      ? ` of ${kind === 'backup' ? 'about ' : ''}${bytes(progress.totalBytes)}`
      : '';
    figures.push(`${bytes(progress.rawBytes)}${total}`);
    if (ratePerSecond) figures.push(`${bytes(ratePerSecond)}/s`);
    if (etaSeconds) figures.push(`${duration(etaSeconds)} left`);
  }
  const text = (bar: string) => [...parts, ...(bar ? [bar] : []), ...figures].join('  ');
  const bar = share === undefined ? '' : barOf(share);
  while (figures.length > 1 && widthOf(text('')) > width) figures.pop();
  if (widthOf(text(bar)) > width) return cut(text(''), width);
  return color && bar ? text(`\u001b[32m${bar}\u001b[39m`) : text(bar);
}

function barOf(share: number): string {
  const full = Math.round(share * BAR);
  return `[${'#'.repeat(full)}${'-'.repeat(BAR - full)}]`;
}

/** How a job ended, in one sentence. */
export function summary(job: Job): string {
  const title = `${job.kind === 'backup' ? 'Backup' : 'Restore'} of ${oneLine(titleOf(job))}`;
  if (job.state !== 'succeeded') return `${title}: ${job.state}`;
  const { result } = job;
  const took = tookSeconds(job);
  const facts = result ? [bytes(result.rawBytes)] : [];
  if (result?.storedBytes !== undefined) facts.push(`${bytes(result.storedBytes)} uploaded`);
  if (took !== undefined) facts.push(`in ${duration(took)}`);
  const snapshot = job.kind === 'backup' && job.snapshotId ? `; snapshot ${job.snapshotId}` : '';
  return `${title}: succeeded, ${facts.join(', ')}${snapshot}`;
}

export function tookSeconds({ finishedAt, startedAt }: Job): number | undefined {
  if (!finishedAt || !startedAt) return undefined;
  return (Date.parse(finishedAt) - Date.parse(startedAt)) / 1000;
}
