import { randomUUID } from 'node:crypto';
import { type Failure, fail, toFailure } from '../../protocol/failure.ts';
import type { JobKind } from '../../protocol/job.ts';
import type { RestorePlan } from '../../protocol/restore.ts';
import { requireJobs } from '../agents/abilities.ts';
import type { Clock } from '../clock.ts';
import { findAgent } from '../db/agents.ts';
import { type DatabaseListing, findDatabase, findDatabaseByName, rememberDatabase } from '../db/databases.ts';
import { openDrillOf } from '../db/drills.ts';
import { findJob, insertJobs, type JobRow, openBackupOf, openRestoreInto } from '../db/jobs.ts';
import type { Db } from '../db/open.ts';
import { findServer, type ServerRow } from '../db/servers.ts';
import type { VaultService } from '../vault/service.ts';
import type { OneTimeAccounts } from './accounts.ts';
import { MAX_ATTEMPTS } from './transitions.ts';

export interface OrdersDeps {
  db: Db;
  clock: Clock;
  vault: Pick<VaultService, 'defaultVaultId' | 'snapshot' | 'latestSnapshots'>;
  accounts: Pick<OneTimeAccounts, 'keep' | 'forget'>;
  dispatcher: { poke(agentId: string): void };
}

export interface RestoreWish {
  snapshotId: string;
  /** Where it goes. */
  serverId: string;
  plan: RestorePlan;
  /** Credentials for this restore alone, sealed to the server's agent. */
  sealed?: string | undefined;
  /** Back up the target before, with all that is in it; the restore waits for that and fails with it. */
  safetySnapshot?: boolean | undefined;
}

export interface BackupWish {
  databaseId: string;
  requestedBy: string;
}

/** New jobs. Methods throw FailureError; what they return is durable and queued. */
export interface Orders {
  backup(databaseId: string, requestedBy: string): JobRow;
  /** Many at once. One that is refused stops no other. */
  backups(wishes: readonly BackupWish[]): { jobs: number; refused: Map<string, Failure> };
  restore(wish: RestoreWish, requestedBy: string): JobRow;
  /** Tries out the newest snapshot of a database, on its own agent's host. */
  drill(databaseId: string, requestedBy: string): JobRow;
}

export function createOrders({ accounts, clock, db, dispatcher, vault }: OrdersDeps): Orders {
  /** Jobs made in one millisecond keep their order: first come, first served. */
  let newest = 0;
  function createdAt(): number {
    newest = Math.max(clock.now(), newest + 1);
    return newest;
  }

  function enqueue(job: NewJob, before: NewJob[] = []): JobRow {
    insertJobs(db, [...before, job]);
    dispatcher.poke(job.agentId);
    return findJob(db, job.id) as JobRow;
  }

  // One process and no await between a look and the insert: two requests cannot both pass.
  function requireNoRestore(serverId: string, database: string): void {
    if (openRestoreInto(db, serverId, database)) throw alreadyRestoring(database);
  }

  function newBackup(database: DatabaseListing, requestedBy: string): NewJob {
    const { agentId, id: databaseId, serverId } = database;
    const places = { databaseId, serverId, agentId, snapshotId: randomUUID(), vaultId: vault.defaultVaultId };
    return { ...newJob('backup', requestedBy, createdAt()), ...places };
  }

  /**
   * The backup of the target that a restore waits for; the database is known from then on, but not protected. Where
   * another backup is under way it begins after that one, which may lack what was written since it began.
   */
  function newSafety({ plan, serverId }: RestoreWish, requestedBy: string): NewJob {
    const name = plan.targetDatabase;
    rememberDatabase(db, { id: randomUUID(), serverId, name, createdAt: clock.now() });
    const { id } = findDatabaseByName(db, serverId, name) as { id: string };
    return newBackup(findDatabase(db, id) as DatabaseListing, requestedBy);
  }

  /** A backup on demand, unless one is under way: what that makes is as good. */
  function onlyBackup(database: DatabaseListing, requestedBy: string): NewJob {
    if (openBackupOf(db, database.id)) throw alreadyBackingUp(database.name);
    requireNoRestore(database.serverId, database.name);
    return newBackup(database, requestedBy);
  }

  return {
    backup: (databaseId, requestedBy) => enqueue(onlyBackup(protectedDatabase(db, databaseId), requestedBy)),
    backups(wishes) {
      const jobs: NewJob[] = [];
      const refused = new Map<string, Failure>();
      for (const { databaseId, requestedBy } of wishes) {
        try {
          jobs.push(onlyBackup(protectedDatabase(db, databaseId), requestedBy));
        } catch (error) {
          refused.set(databaseId, toFailure(error));
        }
      }
      if (jobs.length > 0) insertJobs(db, jobs);
      for (const agentId of new Set(jobs.map((job) => job.agentId))) dispatcher.poke(agentId);
      return { jobs: jobs.length, refused };
    },
    drill(databaseId, requestedBy) {
      const { agentId, name, serverId } = reachableDatabase(db, databaseId);
      if (openDrillOf(db, databaseId)) throw alreadyDrilling(name);
      const [snapshot] = vault.latestSnapshots([databaseId]);
      if (!snapshot) throw fail('conflict', `“${name}” has no snapshot yet.`, 'Back it up first.');
      requireJobs(findAgent(db, agentId), 'drill');
      const { id: snapshotId, vaultId } = snapshot;
      const places = { databaseId, serverId, agentId, snapshotId, vaultId };
      return enqueue({ ...newJob('drill', requestedBy, createdAt()), ...places });
    },
    restore(wish, requestedBy) {
      const snapshot = vault.snapshot(wish.snapshotId);
      if (!snapshot) throw fail('not_found', 'There is no such snapshot.', 'It may have been removed.');
      const { agentId, id: serverId } = targetServer(db, wish.serverId, snapshot.engine);
      requireNoRestore(serverId, wish.plan.targetDatabase);
      const safety = wish.safetySnapshot ? newSafety(wish, requestedBy) : undefined;
      const { databaseId, id: snapshotId, vaultId } = snapshot;
      const job = {
        ...newJob('restore', requestedBy, createdAt()),
        ...{ databaseId, serverId, agentId, snapshotId, vaultId },
        plan: JSON.stringify(wish.plan),
        afterJobId: safety?.id ?? null,
        oneTimeAccount: wish.sealed !== undefined,
      };
      if (wish.sealed !== undefined) accounts.keep(job.id, wish.sealed);
      try {
        return enqueue(job, safety && [safety]);
      } catch (error) {
        accounts.forget(job.id);
        throw error;
      }
    },
  };
}

type NewJob = Parameters<typeof insertJobs>[1][number];

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

function protectedDatabase(db: Db, id: string): DatabaseListing {
  const database = findDatabase(db, id);
  if (!database) throw fail('not_found', 'There is no such database.', 'It may be of another control plane.');
  if (database.protectedAt === null) {
    throw fail('conflict', `“${database.name}” is not protected.`, 'Protect it first.');
  }
  return reachable(database);
}

/** One that an agent has a server's credentials for. */
function reachableDatabase(db: Db, id: string): DatabaseListing {
  const database = findDatabase(db, id);
  if (!database) throw fail('not_found', 'There is no such database.', 'It may be of another control plane.');
  return reachable(database);
}

function reachable(database: DatabaseListing): DatabaseListing {
  if (database.serverRemovedAt !== null || database.agentRevokedAt !== null) {
    throw fail(
      'credentials_missing',
      `No agent holds credentials for ${database.serverName} any more.`,
      'Add the server again.',
    );
  }
  if (database.serverAwaitsSince !== null) throw awaitsCredentials(database.serverName, database.agentName);
  return database;
}

function awaitsCredentials(server: string, agent: string) {
  return fail(
    'credentials_missing',
    `“${server}” waits for its credentials: “${agent}” took the place of the agent that had them.`,
    'Enter them on the agent’s page, or on its host with “homeport-agent server add --id”.',
  );
}

function targetServer(db: Db, id: string, engine: string): ServerRow {
  const server = findServer(db, id);
  if (!server || server.removedAt !== null)
    throw fail('not_found', 'There is no such server.', 'Choose another one.');
  if (server.awaitsCredentialsSince !== null)
    throw awaitsCredentials(server.name, findAgent(db, server.agentId)?.name ?? '');
  if (server.engine === engine) return server;
  throw fail(
    'restore_not_possible',
    `A snapshot of ${engine} cannot be restored to a server of ${server.engine}.`,
    'Choose a server of the same engine.',
  );
}

function alreadyBackingUp(name: string) {
  return fail('conflict', `A backup of “${name}” is queued or running.`, 'Wait for it, or cancel it first.');
}

function alreadyDrilling(name: string) {
  return fail('conflict', `A drill of “${name}” is queued or running.`, 'Wait for it, or cancel it first.');
}

/** Two restores would undo each other, and a backup would hold what is half restored. */
function alreadyRestoring(name: string) {
  return fail(
    'conflict',
    `A restore into “${name}” is queued or running.`,
    'Wait for it, or cancel it first.',
  );
}
