import { type Failure, FailureError, fail } from '../../protocol/failure.ts';
import { createOutgoing, type Outgoing } from '../../protocol/outgoing.ts';
import { type Clock, systemClock } from '../clock.ts';
import type { Db } from '../db/open.ts';
import { storeLockQueries } from '../db/store-locks.ts';
import { keepRevocation } from '../keys/revocations.ts';
import { catalogOf } from './catalog.ts';
import { certify } from './certify.ts';
import { commit, liveJob, manifestLimit } from './commit.ts';
import { awayFailure, createContext, snapshotOf, type VaultContext, vaultOf } from './context.ts';
import { createVault, type OpenVault, openVaults, type VaultGround } from './create.ts';
import { keepDefaultVault, loadDefaultVault } from './default.ts';
import { uploaded, uploadWay } from './direct.ts';
import { download } from './download.ts';
import { addVault, changeStore } from './elsewhere.ts';
import { heritageOf } from './heritage.ts';
import { missing, putKey, putPack } from './ingest.ts';
import type { Sealing } from './keys.ts';
import { MANIFEST_FILE_MAX_BYTES } from './layout.ts';
import { createLockWatch } from './locks.ts';
import { PackAccess } from './pack-access.ts';
import { reachStore, spaceIn } from './reach.ts';
import { type Reconciled, reconcile } from './reconcile.ts';
import { publicFacts, vaultRecord, vaultRow, whereabouts } from './records.ts';
import { type KitDownloads, kitDownloads } from './recovery/downloads.ts';
import { refreshRecoveryFiles } from './recovery/files.ts';
import { recoveryKit, recoveryKitFileName } from './recovery/kit.ts';
import { replicaActs } from './replicas/acts.ts';
import { createReplicas, type ReplicaEvents, type Replicas } from './replicas/replicas.ts';
import { applyRevocations } from './revocations.ts';
import type { AgentVault, JobDesk, SnapshotRecord, VaultService } from './service.ts';
import { sourceOf } from './source.ts';
import { LOCAL } from './stores/choice.ts';
import type { Rclone } from './stores/rclone-daemon.ts';
import { createTurns } from './turns.ts';

export interface VaultOptions {
  dataDir: string;
  db: Db;
  master: Sealing;
  /** What buckets may be reached; nothing on this host where absent. */
  outgoing?: Outgoing;
  /** What vaults on rclone’s remotes need; the caller ends it. */
  rclone?: Rclone;
  jobs: JobDesk;
  clock?: Clock;
  /** A snapshot has just come to exist, durably. */
  onCommitted?: (snapshot: SnapshotRecord) => void;
  /** What the comparison of store and index at boot had to put right. */
  onReconciled?: (vaultId: string, result: Reconciled) => void;
  /** The vault could not be given this version's `recover.mjs`. */
  onStaleRecovery?: (vaultId: string, failure: Failure) => void;
  /** The vault's store is far away and does not answer: its index is not compared this time. */
  onUnreachable?: (vaultId: string, failure: Failure) => void;
  /** What becomes of replicas and checks; nobody is told where absent. */
  replicas?: Partial<ReplicaEvents>;
}

/** The two halves of the vaults: for people and jobs, and for agents. */
export interface Vaults {
  service: VaultService;
  agents: AgentVault;
  /** The vault that new backups go to, with its secrets: for the control plane’s backups of itself. */
  defaultVault(): OpenVault;
  /** Resolves when nothing of replicas and checks is at work any more. */
  stop(): Promise<void>;
}

/**
 * Opens the vaults of a data directory, with one made at first boot. The caller holds the lock on the directory.
 * @throws FailureError `store_unavailable` | `key_missing` | `signature_invalid`
 */
export async function openVaultService(options: VaultOptions): Promise<Vaults> {
  const { dataDir, master, db, clock = systemClock, outgoing = createOutgoing(false), rclone } = options;
  const notes = { locks: storeLockQueries(db), now: clock.now };
  const ground: VaultGround = { dataDir, master, outgoing, rclone, ...notes };
  const found = await openVaults(ground);
  const vaults = found.length > 0 ? found : [await createVault(ground, { name: 'Default', store: LOCAL })];
  const context = createContext(db, vaults, clock.now);
  const inTurn = createTurns();
  const replicas = createReplicas({ context, ground, db, clock, inTurn, ...SILENT, ...options.replicas });
  for (const vault of vaults) {
    context.index.addVault(vaultRow(vault));
    replicas.follow(vault, await bringUp(context, vault, options));
  }
  await applyRevocations(dataDir, db);
  const chosen = await loadDefaultVault(dataDir, vaults);
  const parts = { ground, inTurn, replicas, kits: kitDownloads(db), defaultVaultId: chosen.id };
  const service = createService(context, parts);
  return {
    service,
    defaultVault: () => vaultOf(context, service.defaultVaultId),
    agents: createAgentVault(context, replicas, options),
    stop: () => replicas.stop(),
  };
}

const SILENT: ReplicaEvents = {
  onChange: () => {},
  onHealed: () => {},
  onFailure: () => {},
  onMoved: () => {},
};

/** Compares a vault with its index; one far away that does not answer is left as the index has it. */
async function bringUp(context: VaultContext, vault: OpenVault, options: VaultOptions): Promise<string[]> {
  let lost: string[] = [];
  try {
    // An index that has nothing may well be filled from the replica.
    const filled = context.chunks.storedBytes(vault.id) > 0;
    if (vault.unreachable && (filled || !vault.store.replica)) throw new FailureError(vault.unreachable);
    const reconciled = await reconcile(context, vault);
    options.onReconciled?.(vault.id, reconciled);
    lost = reconciled.lost ?? [];
    if (vault.unreachable) throw new FailureError(vault.unreachable);
  } catch (error) {
    const away = awayFailure(vault, error);
    if (!away) throw error;
    options.onUnreachable?.(vault.id, away);
    return lost;
  }
  const stale = await refreshRecoveryFiles(vault);
  if (stale) options.onStaleRecovery?.(vault.id, stale);
  return lost;
}

interface ServiceGround {
  ground: VaultGround;
  replicas: Replicas;
  inTurn: ReturnType<typeof createTurns>;
  kits: KitDownloads;
  defaultVaultId: string;
}

function createService(context: VaultContext, parts: ServiceGround): VaultService {
  const { ground, inTurn, kits, replicas, ...chosen } = parts;
  const describe = (vault: OpenVault) => vaultRecord(context, vault, { kits, replicas, ...chosen });
  return {
    get defaultVaultId() {
      return chosen.defaultVaultId;
    },
    vaults: () => [...context.vaults.values()].map(describe),
    addVault: (wish) =>
      inTurn('vaults', async () => {
        const made = await addVault(ground, context, wish);
        replicas.follow(made);
        return describe(made);
      }),
    changeStore: (vaultId, store) =>
      inTurn('vaults', async () => {
        return describe(await changeStore(ground, { vault: vaultOf(context, vaultId), store }));
      }),
    useVault: (vaultId) =>
      inTurn('vaults', async () => {
        const vault = vaultOf(context, vaultId);
        await keepDefaultVault(ground.dataDir, vaultId);
        chosen.defaultVaultId = vaultId;
        return describe(vault);
      }),
    reachStore: (ms) => reachStore(vaultOf(context, chosen.defaultVaultId), ms),
    space: (vaultId) => spaceIn(context, vaultOf(context, vaultId)),
    isDirect: (vaultId) => vaultOf(context, vaultId).store.direct !== undefined,
    statementOf: (vaultId) => vaultOf(context, vaultId).statement,
    certifyAgent: async (agent) => {
      for (const vault of context.vaults.values())
        await certify(vault, agent).catch((error) => {
          // A commit makes up for it.
          if (!awayFailure(vault, error)) throw error;
        });
    },
    withdrawAgent: (agentId) => keepRevocation(ground.dataDir, agentId, context.now()),
    ...replicaActs(context, replicas, describe),
    snapshotsPage: (filter, page) => {
      const { rows, total } = context.snapshots.page(filter, page);
      return { rows: rows.map(publicFacts(context)), total };
    },
    snapshot: (id) => {
      const row = context.snapshots.snapshot(id);
      return row && publicFacts(context)(row);
    },
    latestSnapshots: (ids) => context.snapshots.latestOf(ids).map(publicFacts(context)),
    storedBytes: () => [...context.vaults.keys()].reduce((n, id) => n + context.chunks.storedBytes(id), 0),
    nextSequence: (databaseId) => context.snapshots.highestSequence(databaseId) + 1,
    catalogOf: async (id) => {
      const { vault, row } = snapshotOf(context, id);
      return catalogOf(vault, row);
    },
    requirementsOf: async (id) => {
      const { vault, row } = snapshotOf(context, id);
      const { requirements, objectCounts } = await catalogOf(vault, row);
      return { serverVersion: row.serverVersion, requirements, objectCounts };
    },
    download: async (id) => download(context, snapshotOf(context, id)),
    recoveryKit: (vaultId, url) => {
      const vault = vaultOf(context, vaultId);
      const { secrets } = vault;
      const now = context.now();
      kits.note(vaultId, now);
      const origin = { url, now, ...whereabouts(vault) };
      return { text: recoveryKit(secrets, origin), fileName: recoveryKitFileName(secrets) };
    },
  };
}

function createAgentVault(
  context: VaultContext,
  replicas: Replicas,
  { jobs, onCommitted }: VaultOptions,
): AgentVault {
  const access = new PackAccess(context);
  const watch = createLockWatch(context);
  const inTurn = createTurns();
  return {
    missing: (at, serverId, ids) => missing(context, at, serverId, ids),
    putKey: (at, keyId, file) => putKey(context, at, { keyId, file }),
    putPack: (at, pack) => putPack(context, at, pack),
    uploadWay: (at, pack) => uploadWay(context, at, pack),
    uploaded: (at, sha256) =>
      // An agent that got no answer asks again while the first request is at work.
      inTurn(`pack ${sha256}`, () => uploaded(context, at, sha256)),
    downloadWay: (at, sha256) => access.way(at, sha256),
    getPack: (at, sha256, range) => access.get(at, sha256, range),
    expectCommit: (agentId, attempt) =>
      Math.min(manifestLimit(context, liveJob(jobs, agentId, attempt)), MANIFEST_FILE_MAX_BYTES),
    commit: (agentId, attempt, file) =>
      // Two commits of one job: the second finds what the first made.
      inTurn(attempt.jobId, async () => {
        const row = await commit({ context, jobs, watch }, { agentId, attempt, file });
        onCommitted?.(publicFacts(context)(row));
        replicas.wake(row.vaultId);
        return { snapshotId: row.id };
      }),
    source: (agentId, attempt) =>
      // One at a time: it holds the whole description of a snapshot in memory.
      inTurn(attempt.jobId, async () => {
        const job = liveJob(jobs, agentId, attempt);
        const agent = context.fleet.agent(agentId);
        if (job.kind !== 'restore' || !agent)
          throw fail('forbidden', 'Only a restore has a source.', 'Stop the attempt.');
        return sourceOf(context, snapshotOf(context, job.snapshotId), agent.sealingKey);
      }),
    heritage: (agentId, attempt) =>
      inTurn(attempt.jobId, async () => {
        const job = liveJob(jobs, agentId, attempt);
        if (job.kind === 'backup') return heritageOf(context, job);
        throw fail('forbidden', 'Only a backup has a heritage.', 'Stop the attempt.');
      }),
  };
}
