import type { Failure } from '../../protocol/failure.ts';
import type { JobResult } from '../../protocol/job.ts';
import type { Clock } from '../clock.ts';
import { recordDrill } from '../db/drills.ts';
import { recordAttempt, updateAttempt } from '../db/job-attempts.ts';
import { countEnded, type EndedJob } from '../db/job-totals.ts';
import { findJob, type JobRow, restoreAfter, updateJob } from '../db/jobs.ts';
import type { Db } from '../db/open.ts';
import type { Events } from '../events.ts';
import type { VaultService } from '../vault/service.ts';
import type { OneTimeAccounts } from './accounts.ts';
import type { Commits } from './commits.ts';
import { drillOutcome } from './drill-verdict.ts';
import type { ProgressBoard } from './progress.ts';
import { aftermath } from './safety.ts';
import {
  isTerminal,
  type JobEvent,
  type JobFacts,
  MAX_ATTEMPTS,
  transition,
  type Verdict,
} from './transitions.ts';

/**
 * Delay before a backup's next try, by the tries so far: 10 s, 30 s, 90 s, with a fifth of jitter. Tries, not
 * attempts: offers that came to nothing use up numbers without end.
 */
export function retryDelayMs(tries: number, random: () => number = Math.random): number {
  const step = Math.min(Math.max(tries, 1), MAX_ATTEMPTS.backup) - 1;
  return Math.round(10_000 * 3 ** step * (0.9 + 0.2 * random()));
}

/** Delay after an offer that nobody answered, by those before it: from 30 s, doubled each time, to 4 min. */
export function offerDelayMs(fruitless: number): number {
  return 30_000 * 2 ** Math.min(fruitless, 3);
}

/** What happened to a job, without the facts that the ledger adds by itself. */
export type Occurrence = JobEvent extends infer E
  ? E extends JobEvent
    ? Omit<E, 'now' | 'committed' | 'committing' | 'delayMs' | 'leaseMs'>
    : never
  : never;

export interface LedgerDeps {
  db: Db;
  clock: Clock;
  events: Events;
  vault: Pick<VaultService, 'snapshot'>;
  progress: ProgressBoard;
  commits: Pick<Commits, 'atWork'>;
  accounts: Pick<OneTimeAccounts, 'forget'>;
  leaseMs: number;
}

export type Entry = { verdict: Verdict['verdict']; job: JobRow } | { verdict: 'unknown' };

/** The only writer of jobs' states: every change is one legal transition, durable when `apply` returns. */
export interface Ledger {
  apply(jobId: string, occurrence: Occurrence, extra?: { sequence?: number }): Entry;
}

export function createLedger(deps: LedgerDeps): Ledger {
  const { db, events, progress } = deps;

  function record(before: JobRow, event: JobEvent, extra: { sequence?: number }): Entry {
    const verdict = transition(factsOf(before), event);
    if (verdict.verdict !== 'applied') return { verdict: verdict.verdict, job: before };
    const { attemptEnd } = verdict;
    const over = attemptEnd && isTerminal(verdict.next.state) && before.state === 'running';
    const failure = over ? aftermath(deps, before, verdict.next) : verdict.next.failure;
    const next = { ...verdict.next, failure };
    const attemptFailure = over ? (failure ?? undefined) : verdict.attemptFailure;
    if (onlyProlonged(before, next, deps.leaseMs)) return { verdict: 'applied', job: before };
    const set = { ...columnsOf(next), ...outcomeColumns(deps, before, next, event), ...extra };
    const startedAt = next.state === 'running' ? (before.startedAt ?? event.now) : before.startedAt;
    updateJob(db, before.id, { ...set, startedAt });
    if (before.kind === 'drill' && isTerminal(next.state)) noteDrill(db, before, next);
    if (isTerminal(next.state)) countEnded(db, endedOf({ ...before, ...set, startedAt }));
    const key = { jobId: before.id, attempt: attemptEnd ? before.attempt : next.attempt };
    if (event.type === 'offered') {
      recordAttempt(db, { ...key, state: 'offered', startedAt: event.now, finishedAt: null, failure: null });
    } else if (attemptEnd) {
      updateAttempt(db, key, { state: attemptEnd, finishedAt: event.now, failure: json(attemptFailure) });
    } else if (next.state === 'running') {
      updateAttempt(db, key, { state: 'running' });
    }
    return { verdict: 'applied', job: { ...before, ...set, startedAt } };
  }

  return {
    apply(jobId, occurrence, extra = {}) {
      const entry = db.transaction(
        (): Entry => {
          const before = findJob(db, jobId);
          if (!before) return { verdict: 'unknown' };
          return record(before, complete(deps, before, occurrence), extra);
        },
        { behavior: 'immediate' },
      );
      if (entry.verdict !== 'applied') return entry;
      const quiet = occurrence.type === 'alive';
      if (entry.job.state !== 'running') progress.forget(jobId);
      // A restore is offered once: whoever runs it has all it needs, and nobody else is to have it.
      if (!['queued', 'offered'].includes(entry.job.state)) deps.accounts.forget(jobId);
      if (!quiet) events.changed('jobs', jobId);
      if (isTerminal(entry.job.state)) announceEnd(events, entry.job);
      return entry;
    },
  };
  function announceEnd(to: Events, job: JobRow): void {
    to.changed('databases', job.databaseId);
    if (job.kind === 'drill') to.changed('snapshots', job.snapshotId);
    if (job.kind !== 'backup') return;
    if (job.state === 'succeeded') to.changed('snapshots', job.snapshotId);
    const next = restoreAfter(db, job.id);
    if (next) to.changed('jobs', next.id);
  }
}

function complete(deps: LedgerDeps, job: JobRow, occurrence: Occurrence): JobEvent {
  const committed = job.kind === 'backup' && deps.vault.snapshot(job.snapshotId) !== undefined;
  // An attempt that died with its agent says nothing about the server: try again at once.
  const died = occurrence.type === 'ended' && failureOf(occurrence)?.code === 'lease_lost';
  // A busy agent is left alone by the dispatcher; its job need not wait for more than that.
  const unanswered = occurrence.type === 'expired' && job.state === 'offered';
  const retryMs = unanswered ? offerDelayMs(fruitlessOf(job)) : retryDelayMs(triesOf(job));
  return {
    delayMs: died || occurrence.type === 'refused' ? 0 : retryMs,
    ...occurrence,
    now: deps.clock.now(),
    committed,
    committing: deps.commits.atWork(job.id),
    leaseMs: deps.leaseMs,
  } as unknown as JobEvent;
}

/** Attempts that an agent began. */
function triesOf(job: JobRow): number {
  return job.attempt - fruitlessOf(job);
}

/** Offers that came to nothing: each raised the limit along with the number. */
function fruitlessOf({ kind, maxAttempts }: JobRow): number {
  return maxAttempts - MAX_ATTEMPTS[kind];
}

function failureOf(event: Extract<Occurrence, { type: 'ended' }>): Failure | undefined {
  return event.outcome.state === 'failed' ? event.outcome.failure : undefined;
}

export function factsOf(job: JobRow): JobFacts {
  return { ...job, failure: job.failure === null ? null : (JSON.parse(job.failure) as Failure) };
}

function columnsOf(facts: JobFacts): Partial<JobRow> {
  const { attempt, cancelRequestedAt, finishedAt, leaseUntil, maxAttempts, notBefore, state } = facts;
  return {
    attempt,
    cancelRequestedAt,
    finishedAt,
    leaseUntil,
    maxAttempts,
    notBefore,
    state,
    failure: json(facts.failure),
  };
}

/** Signs of life come several times a second; a lease is written down only when it moved noticeably. */
function onlyProlonged(before: JobRow, next: JobFacts, leaseMs: number): boolean {
  if (before.state !== 'running' || next.state !== 'running') return false;
  if (before.cancelRequestedAt !== next.cancelRequestedAt) return false;
  const longerMs = Number(next.leaseUntil) - Number(before.leaseUntil);
  return longerMs >= 0 && longerMs < leaseMs / 10; // a shorter one follows a clock that was set back
}

function outcomeColumns(
  deps: LedgerDeps,
  before: JobRow,
  next: JobFacts,
  event: JobEvent,
): Pick<Partial<JobRow>, 'result' | 'progress'> {
  const live = deps.progress.of(before.id);
  const kept = live && next.state !== 'running' ? { progress: json(live.progress) } : {};
  const told =
    event.type === 'ended' && event.outcome.state === 'succeeded' ? event.outcome.result : undefined;
  // A drill that failed has a report all the same.
  if (next.state === 'failed' && before.kind === 'drill' && told?.kind === 'drill')
    return { ...kept, result: json(told) };
  if (next.state !== 'succeeded') return kept;
  return { ...kept, result: json(told ?? resultFromVault(deps, before, live?.progress.reusedBytes ?? 0)) };
}

/** A drill that was cancelled before it began is none. */
function noteDrill(db: Db, job: JobRow, { failure, finishedAt, state }: JobFacts): void {
  if (job.startedAt === null && state === 'cancelled') return;
  const { databaseId, id: jobId, snapshotId } = job;
  const outcome = drillOutcome(state, failure);
  recordDrill(db, { jobId, databaseId, snapshotId, outcome, finishedAt: Number(finishedAt) });
}

/** The result of a backup whose attempt died between its commit and its report. */
function resultFromVault(deps: LedgerDeps, job: JobRow, reusedBytes: number): JobResult | undefined {
  const snapshot = deps.vault.snapshot(job.snapshotId);
  if (!snapshot) return undefined;
  const { rawBytes, storedBytes } = snapshot;
  return { kind: 'backup', snapshotId: snapshot.id, rawBytes, storedBytes: storedBytes ?? 0, reusedBytes };
}

/** What of a job that ended is counted: bytes where it succeeded, time where it ran. */
function endedOf({ finishedAt, kind, result, startedAt, state }: JobRow): EndedJob {
  const told = result === null ? undefined : (JSON.parse(result) as JobResult);
  const seconds =
    startedAt === null || finishedAt === null ? null : Math.max(0, finishedAt - startedAt) / 1000;
  const { reusedBytes, storedBytes } = told?.kind === 'backup' ? told : { reusedBytes: 0, storedBytes: 0 };
  return { kind, state, seconds, rawBytes: told?.rawBytes ?? 0, storedBytes, reusedBytes };
}

function json(value: unknown): string | null {
  return value === undefined || value === null ? null : JSON.stringify(value);
}
