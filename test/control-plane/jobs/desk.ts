import { randomUUID } from 'node:crypto';
import { createRegistry } from '../../../control-plane/agents/registry.ts';
import type { AgentSession } from '../../../control-plane/agents/session.ts';
import { createAudit } from '../../../control-plane/audit.ts';
import { insertAgent } from '../../../control-plane/db/agents.ts';
import { changeSelection, protectDatabase } from '../../../control-plane/db/databases.ts';
import { attemptsOf } from '../../../control-plane/db/job-attempts.ts';
import { findJob } from '../../../control-plane/db/jobs.ts';
import { openDb } from '../../../control-plane/db/open.ts';
import { insertServer } from '../../../control-plane/db/servers.ts';
import { createEvents } from '../../../control-plane/events.ts';
import { createOneTimeAccounts } from '../../../control-plane/jobs/accounts.ts';
import { createCommits } from '../../../control-plane/jobs/commits.ts';
import { createDispatcher } from '../../../control-plane/jobs/dispatcher.ts';
import { createInbox } from '../../../control-plane/jobs/inbox.ts';
import { createLedger } from '../../../control-plane/jobs/ledger.ts';
import { createProgressBoard } from '../../../control-plane/jobs/progress.ts';
import { createJobService } from '../../../control-plane/jobs/service.ts';
import { createLogger } from '../../../control-plane/log.ts';
import type { SnapshotRecord } from '../../../control-plane/vault/service.ts';
import type { Failure } from '../../../protocol/failure.ts';
import type { ToAgent, ToControlPlane } from '../../../protocol/messages.ts';
import type { TableSelection } from '../../../protocol/selection.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

export const LEASE_MS = 60_000;

export const passing: Failure = { code: 'server_gone', message: 'm', hint: 'h', retryable: true };
export const busy: Failure = { ...passing, code: 'agent_busy' };

/** The jobs' side of a control plane on a real database, with a clock that moves when told. */
export function createDesk(
  db = openDb(':memory:'),
  clock = createFakeClock(),
  /** Of a control plane that was there before. */
  known?: { fresh: false; agentId: string },
) {
  const log = createLogger('silent');
  const events = createEvents((error) => {
    throw error;
  });
  const commits = createCommits(log);
  const registry = createRegistry();
  const progress = createProgressBoard(clock);
  const committed = new Map<string, SnapshotRecord>();
  const vault = {
    defaultVaultId: randomUUID(),
    snapshot: (id: string) => committed.get(id),
    latestSnapshots: (ids: readonly string[]) =>
      [...committed.values()].filter(({ databaseId }) => ids.includes(databaseId)).slice(-1),
    isDirect: () => false,
    statementOf: () => 'statement',
  };
  const accounts = createOneTimeAccounts();
  const ledger = createLedger({ db, clock, events, vault, progress, commits, accounts, leaseMs: LEASE_MS });
  const dispatcher = createDispatcher({
    ...{ db, clock, log, registry, ledger, vault, accounts, leaseMs: LEASE_MS, stallMs: 1_000 },
    nextSequence: () => 1,
  });
  const jobs = createJobService({
    ...{ db, clock, registry, vault, ledger, dispatcher, commits, accounts },
  });
  const audit = createAudit(db, clock);
  const inbox = createInbox({ db, clock, events, audit, log, ledger, dispatcher, progress, commits });

  /** A connection of an agent; `sent` is what it was told. */
  function connect(agentId: string) {
    const sent: ToAgent[] = [];
    const session: AgentSession = {
      ...{ connectionId: randomUUID(), agentId, agentName: 'a', connectedAt: clock.now(), from: '' },
      requests: { ask: () => Promise.reject(new Error('none')), onReply() {}, close() {} },
      send: (message) => sent.push(message) > 0,
      probe: () => Promise.resolve(true),
      close() {},
    };
    registry.add(session);
    jobs.onConnected(session);
    const say = (message: ToControlPlane) => inbox(message, session);
    const beat = (about: { jobId: string; attempt: number }[] = []) =>
      say({ type: 'heartbeat', jobs: about, draining: false });
    beat();
    return {
      sent,
      say,
      beat,
      types: () => sent.map(({ type }) => type),
      drop() {
        registry.remove(session);
        jobs.onDisconnected(session, false);
      },
    };
  }

  return {
    ...{ db, clock, events, jobs, ledger, dispatcher, commits, accounts, connect },
    job: (id: string) => findJob(db, id),
    attempts: (id: string) => attemptsOf(db, id).map(({ attempt, state }) => ({ attempt, state })),
    /** Puts the snapshot of a job into the vault. */
    commit: (jobId: string, facts: Partial<SnapshotRecord> = {}) => {
      const id = String(findJob(db, jobId)?.snapshotId);
      committed.set(id, { id, rawBytes: 10, storedBytes: 5, ...facts } as SnapshotRecord);
      return id;
    },
    addSnapshot: (id: string, facts: Partial<SnapshotRecord>) =>
      void committed.set(id, { id, rawBytes: 10, storedBytes: 5, ...facts } as SnapshotRecord),
    select: (databaseId: string, selection: TableSelection) => changeSelection(db, databaseId, selection),
    ...(known ? { agentId: known.agentId, serverId: '', databaseIds: ['', ''] as const } : seed(db)),
  };
}

/** One agent with one server and two protected databases. */
function seed(db: ReturnType<typeof openDb>) {
  const agentId = randomUUID();
  const serverId = randomUUID();
  const databaseIds = [randomUUID(), randomUUID()] as const;
  const at = { createdAt: 0 };
  insertAgent(db, { id: agentId, name: 'a', identityKey: agentId, sealingKey: 'age1', ...at });
  const place = { id: serverId, agentId, name: 's', engine: 'any', connection: '{}', version: null };
  insertServer(db, { ...place, addedOnHost: false, removedAt: null, ...at });
  for (const id of databaseIds) protectDatabase(db, { id, serverId, name: id, protectedAt: 0, ...at });
  return { agentId, serverId, databaseIds };
}

/** A desk with a connected agent that has begun a backup. */
export function running() {
  const desk = createDesk();
  desk.dispatcher.start();
  const agent = desk.connect(desk.agentId);
  const { id } = desk.jobs.createBackup(desk.databaseIds[0], 'someone');
  agent.say({ type: 'job.accepted', jobId: id, attempt: 1 });
  return { ...desk, agent, id };
}

type Desk = ReturnType<typeof createDesk>;

/** Lets time pass until the agent is offered this attempt. @returns the time it took, in milliseconds */
export function untilOffered(
  clock: Desk['clock'],
  agent: ReturnType<Desk['connect']>,
  attempt: number,
): number {
  const from = clock.now();
  const offered = () =>
    agent.sent.some((message) => message.type === 'job.offer' && message.offer.attempt === attempt);
  while (!offered()) {
    if (clock.now() - from > 10 * LEASE_MS) throw new Error(`attempt ${attempt} is not offered`);
    clock.advance(1_000);
  }
  return clock.now() - from;
}
