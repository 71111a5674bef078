import { randomUUID } from 'node:crypto';
import { fail } from '../../protocol/failure.ts';
import type { JobKind } from '../../protocol/job.ts';
import type { RestorePlan } from '../../protocol/restore.ts';
import type { Registry } from '../agents/registry.ts';
import type { AgentSession } from '../agents/session.ts';
import type { Clock } from '../clock.ts';
import { recordSeen } from '../db/agents.ts';
import { type DatabaseListing, findDatabase } from '../db/databases.ts';
import { findJob, insertJob, type JobRow, openBackupOf } from '../db/jobs.ts';
import type { Db } from '../db/open.ts';
import { findServer } from '../db/servers.ts';
import type { JobDesk, VaultService } from '../vault/service.ts';
import type { Commits } from './commits.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { Ledger } from './ledger.ts';
import { factsOf } from './ledger.ts';
import { isTerminal, MAX_ATTEMPTS } from './transitions.ts';

export interface JobServiceDeps {
  db: Db;
  clock: Clock;
  registry: Registry;
  vault: Pick<VaultService, 'defaultVaultId' | 'snapshot'>;
  ledger: Ledger;
  dispatcher: Dispatcher;
  commits: Pick<Commits, 'after' | 'atWork'>;
}

/** What people do with jobs. All methods throw FailureError; what they return is durable. */
export interface JobService {
  createBackup(databaseId: string, requestedBy: string): JobRow;
  createRestore(wish: RestoreWish, requestedBy: string): JobRow;
  cancel(jobId: string): JobRow;
  /** A new job like one that ended without success. */
  retry(jobId: string, requestedBy: string): JobRow;
  onConnected(session: AgentSession): void;
  onDisconnected(session: AgentSession, superseded: boolean): void;
}

export interface RestoreWish {
  snapshotId: string;
  /** Where it goes. */
  serverId: string;
  plan: RestorePlan;
}

export function createJobService(deps: JobServiceDeps): JobService {
  const { clock, commits, db, dispatcher, ledger, registry, vault } = deps;

  /** Jobs made in one millisecond keep their order: first come, first served. */
  let newest = 0;
  function createdAt(): number {
    newest = Math.max(clock.now(), newest + 1);
    return newest;
  }

  function enqueue(job: Parameters<typeof insertJob>[1]): JobRow {
    insertJob(db, job);
    dispatcher.poke(job.agentId);
    return findJob(db, job.id) as JobRow;
  }

  function createBackup(databaseId: string, requestedBy: string): JobRow {
    const database = protectedDatabase(db, databaseId);
    // One process and no await between the look and the insert: two requests cannot both pass.
    const open = openBackupOf(db, databaseId);
    if (open) throw alreadyBackingUp(database.name);
    const { agentId, serverId } = database;
    const places = { databaseId, serverId, agentId, snapshotId: randomUUID(), vaultId: vault.defaultVaultId };
    return enqueue({ ...newJob('backup', requestedBy, createdAt()), ...places });
  }

  function createRestore({ plan, serverId, snapshotId }: RestoreWish, requestedBy: string): JobRow {
    const snapshot = vault.snapshot(snapshotId);
    if (!snapshot) throw fail('not_found', 'There is no such snapshot.', 'It may have been removed.');
    const server = findServer(db, serverId);
    if (!server || server.removedAt !== null)
      throw fail('not_found', 'There is no such server.', 'Choose another one.');
    if (server.engine !== snapshot.engine) {
      throw fail(
        'restore_not_possible',
        `A snapshot of ${snapshot.engine} cannot be restored to a server of ${server.engine}.`,
        'Choose a server of the same engine.',
      );
    }
    const { databaseId, vaultId } = snapshot;
    const places = { databaseId, serverId, agentId: server.agentId, snapshotId, vaultId };
    return enqueue({
      ...newJob('restore', requestedBy, createdAt()),
      ...places,
      plan: JSON.stringify(plan),
    });
  }

  /** An agent that is away cannot say how a cancelled job ended whose commit was at work. */
  function recancel({ agentId, id }: JobRow): void {
    if (!registry.isOnline(agentId)) ledger.apply(id, { type: 'cancelled', reachable: false });
  }

  return {
    createBackup,
    createRestore,
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
    retry(jobId, requestedBy) {
      const job = existingJob(db, jobId);
      if (!isTerminal(job.state) || job.state === 'succeeded') throw nothingToRetry(job);
      if (job.kind === 'backup') return createBackup(job.databaseId, requestedBy);
      const { serverId, snapshotId } = job;
      return createRestore({ serverId, snapshotId, plan: JSON.parse(String(job.plan)) }, requestedBy);
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

function protectedDatabase(db: Db, id: string): DatabaseListing {
  const database = findDatabase(db, id);
  if (!database) throw fail('not_found', 'There is no such database.', 'It may be of another control plane.');
  if (database.protectedAt === null) {
    throw fail('conflict', `“${database.name}” is not protected.`, 'Protect it first.');
  }
  if (database.serverRemovedAt !== null || database.agentRevokedAt !== null) {
    throw fail(
      'credentials_missing',
      `No agent holds credentials for ${database.serverName} any more.`,
      'Add the server again.',
    );
  }
  return database;
}

function newJob(kind: JobKind, requestedBy: string, now: number) {
  return {
    id: randomUUID(),
    kind,
    state: 'queued' as const,
    sequence: null,
    plan: null,
    attempt: 0,
    maxAttempts: MAX_ATTEMPTS[kind],
    notBefore: 0,
    leaseUntil: null,
    cancelRequestedAt: null,
    progress: null,
    result: null,
    failure: null,
    requestedBy,
    createdAt: now,
    startedAt: null,
    finishedAt: null,
  };
}

function alreadyBackingUp(name: string) {
  return fail('conflict', `A backup of “${name}” is queued or running.`, 'Wait for it, or cancel it first.');
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
