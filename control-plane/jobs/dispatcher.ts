import { type Failure, toFailure } from '../../protocol/failure.ts';
import type { Registry } from '../agents/registry.ts';
import type { Clock } from '../clock.ts';
import { findAgent } from '../db/agents.ts';
import { agentsWithDueJobs, nextQueued } from '../db/due-jobs.ts';
import {
  expiredJobs,
  type JobRow,
  jobsOfAgent,
  nextLeaseEnd,
  openJobs,
  waitingRestores,
} from '../db/jobs.ts';
import type { Logger } from '../log.ts';
import type { Ledger } from './ledger.ts';
import { buildOffer, type OfferDeps } from './offers.ts';
import { agentAway, dueSince, type Waiting, whyNever } from './waiting.ts';

/** How long an agent has to take an offer, in milliseconds. */
const OFFER_MS = 30_000;
/** How long a busy agent is left alone, unless one of its jobs ends earlier, in milliseconds. */
const BUSY_MS = 15_000;
/** Longest time between two looks at the queue, in milliseconds. */
const LOOK_MS = 1_000;
/** Two looks further apart than this, or going backwards: the clock was set, or the machine slept. */
const JUMP_MS = 30_000;

export interface DispatcherDeps extends OfferDeps {
  clock: Clock;
  log: Logger;
  registry: Registry;
  ledger: Ledger;
  /** Number of the next snapshot of a job's database. */
  nextSequence(job: Pick<JobRow, 'databaseId' | 'agentId'>): number;
}

/** Brings queued jobs to agents, one offer at a time each, and ends leases that ran out. */
export interface Dispatcher {
  /** Re-arms all leases: the time the control plane was down is nobody's fault. */
  start(): void;
  stop(): void;
  /** A new connection: offers made on the last one are void. Offers wait for {@link Dispatcher.ready}. */
  connected(agentId: string): void;
  /** The agent said what it runs; it may be offered more, unless it is draining. */
  ready(agentId: string, draining: boolean): void;
  disconnected(agentId: string): void;
  busy(agentId: string): void;
  /** Something changed for this agent: a new job, one taken, one ended. */
  poke(agentId: string): void;
  jobEnded(agentId: string): void;
}

export function createDispatcher(deps: DispatcherDeps): Dispatcher {
  const { clock, db, ledger, log, registry } = deps;
  /** Agents that may be offered jobs, with the time before which they want to be left alone. */
  const open = new Map<string, number>();
  let cancelTick: (() => void) | undefined;
  let lastLook = 0;
  /** Since when agents could be heard. */
  let listensSince = 0;

  function returnOffers(agentId: string): void {
    for (const job of jobsOfAgent(db, agentId, ['offered'])) ledger.apply(job.id, { type: 'returned' });
  }

  function poke(agentId: string): void {
    const session = registry.session(agentId);
    const notBefore = open.get(agentId);
    const now = clock.now();
    if (!session || notBefore === undefined || notBefore > now) return;
    if (jobsOfAgent(db, agentId, ['offered']).length > 0) return;
    const job = nextQueued(db, agentId, now);
    if (job) offer(job);
  }

  function offer(queued: JobRow): void {
    const sequence =
      queued.kind === 'backup' ? { sequence: queued.sequence ?? deps.nextSequence(queued) } : {};
    const entry = ledger.apply(queued.id, { type: 'offered', offerMs: OFFER_MS }, sequence);
    if (entry.verdict !== 'applied') return;
    const { agentId, attempt, id } = entry.job;
    try {
      const sent = registry.session(agentId)?.send({ type: 'job.offer', offer: buildOffer(deps, entry.job) });
      if (!sent) ledger.apply(id, { type: 'returned' });
    } catch (error) {
      log.error({ jobId: id, err: error }, 'a job could not be offered');
      ledger.apply(id, { type: 'refused', attempt, failure: toFailure(error) });
    }
  }

  function endLeases(): void {
    for (const job of expiredJobs(db, clock.now())) {
      const entry = ledger.apply(job.id, { type: 'expired' });
      if (entry.verdict !== 'applied') continue;
      log.warn({ jobId: job.id, attempt: job.attempt, state: entry.job.state }, 'a lease ran out');
      const { agentId, attempt } = job;
      registry.session(agentId)?.send({ type: 'job.fenced', jobId: job.id, attempt });
      if (job.state === 'offered') leaveAlone(agentId, entry.job);
      poke(agentId);
    }
  }

  /** Its agent does not answer: for half as long as the job waits, so that another one is tried before it. */
  function leaveAlone(agentId: string, unanswered: JobRow): void {
    const now = clock.now();
    if (open.has(agentId)) open.set(agentId, now + Math.max(0, unanswered.notBefore - now) / 2);
  }

  /** Leases begin anew: time in which nobody could be heard is nobody's fault. */
  function rearm(): void {
    listensSince = clock.now();
    for (const job of openJobs(db)) ledger.apply(job.id, { type: 'rearmed' });
  }

  function abandonRestores(): void {
    for (const waiting of waitingRestores(db)) {
      const { id } = waiting.job;
      const failure = whyNever(waiting, deps.accounts.of(id) !== undefined) ?? whyLate(waiting);
      if (failure) ledger.apply(id, { type: 'abandoned', failure });
    }
  }

  /** Also while the job before it waits: that one may find its agent again after days, the restore must not. */
  function whyLate(waiting: Waiting): Failure | undefined {
    const { agentId } = waiting.job;
    if (registry.isOnline(agentId)) return undefined;
    const since = Math.max(dueSince(waiting), listensSince, findAgent(db, agentId)?.lastSeenAt ?? 0);
    return clock.now() - since > deps.leaseMs ? agentAway() : undefined;
  }

  function tick(): void {
    cancelTick = clock.after(LOOK_MS, tick);
    try {
      const passed = clock.now() - lastLook;
      lastLook = clock.now();
      if (passed < 0 || passed > JUMP_MS) {
        log.warn({ milliseconds: passed }, 'the clock jumped; all leases begin anew');
        rearm();
      }
      const leaseEnd = nextLeaseEnd(db);
      if (leaseEnd !== null && leaseEnd <= clock.now()) endLeases();
      abandonRestores();
      for (const agentId of agentsWithDueJobs(db, clock.now())) poke(agentId);
    } catch (error) {
      log.error({ err: error }, 'the dispatcher could not look at the queue');
    }
  }

  return {
    start() {
      rearm();
      lastLook = clock.now();
      cancelTick = clock.after(LOOK_MS, tick);
    },
    stop() {
      cancelTick?.();
      open.clear();
    },
    connected(agentId) {
      open.delete(agentId);
      returnOffers(agentId);
    },
    ready(agentId, draining) {
      if (draining) open.delete(agentId);
      else if (!open.has(agentId)) open.set(agentId, 0);
      poke(agentId);
    },
    disconnected(agentId) {
      open.delete(agentId);
      returnOffers(agentId);
    },
    busy(agentId) {
      if (open.has(agentId)) open.set(agentId, clock.now() + BUSY_MS);
    },
    poke,
    jobEnded(agentId) {
      if (open.has(agentId)) open.set(agentId, 0);
      abandonRestores();
      poke(agentId);
    },
  };
}
