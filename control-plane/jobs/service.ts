import { fail } from '../../protocol/failure.ts';
import type { RestorePlan } from '../../protocol/restore.ts';
import type { Registry } from '../agents/registry.ts';
import type { AgentSession } from '../agents/session.ts';
import { recordSeen } from '../db/agents.ts';
import { findDatabase } from '../db/databases.ts';
import { findJob, type JobRow, restoreAfter } from '../db/jobs.ts';
import type { Db } from '../db/open.ts';
import type { JobDesk } from '../vault/service.ts';
import type { Commits } from './commits.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { Ledger } from './ledger.ts';
import { factsOf } from './ledger.ts';
import { createOrders, type Orders, type OrdersDeps, type RestoreWish } from './orders.ts';
import { endOrphans } from './orphans.ts';
import { isTerminal } from './transitions.ts';

export interface JobServiceDeps extends OrdersDeps {
  registry: Registry;
  ledger: Ledger;
  dispatcher: Dispatcher;
  commits: Pick<Commits, 'after' | 'atWork'>;
}

/** What people do with jobs. All methods throw FailureError; what they return is durable. */
export interface JobService {
  createBackup(databaseId: string, requestedBy: string): JobRow;
  /** Many at once, for as many databases; `refused` says why by their ids. */
  createBackups: Orders['backups'];
  createRestore(wish: RestoreWish, requestedBy: string): JobRow;
  createDrill(databaseId: string, requestedBy: string): JobRow;
  cancel(jobId: string): JobRow;
  /** Ends all jobs of an agent whose place was taken. */
  giveUp(agent: { id: string; name: string }): void;
  /** A new job like one that ended without success. */
  retry(jobId: string, requestedBy: string): JobRow;
  onConnected(session: AgentSession): void;
  onDisconnected(session: AgentSession, superseded: boolean): void;
}

export function createJobService(deps: JobServiceDeps): JobService {
  const { clock, commits, db, dispatcher, ledger, registry } = deps;
  const orders = createOrders(deps);

  /** An agent that is away cannot say how a cancelled job ended whose commit was at work. */
  function recancel({ agentId, id }: JobRow): void {
    if (!registry.isOnline(agentId)) ledger.apply(id, { type: 'cancelled', reachable: false });
  }

  return {
    createBackup: orders.backup,
    createBackups: orders.backups,
    createRestore: orders.restore,
    createDrill: orders.drill,
    cancel(jobId) {
      const job = existingJob(db, jobId);
      const session = registry.session(job.agentId);
      const entry = ledger.apply(jobId, { type: 'cancelled', reachable: session !== undefined });
      if (entry.verdict !== 'applied') throw alreadyOver(job);
      const { attempt, state } = entry.job;
      if (!isTerminal(state)) session?.send({ type: 'job.cancel', jobId, attempt });
      if (commits.atWork(jobId)) commits.after(jobId, 'cancelled', () => recancel(job));
      return entry.job;
    },
    giveUp: (agent) => endOrphans({ db, ledger, commits }, agent),
    retry(jobId, requestedBy) {
      const job = existingJob(db, jobId);
      if (!isTerminal(job.state) || job.state === 'succeeded') throw nothingToRetry(job);
      if (job.kind === 'restore') return orders.restore(sameRestore(job), requestedBy);
      if (job.kind === 'drill') return orders.drill(job.databaseId, requestedBy);
      if (restoreAfter(db, job.id)) throw wasForSafety();
      return orders.backup(job.databaseId, requestedBy);
    },
    onConnected(session) {
      recordSeen(db, session.agentId, clock.now());
      dispatcher.connected(session.agentId);
    },
    onDisconnected(session, superseded) {
      if (superseded) return;
      recordSeen(db, session.agentId, clock.now());
      dispatcher.disconnected(session.agentId);
    },
  };
}

/** The vault's view of jobs: which attempt may upload, commit or read. */
export function createJobDesk(db: Db): JobDesk {
  return {
    runningJob(jobId) {
      const job = findJob(db, jobId);
      if (job?.state !== 'offered' && job?.state !== 'running') return undefined;
      const { agentId, attempt, databaseId, id, kind, sequence, serverId, snapshotId, vaultId } = job;
      return {
        id,
        kind,
        attempt,
        agentId,
        serverId,
        databaseId,
        databaseName: findDatabase(db, databaseId)?.name ?? '',
        snapshotId,
        vaultId,
        sequence,
        cancelRequested: factsOf(job).cancelRequestedAt !== null,
      };
    },
  };
}

/** @throws FailureError `not_found` */
export function existingJob(db: Db, id: string): JobRow {
  const job = findJob(db, id);
  if (!job) throw fail('not_found', 'There is no such job.', 'It may be of another control plane.');
  return job;
}

/** What an earlier restore was asked to do, where nothing that exists depends on it. */
function sameRestore(job: JobRow): RestoreWish {
  const { oneTimeAccount, serverId, snapshotId } = job;
  if (oneTimeAccount) throw accountWasOnce();
  const plan = JSON.parse(String(job.plan)) as RestorePlan;
  if (plan.mode !== 'new') throw replacesWhatIsThere(plan);
  return { serverId, snapshotId, plan };
}

function alreadyOver(job: JobRow) {
  return fail('conflict', `The job has ended already: it is ${job.state}.`, 'Nothing is left to cancel.');
}

function nothingToRetry(job: JobRow) {
  return fail(
    'conflict',
    `The job is ${job.state}.`,
    'Only a job that ended without success can be tried again.',
  );
}

/** Its target was named and checked for the first one; what is in it now may be worth more. */
function replacesWhatIsThere({ targetDatabase }: RestorePlan) {
  return fail(
    'conflict',
    `The restore replaces what is in “${targetDatabase}”, which may have changed since it was checked.`,
    'Start the restore of the snapshot again: that checks the target and asks for its name.',
  );
}

function accountWasOnce() {
  return fail(
    'conflict',
    'The restore used an account that was given for it alone and is forgotten.',
    'Start the restore of the snapshot again and type the account’s password once more.',
  );
}

function wasForSafety() {
  return fail(
    'conflict',
    'This backup was the safety snapshot of a restore, which has ended with it.',
    'Start the restore again; it takes a new safety snapshot.',
  );
}
