import { type Command, InvalidArgumentError, Option } from 'commander';
import { z } from 'zod';
import { JOB_STATES } from '../../../protocol/job.ts';
import type { Client } from '../remote/client.ts';
import { databaseCalled } from '../remote/resolve.ts';
import { type Job, jobInFullShape, jobShape } from '../remote/shapes.ts';
import { JSON_OPTION, remark, say, sayFacts, sayJson, sayTable } from '../say.ts';
import { duration, when } from '../text.ts';
import { phaseOf, picture, shareOf, titleOf, tookSeconds } from '../wait/picture.ts';
import { tellFailure, WAIT_OPTIONS, type WaitOptions, waitFor } from '../wait/wait.ts';
import { isOver } from '../wait/watch.ts';
import { connect } from './session.ts';

/** `backup`, `jobs`, `job`, `retry`, `cancel`. */
export function addJobCommands(root: Command): void {
  const backupCommand = root
    .command('backup')
    .description('back up databases now')
    .argument('<database...>', 'id, name or server/database')
    .option(...JSON_OPTION)
    .action(backup);
  root
    .command('jobs')
    .description('list jobs, newest first')
    .option('--database <database>', 'only of this one: id, name or server/database')
    .addOption(new Option('--state <state...>', 'only in these states').choices(JOB_STATES))
    .option('--limit <n>', 'how many', limit, 50)
    .option(...JSON_OPTION)
    .action(jobs);
  const jobCommand = root
    .command('job')
    .description('show one job with its attempts and its log')
    .argument('<job>', 'id')
    .option(...JSON_OPTION)
    .action(job);
  const retryCommand = root
    .command('retry')
    .description('start a job like one that failed, was cancelled or lost')
    .argument('<job>', 'id')
    .option(...JSON_OPTION)
    .action(retry);
  for (const command of [backupCommand, jobCommand, retryCommand])
    for (const option of WAIT_OPTIONS) command.addOption(option);
  root
    .command('cancel')
    .description('end a job; a running one ends when its agent has stopped it')
    .argument('<job>', 'id')
    .option(...JSON_OPTION)
    .action(cancel);
}

function limit(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= 500) return value;
  throw new InvalidArgumentError('Give a whole number, from 1 to 500.');
}

type StartOptions = WaitOptions & { wait?: true };

async function backup(wanted: string[], options: StartOptions): Promise<void> {
  const client = await connect();
  // All names first: one that is wrong starts nothing.
  const databases = await Promise.all(wanted.map((text) => databaseCalled(client, text)));
  const started: Job[] = [];
  try {
    for (const id of new Set(databases.map((one) => one.id)))
      started.push(await client.post(`/databases/${id}/backup`, {}, jobShape));
  } catch (error) {
    for (const one of started) remark(`Started all the same: ${titleOf(one)}, job ${one.id}`);
    throw error;
  }
  await afterStart(client, started, options);
}

/** Says which jobs were started, or waits for them. */
export async function afterStart(client: Client, started: Job | Job[], options: StartOptions): Promise<void> {
  const jobs = [started].flat();
  const ids = jobs.map(({ id }) => id);
  if (options.wait) return waitFor(client, ids, options);
  if (options.json) return sayJson(started);
  for (const one of jobs) say(`${one.kind} of ${titleOf(one)}: job ${one.id}`);
  remark('They go on by themselves; homeport job ID --wait waits for one.');
}

async function jobs({
  database,
  json,
  limit,
  state,
}: {
  database?: string;
  state?: string[];
  limit: number;
  json?: true;
}): Promise<void> {
  const client = await connect();
  const query = new URLSearchParams({ limit: String(limit) });
  if (state) query.set('state', state.join(','));
  if (database !== undefined) query.set('databaseId', (await databaseCalled(client, database)).id);
  const all = await client.get(`/jobs?${query}`, z.array(jobShape));
  if (json) return sayJson(all);
  const rows = all.map((one) => {
    const share = shareOf(one);
    const took = tookSeconds(one);
    return [
      one.id,
      one.kind,
      titleOf(one),
      share === undefined ? one.state : `${one.state} ${Math.floor(share * 100)} %`,
      when(one.createdAt),
      took === undefined ? '–' : duration(took),
    ];
  });
  sayTable(['ID', 'KIND', 'DATABASE', 'STATE', 'CREATED', 'TOOK'], rows, 'There is no such job.');
}

async function job(id: string, options: StartOptions): Promise<void> {
  const client = await connect();
  const path = `/jobs/${encodeURIComponent(id)}`;
  const found = await client.get(path, jobInFullShape);
  if (options.wait) return waitFor(client, [found.id], options);
  if (options.json) return sayJson(found);
  sayFacts([
    ['Job', `${found.kind} of ${titleOf(found)}`],
    ['Id', found.id],
    ['State', found.state],
    ['Attempt', `${found.attempt} of ${found.maxAttempts}`],
    ['Created', `${when(found.createdAt)}${found.requestedBy ? ` by ${found.requestedBy}` : ''}`],
    ['Started', when(found.startedAt)],
    ['Finished', when(found.finishedAt)],
    ['Snapshot', found.snapshotId ?? '–'],
    ...(isOver(found) ? [] : [['Now', phaseOf(found)] as const]),
  ]);
  if (found.state === 'running') say(picture(found, { color: false, width: 200 }));
  for (const note of found.result?.report?.notes ?? []) say(`  ${note}`);
  if (found.log.length > 0) say('Log:', ...found.log.map(({ at, text }) => `  ${when(at)}  ${text}`));
  if (found.failure) tellFailure(found);
}

async function retry(id: string, options: StartOptions): Promise<void> {
  const client = await connect();
  const started = await client.post(`/jobs/${encodeURIComponent(id)}/retry`, {}, jobShape);
  await afterStart(client, started, options);
}

async function cancel(id: string, { json }: { json?: true }): Promise<void> {
  const client = await connect();
  const job = await client.post(`/jobs/${encodeURIComponent(id)}/cancel`, {}, jobShape);
  if (json) return sayJson(job);
  say(isOver(job) ? `${job.state}.` : 'Asked the agent to stop it; the job ends when it has.');
}
