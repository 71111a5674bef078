import { type Failure, fail } from '../../protocol/failure.ts';
import type { JobKind, JobOutcome, JobState } from '../../protocol/job.ts';
import { drillFailure } from './drill-verdict.ts';

/** Tries of a backup, counting only those that an agent began. Restores and drills have one. */
export const MAX_ATTEMPTS: Record<JobKind, number> = { backup: 3, restore: 1, drill: 1 };

/** More than any job is ever put off, in milliseconds. */
const LONGEST_DELAY_MS = 5 * 60_000;

/** The facts about a job that decide what may happen next. Times in ms since the epoch. */
export interface JobFacts {
  kind: JobKind;
  state: JobState;
  /** Number of the newest attempt; 0 before the first offer. Older ones are fenced. */
  attempt: number;
  maxAttempts: number;
  notBefore: number;
  leaseUntil: number | null;
  cancelRequestedAt: number | null;
  finishedAt: number | null;
  failure: Failure | null;
}

/**
 * What can happen to a job. `committed`: its snapshot is in the vault, whatever became of the attempt.
 * `committing`: the vault is at work on a commit of the attempt; nothing ends the job before that is decided.
 * `abandoned`: a restore that waits is given up: what it needs will not come.
 * `orphaned`: another agent has taken the place of the job's own, which never comes back.
 */
export type JobEvent =
  | { type: 'offered'; now: number; offerMs: number }
  | { type: 'accepted'; now: number; attempt: number; leaseMs: number }
  | { type: 'refused'; now: number; attempt: number; failure: Failure; delayMs: number }
  | { type: 'alive'; now: number; attempt: number; leaseMs: number }
  | { type: 'returned'; now: number }
  | ({ type: 'ended'; attempt: number; outcome: JobOutcome; delayMs: number } & Closing)
  | ({ type: 'expired'; delayMs: number } & Closing)
  | ({ type: 'cancelled'; reachable: boolean } & Closing)
  | { type: 'abandoned'; now: number; failure: Failure }
  | ({ type: 'orphaned'; failure: Failure } & Closing)
  | { type: 'rearmed'; now: number; leaseMs: number };

/** What an event needs that may end a job. */
interface Closing {
  now: number;
  committed: boolean;
  committing: boolean;
}

/** How the newest attempt stands after an event; undefined: unchanged. */
export type AttemptEnd = 'succeeded' | 'failed' | 'cancelled' | 'lost' | 'returned';

export type Verdict =
  /** The event was for this state and is taken. */
  | { verdict: 'applied'; next: JobFacts; attemptEnd?: AttemptEnd; attemptFailure?: Failure }
  /** It was taken before: say so again. */
  | { verdict: 'repeated' }
  /** It is about an attempt that is over. */
  | { verdict: 'fenced' }
  /** A commit at work decides; nothing changes until the event comes again after it. */
  | { verdict: 'undecided' }
  /** It does not apply now; nothing changes. */
  | { verdict: 'ignored' };

const TERMINAL: ReadonlySet<JobState> = new Set(['succeeded', 'failed', 'cancelled', 'lost']);

/** Whether a job has ended; it does so exactly once. */
export function isTerminal(state: JobState): boolean {
  return TERMINAL.has(state);
}

const held = (job: JobFacts) => job.state === 'offered' || job.state === 'running';

/** The one place that says how a job's state may change. Pure. */
export function transition(job: JobFacts, event: JobEvent): Verdict {
  switch (event.type) {
    case 'offered':
      return offered(job, event);
    case 'accepted':
    case 'alive':
      return signOfLife(job, event);
    case 'refused':
      if (job.state !== 'offered' || event.attempt !== job.attempt) return { verdict: 'ignored' };
      return refused(job, event);
    case 'returned':
      return job.state === 'offered' ? giveBack(job, { now: event.now }) : { verdict: 'ignored' };
    case 'ended':
      return ended(job, event);
    case 'expired':
      return expired(job, event);
    case 'cancelled':
      return cancelled(job, event);
    case 'abandoned':
      return abandoned(job, event);
    case 'orphaned':
      return orphaned(job, event);
    case 'rearmed':
      return rearmed(job, event);
  }
}

type Of<T extends JobEvent['type']> = Extract<JobEvent, { type: T }>;

const applied = (next: JobFacts): Verdict => ({ verdict: 'applied', next });

function offered(job: JobFacts, event: Of<'offered'>): Verdict {
  if (job.state !== 'queued' || job.notBefore > event.now) return { verdict: 'ignored' };
  return applied({
    ...job,
    state: 'offered',
    attempt: job.attempt + 1,
    leaseUntil: event.now + event.offerMs,
  });
}

function signOfLife(job: JobFacts, event: Of<'accepted' | 'alive'>): Verdict {
  if (event.attempt !== job.attempt || !held(job)) return over(job, event.attempt);
  if (job.state === 'offered' && event.type === 'alive') return { verdict: 'ignored' };
  return applied({ ...job, state: 'running', leaseUntil: event.now + event.leaseMs });
}

/** What to answer about an attempt that is not the one at work. */
function over(job: JobFacts, attempt: number): Verdict {
  return isTerminal(job.state) && attempt === job.attempt ? { verdict: 'repeated' } : { verdict: 'fenced' };
}

function refused(job: JobFacts, event: Of<'refused'>): Verdict {
  if (event.failure.code !== 'agent_busy') return finish(job, 'failed', event.now, event.failure);
  if (job.cancelRequestedAt !== null) return finish(job, 'cancelled', event.now);
  const queued = requeue(job, event.now + event.delayMs);
  // Nothing was begun, so the number is free to be offered again.
  return { verdict: 'applied', attemptEnd: 'returned', next: { ...queued, attempt: job.attempt - 1 } };
}

/** An offer that nobody took: the number is burnt, as the agent may still take it, but no try is used up. */
function giveBack(job: JobFacts, { now, delayMs = 0 }: { now: number; delayMs?: number }): Verdict {
  if (job.cancelRequestedAt !== null) return finish(job, 'cancelled', now);
  const next = { ...requeue(job, now + delayMs), maxAttempts: job.maxAttempts + 1 };
  return { verdict: 'applied', attemptEnd: 'returned', next };
}

function ended(job: JobFacts, event: Of<'ended'>): Verdict {
  if (event.attempt !== job.attempt || !held(job)) return over(job, event.attempt);
  if (event.committing) return { verdict: 'undecided' };
  const { outcome } = event;
  // A snapshot in the vault is a backup, even where the attempt died before it could say so.
  if (job.kind === 'backup' && event.committed) return finish(job, 'succeeded', event.now);
  if (outcome.state === 'cancelled') return finish(job, 'cancelled', event.now);
  if (outcome.state === 'failed') return failed(job, event, outcome.failure);
  if (job.kind === 'backup') return failed(job, event, notCommitted());
  const fault = job.kind === 'drill' && drillFailure(outcome.result);
  return fault ? finish(job, 'failed', event.now, fault) : finish(job, 'succeeded', event.now);
}

function failed(job: JobFacts, event: { now: number; delayMs: number }, failure: Failure): Verdict {
  if (job.cancelRequestedAt !== null) return finish(job, 'cancelled', event.now);
  if (!mayRetry(job) || !failure.retryable) return finish(job, 'failed', event.now, failure);
  const next = { ...requeue(job, event.now + event.delayMs), failure };
  return { verdict: 'applied', attemptEnd: 'failed', attemptFailure: failure, next };
}

function expired(job: JobFacts, event: Of<'expired'>): Verdict {
  if (!held(job) || job.leaseUntil === null || job.leaseUntil > event.now) return { verdict: 'ignored' };
  if (event.committing) return { verdict: 'undecided' };
  if (job.kind === 'backup' && event.committed) return finish(job, 'succeeded', event.now);
  if (job.state === 'offered') return giveBack(job, event);
  if (job.cancelRequestedAt !== null) return finish(job, 'cancelled', event.now);
  const failure = leaseLost(job.kind);
  if (!mayRetry(job)) return finish(job, 'lost', event.now, failure);
  const next = { ...requeue(job, event.now + event.delayMs), failure };
  return { verdict: 'applied', attemptEnd: 'lost', attemptFailure: failure, next };
}

function abandoned(job: JobFacts, event: Of<'abandoned'>): Verdict {
  if (job.state !== 'queued' || job.kind !== 'restore') return { verdict: 'ignored' };
  return finish(job, 'failed', event.now, event.failure);
}

function orphaned(job: JobFacts, event: Of<'orphaned'>): Verdict {
  if (isTerminal(job.state)) return { verdict: 'ignored' };
  if (job.kind === 'backup' && event.committed) return finish(job, 'succeeded', event.now);
  if (event.committing) return { verdict: 'undecided' };
  if (job.cancelRequestedAt !== null) return finish(job, 'cancelled', event.now);
  return finish(job, job.state === 'running' ? 'lost' : 'failed', event.now, event.failure);
}

function rearmed(job: JobFacts, event: Of<'rearmed'>): Verdict {
  if (job.state === 'offered') return giveBack(job, { now: event.now });
  if (job.state === 'running') return applied({ ...job, leaseUntil: event.now + event.leaseMs });
  // A clock that was set back must not make a job wait for the time it once showed.
  const stranded = job.state === 'queued' && job.notBefore > event.now + LONGEST_DELAY_MS;
  return stranded ? applied({ ...job, notBefore: event.now }) : { verdict: 'ignored' };
}

function cancelled(job: JobFacts, event: Of<'cancelled'>): Verdict {
  if (isTerminal(job.state)) return { verdict: 'ignored' };
  if (job.kind === 'backup' && event.committed) return finish(job, 'succeeded', event.now);
  const ends = job.state === 'queued' || !(event.reachable || event.committing);
  if (ends) return finish(job, 'cancelled', event.now);
  return applied({ ...job, cancelRequestedAt: job.cancelRequestedAt ?? event.now });
}

/** Restores change things: they are never tried again without a person. */
function mayRetry(job: JobFacts): boolean {
  return job.kind === 'backup' && job.attempt < job.maxAttempts;
}

function requeue(job: JobFacts, notBefore: number): JobFacts {
  return { ...job, state: 'queued', notBefore, leaseUntil: null };
}

function finish(
  job: JobFacts,
  state: 'succeeded' | 'failed' | 'cancelled' | 'lost',
  now: number,
  failure: Failure | null = null,
): Verdict {
  const next: JobFacts = { ...job, state, leaseUntil: null, finishedAt: now, failure };
  const verdict = { verdict: 'applied', next } as const;
  if (job.state === 'queued') return verdict;
  return { ...verdict, attemptEnd: state, ...(failure ? { attemptFailure: failure } : {}) };
}

function leaseLost(kind: JobKind): Failure {
  const look = 'Look whether its host is up and can reach the control plane.';
  const doubt =
    ' The restore may have come to its end all the same: look at the target before you repeat it.';
  return fail(
    'lease_lost',
    'The agent was not heard of for too long while it ran this job.',
    kind === 'restore' ? look + doubt : look,
    { retryable: true },
  ).failure;
}

function notCommitted(): Failure {
  return fail(
    'chunks_missing',
    'The agent reported a backup that the vault does not hold.',
    'It is tried again. If it repeats, look at the agent’s log.',
    { retryable: true },
  ).failure;
}
