import { createOutgoing, type Outgoing } from '../../protocol/outgoing.ts';
import { type Clock, systemClock } from '../clock.ts';
import type { Db } from '../db/open.ts';
import { storeLockQueries } from '../db/store-locks.ts';
import { keepRevocation } from '../keys/revocations.ts';
import { createAgentVault } from './agent-vault.ts';
import { type BringUpEvents, bringUp } from './bring-up.ts';
import { catalogOf } from './catalog.ts';
import { certify } from './certify.ts';
import { type CollectionEvents, type Collections, createCollections } from './collection/collections.ts';
import { awayFailure, createContext, snapshotOf, type VaultContext, vaultOf } from './context.ts';
import { createVault, type OpenVault, openVaults, type VaultGround } from './create.ts';
import { keepDefaultVault, loadDefaultVault } from './default.ts';
import { deleteSnapshot } from './deletion.ts';
import { download } from './download.ts';
import { addVault, changeStore } from './elsewhere.ts';
import type { Sealing } from './keys.ts';
import { reachStore, spaceIn } from './reach.ts';
import { publicFacts, vaultRecord, vaultRow, whereabouts } from './records.ts';
import { type KitDownloads, kitDownloads } from './recovery/downloads.ts';
import { recoveryKit, recoveryKitFileName } from './recovery/kit.ts';
import { createRemoval, type Removal } from './removal.ts';
import { replicaActs } from './replicas/acts.ts';
import { createReplicas, type ReplicaEvents, type Replicas } from './replicas/replicas.ts';
import { applyRevocations } from './revocations.ts';
import type { AgentVault, JobDesk, SnapshotRecord, VaultService } from './service.ts';
import { LOCAL } from './stores/choice.ts';
import type { Rclone } from './stores/rclone-daemon.ts';
import { createTurns } from './turns.ts';

export interface VaultOptions extends BringUpEvents {
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
  /** What becomes of replicas and checks; nobody is told where absent. */
  replicas?: Partial<ReplicaEvents>;
  /** What becomes of what nothing needs any more; nobody is told where absent. */
  collection?: Partial<CollectionEvents>;
}

/** The two halves of the vaults: for people and jobs, and for agents. */
export interface Vaults {
  service: VaultService;
  agents: AgentVault;
  /** The vault that new backups go to, with its secrets: for the control plane’s backups of itself. */
  defaultVault(): OpenVault;
  /** Resolves when nothing of replicas, checks and collections is at work any more. */
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
  const removal = createRemoval({ context, clock, onFailure: () => {}, ...options.collection });
  const collections = createCollections({
    context,
    db,
    clock,
    removal,
    onEnd: () => {},
    ...options.collection,
  });
  replicas.checks.follow();
  removal.start();
  collections.start();
  const service = createService(context, {
    ...{ ground, inTurn, replicas, collections, removal },
    ...{ kits: kitDownloads(db), defaultVaultId: chosen.id },
  });
  return {
    service,
    defaultVault: () => vaultOf(context, service.defaultVaultId),
    agents: createAgentVault(context, { ...options, replicas, removal }),
    stop: async () => {
      await Promise.all([replicas.stop(), collections.stop()]);
      await removal.stop();
    },
  };
}

const SILENT: ReplicaEvents = {
  onChange: () => {},
  onHealed: () => {},
  onFailure: () => {},
  onMoved: () => {},
  onDamage: () => {},
};

interface ServiceGround {
  ground: VaultGround;
  replicas: Replicas;
  collections: Collections;
  removal: Removal;
  inTurn: ReturnType<typeof createTurns>;
  kits: KitDownloads;
  defaultVaultId: string;
}

function createService(context: VaultContext, parts: ServiceGround): VaultService {
  const { collections, ground, inTurn, kits, removal, replicas, ...chosen } = parts;
  const describe = (vault: OpenVault) =>
    vaultRecord(context, vault, { collections, kits, replicas, ...chosen });
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
    deleteSnapshot: (id) => {
      const { vaultId } = snapshotOf(context, id).row;
      deleteSnapshot(context, id);
      collections.wake(vaultId);
      void removal.wake();
    },
    collectVault: (vaultId, wish) => {
      const vault = vaultOf(context, vaultId);
      if (wish?.giveUpForgotten) context.snapshots.giveUpForgotten(vaultId);
      collections.begin(vault);
      return describe(vault);
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
