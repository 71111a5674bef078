import { type Failure, toFailure } from '../protocol/failure.ts';
import type { JobOffer } from '../protocol/job.ts';
import type { ToAgent } from '../protocol/messages.ts';
import { systemClock as clock } from './clock.ts';
import type { AgentConfig } from './config.ts';
import { controlPlaneOrigin } from './connection/address.ts';
import { createVaultClient } from './connection/bulk.ts';
import { createBulkTransport } from './connection/bulk-transport.ts';
import { type Connection, createConnection } from './connection/connection.ts';
import { withDirectTransfer } from './connection/direct.ts';
import { createDirectStores } from './connection/direct-store.ts';
import { createPersistence } from './connection/persist.ts';
import { routeTo } from './connection/proxy.ts';
import { createRequests, type Requests } from './connection/requests.ts';
import type { Session } from './connection/session.ts';
import { createExaminer } from './doctor/doctor.ts';
import { createDrillGround } from './drills/place.ts';
import { driverFor } from './engines/registry.ts';
import { type InventoryParts, takeInventory } from './inventory.ts';
import { runBackup } from './jobs/backup.ts';
import { runDrill } from './jobs/drill.ts';
import { createJobs, type Jobs } from './jobs/jobs.ts';
import { dropLeftover } from './jobs/leftover.ts';
import { createOutbox } from './jobs/outbox.ts';
import type { JobParts } from './jobs/parts.ts';
import { type Operation, policyRefusal } from './jobs/policy.ts';
import { runRestore } from './jobs/restore.ts';
import type { Log } from './log.ts';
import { loadMembership } from './membership.ts';
import { createAnswers } from './servers/answers.ts';
import { createConnectionNotes } from './state/connection.ts';
import { requireStateDir } from './state/folder.ts';
import { createJournal } from './state/journal.ts';
import { createKeyStore } from './state/keys.ts';
import { lockState } from './state/lock.ts';
import { createServerStore } from './state/servers.ts';
import { createVaultPins } from './state/vaults.ts';
import { createReleaseClient } from './update/release-client.ts';
import { createUpdater } from './update/updater.ts';

/** How long a draining agent waits for its last outcomes to be acknowledged, in milliseconds. */
const FAREWELL_MS = 10_000;

/** No server is begun with after this when the control plane asks how the agent is, in milliseconds: it waits a minute. */
const DOCTOR_PATIENCE_MS = 30_000;

/** A running agent. */
export interface RunningAgent {
  /** Finishes what runs, then disconnects. */
  drain(): Promise<void>;
  /** Ends what runs; `drain` then resolves soon. */
  stopJobs(): void;
}

/** Starts the agent of a state directory. @throws FailureError where it is not enrolled or already running */
export async function startAgent(config: AgentConfig, log: Log): Promise<RunningAgent> {
  await requireStateDir(config.stateDir);
  const { identity, pinned } = await loadMembership(config);
  const origin = controlPlaneOrigin(pinned.url);
  const { proxy } = routeTo(origin, config.proxy);
  const unlock = await lockState(config.stateDir);
  const connection = createConnection({ pinned, identity, proxy, clock, log });
  const transport = createBulkTransport(origin, { proxy });
  const stores = createDirectStores((store) => routeTo(store, config.proxy).proxy);
  const ground = createDrillGround(config.stateDir, config.drillDirectory);
  const parts: JobParts = {
    agentId: pinned.agentId,
    identity,
    predecessor: pinned.succeeds,
    policy: config.policy,
    servers: createServerStore(config.stateDir),
    keys: createKeyStore(config.stateDir),
    vaults: createVaultPins(config.stateDir, config.vaultKey),
    driverFor,
    drills: ground,
    vaultClient: ({ direct, id }, { log: note, waiting: onWaiting }) => {
      const { outageLimitMs } = config;
      const persist = createPersistence({ connection, clock, outageLimitMs, onWaiting });
      const vault = createVaultClient(id, transport, persist);
      if (direct !== true || config.policy.direct === 'deny') return vault;
      const onGivenUp = (reason: string) =>
        note(`The store cannot be used from here: ${reason} Packs go through the control plane.`);
      return withDirectTransfer(vault, { ask: vault.direct, stores, clock, onGivenUp });
    },
  };
  const outbox = createOutbox(createJournal(config.stateDir), connection.send);
  const jobs = createJobs({
    outbox,
    clock,
    log,
    maxJobs: config.maxJobs,
    send: connection.send,
    refusalOf: (offer) => refusalOf(parts, offer),
    run: (offer, context) =>
      offer.kind === 'backup'
        ? runBackup(parts, offer, context)
        : offer.kind === 'drill'
          ? runDrill(parts, offer, context)
          : runRestore(parts, offer, context),
  });
  await ground.clear(log);
  // Nothing is connected yet: what is recovered here is told at the first connection.
  for (const { leftover, ...attempt } of await outbox.recover())
    jobs.tidy(attempt, (signal) => dropLeftover(parts, leftover, { clock, signal }));
  const updater = createUpdater({
    ...{ config, clock, jobs, log },
    client: createReleaseClient(
      transport,
      createPersistence({
        ...{ connection, clock, outageLimitMs: config.outageLimitMs },
        onWaiting: () => undefined,
      }),
    ),
    changed: () => announce(),
  });
  await updater.start();
  const announce = createAnnouncer({ ...parts, updateStanding: updater.standing }, log, connection.send);
  const unwatch = await watchServers(parts, announce, log);
  const requests = createRequests(
    createAnswers({
      ...parts,
      containerSockets: config.containerSockets,
      update: updater.begin,
      examine: createExaminer({ config, driverFor, servers: parts.servers, patienceMs: DOCTOR_PATIENCE_MS }),
    }),
    clock,
    log,
  );
  const notes = createConnectionNotes(config.stateDir, log);
  notes.connecting();
  connection.start({
    onConnected: () => {
      notes.connected();
      announce();
      jobs.heartbeat();
      outbox.replayAll();
    },
    onMessage: createReceiver(jobs, requests, log),
    onBeat: () => jobs.heartbeat(),
    onLost: () => requests.cancelAll(),
    onFailed: notes.connecting,
  });
  return {
    stopJobs: () => jobs.stop(),
    async drain() {
      await jobs.drain();
      await outbox.empty(AbortSignal.timeout(FAREWELL_MS));
      updater.stop();
      unwatch();
      await connection.stop();
      transport.close();
      stores.close();
      await notes.remove();
      await unlock();
    },
  };
}

/** A server that is missing is no matter of policy: the job then fails and says so. */
async function refusalOf(parts: JobParts, offer: JobOffer): Promise<Failure | undefined> {
  const server = (await parts.servers.list()).find(({ id }) => id === offer.serverId);
  if (!server) return undefined;
  const operation: Operation =
    offer.kind !== 'restore'
      ? { kind: offer.kind, server: server.name, database: offer.database.name }
      : { kind: 'restore', server: server.name, database: offer.plan.targetDatabase, mode: offer.plan.mode };
  return policyRefusal(parts.policy, operation);
}

/** A host may have no watches left; then what is added on it is told of at the next connection. */
async function watchServers(parts: JobParts, announce: () => void, log: Log): Promise<() => void> {
  try {
    return await parts.servers.watch(announce);
  } catch (error) {
    log.warn(
      { failure: toFailure(error) },
      'servers added on this host are announced at the next connection',
    );
    return () => undefined;
  }
}

/** Sends the inventory; calls that come while one is being taken make one more. */
function createAnnouncer(parts: InventoryParts, log: Log, send: Connection['send']): () => void {
  let taking = false;
  let again = false;
  return function announce() {
    again = true;
    if (taking) return;
    taking = true;
    again = false;
    takeInventory(parts, log)
      .then((inventory) => send({ type: 'inventory', inventory }))
      .catch((error) => log.error({ failure: toFailure(error) }, 'the inventory could not be sent'))
      .finally(() => {
        taking = false;
        if (again) announce();
      });
  };
}

type Receivers = {
  [T in ToAgent['type']]: (message: Extract<ToAgent, { type: T }>, session: Session) => void;
};

function createReceiver(
  jobs: Jobs,
  requests: Requests,
  log: Log,
): (message: ToAgent, session: Session) => void {
  const receivers: Receivers = {
    'job.offer': ({ offer }) => jobs.offer(offer),
    'job.cancel': jobs.cancel,
    'job.acknowledged': jobs.acknowledge,
    'job.fenced': jobs.fence,
    request: requests.receive,
    'request.cancel': ({ id }) => requests.cancel(id),
    renew: () => undefined, // the session has taken it
    drain: () => log.info('the control plane is about to stop; jobs go on'),
    revoked({ failure }) {
      if (failure) log.error({ code: failure.code, hint: failure.hint }, failure.message);
      else log.error('this agent was revoked; enrol it again with a new token');
      jobs.stop();
    },
    refused: ({ failure }) => log.warn({ failure }, 'the control plane did not understand the last message'),
  };
  return (message, session) =>
    (receivers[message.type] as (message: ToAgent, session: Session) => void)(message, session);
}
