import type { Attempt } from '../../protocol/job.ts';
import type { ToControlPlane } from '../../protocol/messages.ts';
import { type InventoryDeps, takeInventory } from '../agents/inventory.ts';
import type { AgentSession } from '../agents/session.ts';
import { recordSeen } from '../db/agents.ts';
import { appendLog } from '../db/job-log.ts';
import { findJob, type JobRow, updateJob } from '../db/jobs.ts';
import type { Commits } from './commits.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { Entry, Ledger } from './ledger.ts';
import type { ProgressBoard } from './progress.ts';

export interface InboxDeps extends InventoryDeps {
  ledger: Ledger;
  dispatcher: Dispatcher;
  progress: ProgressBoard;
  commits: Commits;
}

/** How often a connected agent is written down as seen, in milliseconds; its connection says more. */
const SEEN_MS = 5 * 60_000;

type Message<T extends ToControlPlane['type']> = Extract<ToControlPlane, { type: T }>;

/** Makes of an agent's messages what they mean for jobs and fleet. Returns once it is durable. */
export function createInbox(deps: InboxDeps): (message: ToControlPlane, session: AgentSession) => void {
  const { clock, db, dispatcher, events, ledger, log } = deps;

  /** When an agent was last written down as seen. */
  const seen = new WeakMap<AgentSession, number>();

  /** The job an attempt is of; undefined, and told so, where it is none of this agent's or over. */
  function current(about: Attempt, session: AgentSession): JobRow | undefined {
    const job = findJob(db, about.jobId);
    const held = job?.state === 'offered' || job?.state === 'running';
    if (job && held && job.agentId === session.agentId && job.attempt === about.attempt) return job;
    session.send({ type: 'job.fenced', jobId: about.jobId, attempt: about.attempt });
    return undefined;
  }

  function accepted(message: Message<'job.accepted'>, session: AgentSession): void {
    const { attempt, jobId } = message;
    if (!current(message, session)) return;
    const entry = ledger.apply(jobId, { type: 'accepted', attempt });
    if (entry.verdict === 'applied') log.info({ jobId, attempt, kind: entry.job.kind }, 'an attempt began');
    if (entry.verdict === 'applied' && entry.job.cancelRequestedAt !== null) {
      session.send({ type: 'job.cancel', jobId, attempt });
    }
    dispatcher.poke(session.agentId);
  }

  function refused(message: Message<'job.refused'>, session: AgentSession): void {
    const { attempt, failure, jobId } = message;
    const job = findJob(db, jobId);
    if (job?.agentId !== session.agentId) return;
    const { verdict } = ledger.apply(jobId, { type: 'refused', attempt, failure });
    if (failure.code === 'agent_busy') {
      dispatcher.busy(session.agentId);
      return;
    }
    // Said again and again, of a job that is over perhaps, it is one refusal all the same.
    if (verdict === 'applied') {
      log.warn({ jobId, attempt, code: failure.code }, `an agent refused a job: ${failure.message}`);
      deps.audit({
        actor: { kind: 'agent', id: session.agentId, name: session.agentName },
        action: 'job.refused',
        target: { kind: 'job', id: jobId },
        from: session.from,
        details: { code: failure.code, message: failure.message },
      });
    }
    dispatcher.poke(session.agentId);
  }

  function finished(message: Message<'job.finished'>, session: AgentSession): void {
    const { attempt, jobId, outcome } = message;
    const own = findJob(db, jobId)?.agentId === session.agentId;
    const entry: Entry = own
      ? ledger.apply(jobId, { type: 'ended', attempt, outcome })
      : { verdict: 'unknown' };
    if (entry.verdict === 'undecided') {
      deps.commits.after(jobId, 'ended', () => finished(message, session));
      return;
    }
    // Whatever was recorded is durable by now.
    const known = entry.verdict === 'applied' || entry.verdict === 'repeated';
    session.send({ type: known ? 'job.acknowledged' : 'job.fenced', jobId, attempt });
    if (entry.verdict === 'fenced') {
      // Too late to count, but whoever looks at the job should know: a lost restore may have changed its target.
      const text = `Attempt ${attempt} had been given up; its report comes too late: ${outcome.state}.`;
      appendLog(db, jobId, [{ at: clock.now(), text }]);
      log.warn({ jobId, attempt, state: outcome.state }, 'the end of an attempt came too late to count');
    }
    if (entry.verdict === 'applied') {
      const { kind, state } = entry.job;
      const code = outcome.state === 'failed' ? outcome.failure.code : undefined;
      log.info({ jobId, attempt, kind, state, code }, 'an attempt ended');
    }
    dispatcher.jobEnded(session.agentId);
  }

  function progressed(message: Message<'job.progress'>, session: AgentSession): void {
    const { attempt, jobId, progress } = message;
    if (!current(message, session)) return;
    const entry = ledger.apply(jobId, { type: 'alive', attempt });
    if (entry.verdict !== 'applied') return;
    const { live, persist } = deps.progress.record(jobId, attempt, progress);
    if (persist) updateJob(db, jobId, { progress: JSON.stringify(progress) });
    const { etaSeconds, ratePerSecond } = live;
    const data = { jobId, attempt, progress, state: entry.job.state, ratePerSecond, etaSeconds };
    events.publish({ event: 'progress', data });
  }

  function logged(message: Message<'job.log'>, session: AgentSession): void {
    const { jobId, lines } = message;
    if (findJob(db, jobId)?.agentId !== session.agentId) return;
    appendLog(
      db,
      jobId,
      lines.map(({ at, text }) => ({ at: Date.parse(at), text })),
    );
    events.publish({ event: 'log', data: { jobId, lines } });
  }

  function heartbeat(message: Message<'heartbeat'>, session: AgentSession): void {
    if (clock.now() - (seen.get(session) ?? 0) >= SEEN_MS) {
      seen.set(session, clock.now());
      recordSeen(db, session.agentId, clock.now());
    }
    for (const { attempt, jobId } of message.jobs) {
      const job = current({ attempt, jobId }, session);
      if (!job) continue;
      ledger.apply(jobId, { type: 'alive', attempt });
      // The first asking may have gone into a connection that was dead already.
      if (job.cancelRequestedAt !== null) session.send({ type: 'job.cancel', jobId, attempt });
    }
    dispatcher.ready(session.agentId, message.draining);
  }

  return (message, session) => {
    switch (message.type) {
      case 'inventory': {
        const { agentId, agentName, from } = session;
        return takeInventory(deps, { agentId, agentName, from }, message.inventory);
      }
      case 'heartbeat':
        return heartbeat(message, session);
      case 'job.accepted':
        return accepted(message, session);
      case 'job.refused':
        return refused(message, session);
      case 'job.progress':
        return progressed(message, session);
      case 'job.log':
        return logged(message, session);
      case 'job.finished':
        return finished(message, session);
      case 'refused':
        log.warn({ agentId: session.agentId, failure: message.failure }, 'an agent did not understand us');
        return;
      case 'reply': // answered by the session itself
        return;
    }
  };
}
