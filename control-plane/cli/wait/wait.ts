import { InvalidArgumentError, Option } from 'commander';
import type { Failure } from '../../../protocol/failure.ts';
import { describeFailure, EXIT, Quit } from '../exit.ts';
import type { Client } from '../remote/client.ts';
import type { Job } from '../remote/shapes.ts';
import { remark, say, sayJsonLine } from '../say.ts';
import { summary } from './picture.ts';
import { createScreen, type Screen } from './screen.ts';
import { isOver, watchJobs } from './watch.ts';

export interface WaitOptions {
  json?: true;
  giveUpAfter: number;
}

/** `--wait` and what goes with it. */
export const WAIT_OPTIONS = [
  new Option('--wait', 'wait until it has ended; show progress, as JSON lines where that is no terminal'),
  new Option('--give-up-after <seconds>', 'with --wait: how long the control plane may be out of reach')
    .argParser(seconds)
    .default(600),
];

function seconds(text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value >= 1 && value <= 86_400) return value;
  throw new InvalidArgumentError('Give seconds, from 1 to 86400.');
}

/**
 * Waits until jobs have ended and says how.
 * @throws Quit 6 if one did not succeed, 130 on Ctrl-C
 */
export async function waitFor(client: Client, ids: string[], options: WaitOptions): Promise<void> {
  const json = options.json === true || !process.stdout.isTTY;
  const screen = createScreen(json);
  const ended = await watched(client, ids, { screen, patienceMs: options.giveUpAfter * 1000 });
  for (const job of ended) {
    if (json) sayJsonLine({ event: 'finished', job });
    else tell(job);
    if (job.state !== 'succeeded') tellFailure(job);
  }
  if (ended.some(({ state }) => state !== 'succeeded')) throw new Quit(EXIT.jobFailed);
}

async function watched(
  client: Client,
  ids: string[],
  { patienceMs, screen }: { screen: Screen; patienceMs: number },
): Promise<Job[]> {
  const interrupted = new AbortController();
  const interrupt = () => interrupted.abort(new Quit(EXIT.interrupted));
  // Once: whoever presses Ctrl-C again ends the program the hard way.
  process.once('SIGINT', interrupt);
  const open = new Set(ids);
  try {
    return await watchJobs(client, ids, {
      onChange: (job) => {
        if (isOver(job)) open.delete(job.id);
        screen.update(job);
      },
      onReach: screen.reach,
      signal: interrupted.signal,
      patienceMs,
    });
  } catch (error) {
    screen.end();
    tellThatItGoesOn([...open], error instanceof Quit);
    throw error;
  } finally {
    process.off('SIGINT', interrupt);
    screen.end();
  }
}

function tellThatItGoesOn(ids: string[], asked: boolean): void {
  if (ids.length === 0) return;
  remark(
    `${asked ? 'Stopped waiting' : 'Gave up waiting'}; ${ids.length === 1 ? 'the job goes on' : 'the jobs go on'}.`,
  );
  for (const id of ids) remark(`  look: homeport job ${id} --wait   end it: homeport cancel ${id}`);
}

/** How a job ended, for people. */
export function tell(job: Job): void {
  say(summary(job));
  for (const note of job.result?.report?.notes ?? []) say(`  ${note}`);
  const keptAs = job.result?.report?.keptAs;
  if (keptAs !== undefined) say(`  The former database is kept as “${keptAs}”.`);
  if (job.safetySnapshotId) say(`  What was there before: homeport restore ${job.safetySnapshotId} …`);
}

/** Why a job did not succeed, on standard error. */
export function tellFailure(job: Job): void {
  if (job.failure) process.stderr.write(describeFailure(job.failure as Failure));
  remark(`Its log: homeport job ${job.id}`);
}
