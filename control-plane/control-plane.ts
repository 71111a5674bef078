import { join } from 'node:path';
import { createOutgoing } from '../protocol/outgoing.ts';
import { createAutoProtect } from './agents/auto-protect.ts';
import { createBearers } from './agents/bearers.ts';
import { createEnrolment } from './agents/enrolment.ts';
import { createGateway, type GatewayListener } from './agents/gateway.ts';
import { endPredecessor } from './agents/membership.ts';
import { createRegistry } from './agents/registry.ts';
import { createAgentRelease } from './agents/release.ts';
import { createRollouts } from './agents/rollouts.ts';
import { createUpdates } from './agents/updates.ts';
import { createApp } from './app.ts';
import { createAudit } from './audit.ts';
import { createAuth } from './auth/auth.ts';
import { createOidc } from './auth/oidc/oidc.ts';
import { createSetupLink, setupNeeded } from './auth/setup.ts';
import { type ClientAddress, createClientAddress } from './client-address.ts';
import { type Clock, systemClock } from './clock.ts';
import { createCollectionNews } from './collection-news.ts';
import { type Config, publicUrl } from './config.ts';
import { highestMade } from './db/jobs.ts';
import { closeDb, DATABASE_FILE, type Db, openDb } from './db/open.ts';
import { createEvents } from './events.ts';
import { createFlowCookies } from './http/flow-cookies.ts';
import { createOneTimeAccounts } from './jobs/accounts.ts';
import { noteBeginnings } from './jobs/beginning.ts';
import { createCommits } from './jobs/commits.ts';
import { createDispatcher } from './jobs/dispatcher.ts';
import { createInbox } from './jobs/inbox.ts';
import { createLedger } from './jobs/ledger.ts';
import { endAllOrphans } from './jobs/orphans.ts';
import { createProgressBoard } from './jobs/progress.ts';
import { createJobDesk, createJobService } from './jobs/service.ts';
import { loadIdentity } from './keys/identity.ts';
import { loadMasterKey, type MasterKey } from './keys/master.ts';
import { type Listener, listen } from './listener.ts';
import { lockDataDirectory } from './lock.ts';
import type { Logger } from './log.ts';
import { createScheduler } from './policies/scheduler.ts';
import { createReadiness } from './readiness.ts';
import { createReplicaNews } from './replica-news.ts';
import { createKeeper } from './retention/keeper.ts';
import { createSelfBackups } from './self-backup/keeper.ts';
import { readTls } from './tls.ts';
import { openVaultService } from './vault/open.ts';
import { type Rclone, RcloneDaemon } from './vault/stores/rclone-daemon.ts';

/** A control plane at work. */
export interface ControlPlane {
  /** Address people and agents use. */
  url: string;
  port: number;
  /** Sends agents away to come back later, ends requests, closes the database. */
  stop(): Promise<void>;
}

/**
 * Opens the data directory and serves it.
 * @throws FailureError where the directory is in use, a key does not fit or the port is taken
 */
export async function startControlPlane(
  config: Config,
  log: Logger,
  clock: Clock = systemClock,
): Promise<ControlPlane> {
  await using undo = new AsyncDisposableStack();
  const clientAddress = createClientAddress(config.trustedProxies);
  undo.adopt(lockDataDirectory(config.dataDir), (unlock) => unlock());
  const master = await loadMasterKey(config.dataDir, config);
  const db = undo.adopt(openDb(join(config.dataDir, DATABASE_FILE)), closeDb);
  // Ended after the listener: requests at work may need it.
  const rclone = new RcloneDaemon({ ...config.rclone, room: join(config.dataDir, 'rclone') });
  undo.defer(() => rclone.stop());
  const listener = await listen(config.host, config.port, { tls: await readTls(config) });
  undo.defer(() => listener.stop());
  const house = await assemble(config, { log, clock, master, db, listener, clientAddress, rclone });
  const open = undo.move();
  return {
    url: house.url,
    port: listener.port,
    async stop() {
      await house.stop();
      await open.disposeAsync();
      log.info('stopped');
    },
  };
}

interface Ground {
  log: Logger;
  clock: Clock;
  master: MasterKey;
  db: Db;
  listener: Listener;
  clientAddress: ClientAddress;
  rclone: Rclone;
}

/** Wires the parts to each other and starts them. */
async function assemble(config: Config, ground: Ground) {
  const { clientAddress, clock, db, listener, log, master, rclone } = ground;
  const url = publicUrl(config, listener.port);
  const origins = originsOf(config, url, listener.port);
  const identity = await loadIdentity(config.dataDir, master);
  const events = createEvents((err) => log.error({ err }, 'a listener to events failed'));
  const audit = createAudit(db, clock);
  const registry = createRegistry();
  const bearers = createBearers(clock);
  const autoProtect = createAutoProtect({ db, clock, events, audit, log, registry });
  const progress = createProgressBoard(clock);
  const outgoing = createOutgoing(config.localEndpoints);
  const vaults = await openVaultService({
    dataDir: config.dataDir,
    db,
    master,
    outgoing,
    rclone,
    jobs: createJobDesk(db),
    clock,
    replicas: createReplicaNews({ audit, clock, events, log }),
    collection: createCollectionNews({ events, log }),
    onReconciled: (vaultId, result) => {
      const differed = Object.values({ ...result.added, ...result.forgotten }).some((count) => count > 0);
      const level = result.refused.length > 0 ? 'warn' : differed ? 'info' : 'debug';
      log[level]({ vaultId, ...result }, 'vault compared with its index');
    },
    onStaleRecovery: (vaultId, failure) =>
      log.warn({ vaultId, failure }, 'the vault keeps an older recover.mjs'),
    onUnreachable: (vaultId, failure) =>
      log.warn(
        { vaultId, failure },
        'the vault’s store does not answer; its index is compared at the next start',
      ),
  });
  const { service: vault } = vaults;
  const { leaseMs, stallMs } = config;
  const commits = createCommits(log);
  const accounts = createOneTimeAccounts();
  const ledger = createLedger({ db, clock, events, vault, progress, commits, accounts, leaseMs });
  const agentVault = noteBeginnings(vaults.agents, { db, ledger, commits });
  const dispatcher = createDispatcher({
    ...{ db, clock, log, registry, ledger, vault, accounts, leaseMs, stallMs },
    // Agents refuse a number that was used, also of a snapshot that is deleted, or that the agent before made.
    nextSequence: ({ databaseId }) =>
      Math.max(vault.nextSequence(databaseId), highestMade(db, databaseId) + 1),
  });
  const jobs = createJobService({
    ...{ db, clock, registry, vault, ledger, dispatcher, commits, accounts },
  });
  const scheduler = createScheduler({ db, clock, events, log, jobs });
  const keeper = createKeeper({ db, clock, events, audit, log, vault });
  const { installScript: scriptFile, releaseRoot } = config;
  const release = createAgentRelease({ root: releaseRoot, scriptFile, url, log });
  const updates = createUpdates({ db, clock, events, audit, registry, release });
  const rollouts = createRollouts({ db, clock, events, audit, log, registry, release, updates });
  const inbox = createInbox({
    ...{ db, clock, events, audit, log, ledger, dispatcher, progress, commits },
  });
  const enrolment = await createEnrolment({
    ...{ db, identity, clock, audit, events, registry },
    certifyAgent: vault.certifyAgent,
    withdrawAgent: vault.withdrawAgent,
    endPredecessor: (change) => endPredecessor({ bearers, events, jobs, registry }, change),
  });
  const fleet: GatewayListener = {
    onMessage(message, session) {
      inbox(message, session);
      if (message.type === 'inventory') updates.onInventory(session.agentId, message.inventory);
    },
    onConnected(session) {
      jobs.onConnected(session);
      autoProtect.lookAtAgent(session.agentId);
      events.changed('agents', session.agentId);
    },
    onDisconnected(session, superseded) {
      jobs.onDisconnected(session, superseded);
      events.changed('agents', session.agentId);
    },
  };
  const gateway = createGateway({
    ...{ db, identity, registry, bearers, clock, log, audit, clientAddress, listener: fleet },
  });
  const selfBackups = createSelfBackups({
    ...{ db, clock, audit, events, log, dataDir: config.dataDir, hour: config.selfBackupHour },
    masterKeyApart: config.masterKey !== undefined || config.masterKeyFile !== undefined,
    vault: vaults.defaultVault,
  });
  const auth = createAuth({ db, master, url, origins, log });
  const app = createApp({
    ...{ db, clock, log, audit, events, identity, auth, url, origins, registry, bearers, enrolment },
    oidc: createOidc({ db, master, clock, outgoing, url }),
    flowCookies: createFlowCookies({ master, url }),
    ...{
      clientAddress,
      autoProtect,
      release,
      updates,
      rollouts,
      vault,
      agentVault,
      jobs,
      scheduler,
      keeper,
      progress,
      selfBackups,
      readiness: createReadiness({ db, vault, clock, log }),
    },
    webRoot: config.webRoot,
  });
  endAllOrphans({ db, ledger, commits });
  updates.start();
  rollouts.start();
  dispatcher.start();
  autoProtect.start();
  scheduler.start();
  keeper.start();
  selfBackups.start();
  gateway.attach(listener.server);
  listener.serve(app.fetch as Parameters<Listener['serve']>[0]);
  log.info({ url, data: config.dataDir, fingerprint: identity.fingerprint }, `Homeport listens on ${url}`);
  if (setupNeeded(db)) log.info(`Create the owner’s account: ${createSetupLink(db, url)}`);
  return {
    url,
    async stop() {
      dispatcher.stop();
      autoProtect.stop();
      scheduler.stop();
      keeper.stop();
      rollouts.close();
      updates.stop();
      // While requests at work end, agents are told to come back later.
      await gateway.stop();
      await selfBackups.stop();
      await vaults.stop();
    },
  };
}

/** Pages of these origins are ours. Without a public URL that is this host under its usual names. */
function originsOf(config: Config, url: string, port: number): string[] {
  if (config.publicUrl) return [new URL(url).origin];
  const { origin, protocol } = new URL(url);
  return [origin, `${protocol}//localhost:${port}`, `${protocol}//127.0.0.1:${port}`];
}
