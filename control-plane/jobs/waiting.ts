import { type Failure, fail } from '../../protocol/failure.ts';
import type { JobRow } from '../db/jobs.ts';
import { accountForgotten } from './accounts.ts';
import { isTerminal } from './transitions.ts';

/** A queued restore with the job it waits for; null where it waits for none. */
export interface Waiting {
  job: JobRow;
  earlier: JobRow | null;
}

/** Why a queued restore can never be offered, or undefined while it may yet be. */
export function whyNever({ earlier, job }: Waiting, hasAccount: boolean): Failure | undefined {
  if (job.oneTimeAccount && !hasAccount) return accountForgotten().failure;
  if (job.afterJobId === null || earlier?.state === 'succeeded') return undefined;
  if (earlier && !isTerminal(earlier.state)) return undefined;
  return withoutSafety(earlier);
}

/** Since when a queued restore could have been offered, for all that itself and the job before it are about. */
export function dueSince({ earlier, job }: Waiting): number {
  return Math.max(job.createdAt, earlier?.finishedAt ?? 0);
}

/** Its agent is away: a restore must not come as a surprise days later, when nobody waits for it any more. */
export function agentAway(): Failure {
  return fail(
    'agent_offline',
    'The agent went away before it began this restore. Nothing was changed.',
    'Start the restore again once the agent is back.',
  ).failure;
}

const ENDED: Partial<Record<JobRow['state'], string>> = {
  cancelled: 'was cancelled',
  lost: 'was lost with its agent',
};

function withoutSafety(earlier: JobRow | null): Failure {
  const cause = earlier?.failure ? (JSON.parse(earlier.failure) as Failure) : undefined;
  const ended = earlier ? (ENDED[earlier.state] ?? 'failed') : 'is not known any more';
  const why = cause ? `: ${cause.message}` : '.';
  return fail(
    'safety_snapshot_failed',
    `The safety snapshot of the target ${ended}${why} The restore was not begun; the target is as it was.`,
    cause?.hint ??
      'Start the restore again; without a safety snapshot if you can do without the present data.',
    cause?.sql === undefined ? {} : { sql: cause.sql },
  ).failure;
}
