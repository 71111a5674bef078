import type { Job } from '../remote/shapes.ts';
import { bytes, cut, duration, oneLine, widthOf } from '../text.ts';
import { isOver } from './watch.ts';

/** Columns of a bar. */
const BAR = { least: 8, most: 24 };

/** What a job does, for people. */
export function titleOf({ databaseName, kind, plan, serverName }: Job): string {
  const name = `${serverName}/${databaseName}`;
  if (kind !== 'restore') return name;
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
  const figures = figuresOf(job);
  const before = [oneLine(titleOf(job)), oneLine(phaseOf(job))];
  if (share !== undefined) before.push(`${Math.floor(share * 100)} %`.padStart(5));
  const text = (bar: string) => [...before, ...(bar === '' ? [] : [bar]), ...figures].join('  ');
  const least = share === undefined ? '' : barOf(share, BAR.least);
  while (figures.length > 0 && widthOf(text(least)) > width) figures.pop();
  if (share === undefined || widthOf(text(least)) > width) return cut(text(''), width);
  const room = width - widthOf(text(least)) + BAR.least;
  const bar = barOf(share, Math.min(BAR.most, room));
  return text(color ? `\u001b[32m${bar}\u001b[39m` : bar);
}

/** Bytes, rate and time left: the most telling first. */
function figuresOf({ etaSeconds, kind, progress, ratePerSecond, state }: Job): string[] {
  if (state !== 'running' || !progress || progress.rawBytes === 0) return [];
  const about = kind === 'backup' ? 'about ' : '';
  const total = progress.totalBytes ? ` of ${about}${bytes(progress.totalBytes)}` : '';
  const figures = [`${bytes(progress.rawBytes)}${total}`];
  if (ratePerSecond) figures.push(`${bytes(ratePerSecond)}/s`);
  if (etaSeconds) figures.push(`${duration(etaSeconds)} left`);
  return figures;
}

/** @param columns the brackets included */
function barOf(share: number, columns: number): string {
  const inside = columns - 2;
  const full = Math.round(share * inside);
  return `[${'#'.repeat(full)}${'-'.repeat(inside - full)}]`;
}

const TITLES: Record<Job['kind'], string> = { backup: 'Backup', restore: 'Restore', drill: 'Drill' };

/** How a job ended, in one sentence. */
export function summary(job: Job): string {
  const title = `${TITLES[job.kind]} of ${oneLine(titleOf(job))}`;
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
