import { type Failure, FailureError, fail, toFailure } from '../../protocol/failure.ts';
import type { Attempt, JobOffer, JobOutcome, JobResult } from '../../protocol/job.ts';
import { HEARTBEAT, type ToControlPlane } from '../../protocol/messages.ts';
import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import { createJobContext, type JobContext } from './context.ts';
import { cancelledFailure, fencedFailure, stoppedFailure } from './interruptions.ts';
import { attemptKey, type Outbox } from './outbox.ts';

/** Heartbeats within one lease, so that two may be lost. */
const LEASE_BEATS = 3;
const SHORTEST_BEAT_MS = 200;

export interface JobsOptions {
  outbox: Outbox;
  clock: Clock;
  log: Log;
  maxJobs: number;
  send(message: ToControlPlane, droppable?: boolean): boolean;
  /** Why the agent will not run an offer, or `undefined`. */
  refusalOf(offer: JobOffer): Promise<Failure | undefined>;
  run(offer: JobOffer, context: JobContext): Promise<JobResult>;
}

/** The jobs this agent runs, and their talk with the control plane. No method throws. */
export interface Jobs {
  offer(offer: JobOffer): void;
  /** Ends an attempt of an earlier process with the failure that `work` gives, once it has cleaned up after it. */
  tidy(attempt: Attempt, work: (signal: AbortSignal) => Promise<Failure>): void;
  cancel(attempt: Attempt): void;
  /** The attempt is over for the control plane: stop it and say nothing of it. */
  fence(attempt: Attempt): void;
  acknowledge(attempt: Attempt): void;
  /** Names what runs and what is unacknowledged; sent at each connection and heartbeat. */
  heartbeat(): void;
  /** Takes no further offers; resolves once what runs has ended. */
  drain(): Promise<void>;
  /** Takes offers again. */
  resume(): void;
  /** Ends everything at once. */
  stop(): void;
}

interface Running extends Attempt {
  stop: AbortController;
  fenced: boolean;
  /** Past the point where a cancel means anything. */
  final: boolean;
  /** It only cleans up, which goes on whatever the control plane makes of the attempt. */
  tidies: boolean;
  ended: Promise<void>;
}

export function createJobs(options: JobsOptions): Jobs {
  const { outbox, log, send } = options;
  const running = new Map<string, Running>();
  let draining = false;

  function heartbeat(): void {
    const runs = [...running.values()].map(({ jobId, attempt }) => ({ jobId, attempt }));
    send({ type: 'heartbeat', jobs: [...runs, ...outbox.pending()], draining });
  }
  function refuse({ jobId, attempt }: Attempt, failure: Failure): void {
    log.warn({ jobId, attempt, code: failure.code }, `refused a job: ${failure.message}`);
    send({ type: 'job.refused', jobId, attempt, failure });
  }
  function fenceAttempt(attempt: Attempt): void {
    const job = running.get(attemptKey(attempt));
    if (job) job.fenced = true;
    if (job?.tidies) return;
    job?.stop.abort(fencedFailure());
    settle(log, attempt, outbox.forget(attempt));
  }
  /** Older attempts of the same job: the offer of a newer one has ended them for the control plane. */
  function olderOf(offer: JobOffer): Running[] {
    return [...running.values()].filter((job) => job.jobId === offer.jobId && job.attempt < offer.attempt);
  }
  function begin(about: Attempt, work: (job: Running) => Promise<void>, tidies = false): void {
    const { jobId, attempt } = about;
    const job: Running = {
      ...{ jobId, attempt, tidies },
      stop: new AbortController(),
      fenced: false,
      final: tidies,
      ended: Promise.resolve(),
    };
    running.set(attemptKey(about), job);
    job.ended = work(job).finally(() => running.delete(attemptKey(about)));
    settle(log, about, job.ended);
  }
  function offer(offered: JobOffer): void {
    const { jobId, attempt } = offered;
    if (running.has(attemptKey(offered))) {
      send({ type: 'job.accepted', jobId, attempt });
      return;
    }
    if (outbox.replay(offered)) return;
    const older = olderOf(offered);
    for (const job of older) fenceAttempt(job);
    const busy = draining || running.size - older.length >= options.maxJobs;
    if (busy) {
      refuse(offered, busyFailure(draining));
      return;
    }
    begin(offered, async (job) => {
      await Promise.allSettled(older.map(({ ended }) => ended));
      await takeOn(job, offered);
    });
  }
  async function takeOn(job: Running, offered: JobOffer): Promise<void> {
    const { jobId, attempt, kind } = offered;
    const database = offered.kind === 'restore' ? offered.plan.targetDatabase : offered.database.name;
    const refusal = await options.refusalOf(offered).catch(toFailure);
    if (refusal) return refuse(offered, refusal);
    try {
      const replaces = replacedBy(offered);
      await outbox.accept({ jobId, attempt, kind, ...(replaces === undefined ? {} : { replaces }) });
    } catch (error) {
      return refuse(offered, toFailure(error));
    }
    if (job.fenced) return outbox.forget(offered);
    send({ type: 'job.accepted', jobId, attempt });
    log.info({ jobId, attempt, kind, database }, 'job started');
    const endLease = keepLease(options.clock, offered.leaseMs, heartbeat);
    const outcome = await outcomeOf(options, job, offered).finally(endLease);
    const { code, message } = outcome.state === 'failed' ? outcome.failure : {};
    const facts = { jobId, attempt, kind, database, code, message };
    log.info({ ...facts, state: job.fenced ? 'fenced' : outcome.state }, 'job ended');
    if (!job.fenced) await outbox.finish(offered, outcome);
  }

  return {
    offer,
    tidy(about, work) {
      begin(
        about,
        async (job) => {
          const failure = await work(job.stop.signal);
          log.info({ jobId: about.jobId, attempt: about.attempt }, failure.hint);
          if (job.fenced) await outbox.forget(about);
          else await outbox.finish(about, { state: 'failed', failure });
        },
        true,
      );
    },
    cancel(attempt) {
      const job = running.get(attemptKey(attempt));
      if (job && !job.final) job.stop.abort(cancelledFailure());
      if (job || outbox.replay(attempt)) return;
      const { jobId, attempt: number } = attempt;
      send({ type: 'job.finished', jobId, attempt: number, outcome: { state: 'cancelled' } });
    },
    fence: fenceAttempt,
    acknowledge: (attempt) => settle(log, attempt, outbox.forget(attempt)),
    heartbeat,
    async drain() {
      draining = true;
      heartbeat();
      await Promise.allSettled([...running.values()].map(({ ended }) => ended));
    },
    resume() {
      draining = false;
      heartbeat();
    },
    stop() {
      for (const { stop } of running.values()) stop.abort(stoppedFailure());
    },
  };
}

async function outcomeOf(
  { clock, outbox, send, run }: JobsOptions,
  job: Running,
  offer: JobOffer,
): Promise<JobOutcome> {
  const target = offer.kind === 'restore' ? offer.plan.targetDatabase : '';
  const once = offer.kind === 'restore' && offer.sealed !== undefined;
  const context = createJobContext({
    offer,
    clock,
    signal: job.stop.signal,
    send: (message) => void send(message, true),
    onStall: (failure) => job.stop.abort(failure),
    onFinalise: () => {
      job.final = true;
    },
    onScratch: (database) =>
      outbox.note(offer, {
        serverId: offer.serverId,
        database,
        target,
        ...(once ? { oneTimeAccount: true } : {}),
      }),
  });
  try {
    return { state: 'succeeded', result: await run(offer, context) };
  } catch (error) {
    const { signal } = job.stop;
    if (!signal.aborted) return { state: 'failed', failure: toFailure(error) };
    // Whatever an aborted job dies of, the reason it was aborted for is what happened.
    const failure = toFailure(signal.reason);
    const told = replacedBy(offer) !== undefined && error !== signal.reason && error instanceof FailureError;
    const left = told ? error.failure.hint : '';
    if (left) context.log(left);
    // Only who asked for it gets a cancelled job; a time limit deep inside may look like one.
    if (failure.code === 'cancelled') return { state: 'cancelled' };
    // In what state a target was left is known to the driver alone.
    return { state: 'failed', failure: { ...failure, hint: `${failure.hint} ${left}`.trimEnd() } };
  } finally {
    context.end();
  }
}

/** The database whose contents a job replaces where they are; undefined where it does not. */
function replacedBy(offer: JobOffer): string | undefined {
  return offer.kind === 'restore' && offer.plan.mode === 'in-place' ? offer.plan.targetDatabase : undefined;
}

/** Beats often enough for a lease that is shorter than the connection's own heartbeats would keep. */
function keepLease(clock: Clock, leaseMs: number, heartbeat: () => void): () => void {
  const everyMs = Math.max(leaseMs / LEASE_BEATS, SHORTEST_BEAT_MS);
  if (everyMs >= HEARTBEAT.pingMs) return () => undefined;
  let cancel = clock.after(everyMs, beat);
  function beat(): void {
    cancel = clock.after(everyMs, beat);
    heartbeat();
  }
  return () => cancel();
}

/** Nobody waits for this work; an error in it is the agent's own (its disk), so it is logged here. */
function settle(log: Log, { attempt, jobId }: Attempt, work: Promise<unknown>): void {
  work.catch((error) =>
    log.error({ jobId, attempt, failure: toFailure(error) }, 'the journal could not be kept'),
  );
}

function busyFailure(draining: boolean): Failure {
  const why = draining ? 'The agent is about to stop.' : 'The agent already runs as many jobs as it may.';
  return fail('agent_busy', why, 'The job stays queued and is offered again.', { retryable: true }).failure;
}
