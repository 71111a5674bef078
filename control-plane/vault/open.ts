import { fingerprint } from '../../protocol/enrolment.ts';
import { type Failure, fail } from '../../protocol/failure.ts';
import type { Db } from '../db/open.ts';
import type { SnapshotRow } from '../db/snapshots.ts';
import { keepRevocation } from '../keys/revocations.ts';
import { catalogOf } from './catalog.ts';
import { certify } from './certify.ts';
import { commit, liveJob, manifestLimit } from './commit.ts';
import { createContext, snapshotOf, type VaultContext, vaultOf } from './context.ts';
import { createVault, type OpenVault, openVaults } from './create.ts';
import { download } from './download.ts';
import { heritageOf } from './heritage.ts';
import { missing, putKey, putPack } from './ingest.ts';
import type { Sealing } from './keys.ts';
import { MANIFEST_FILE_MAX_BYTES } from './layout.ts';
import { PackAccess } from './pack-access.ts';
import { type Reconciled, reconcile } from './reconcile.ts';
import { type KitDownloads, kitDownloads } from './recovery/downloads.ts';
import { refreshRecoveryFiles } from './recovery/files.ts';
import { recoveryKit, recoveryKitFileName } from './recovery/kit.ts';
import { applyRevocations } from './revocations.ts';
import type { AgentVault, JobDesk, SnapshotRecord, VaultRecord, VaultService } from './service.ts';
import { sourceOf } from './source.ts';

export interface VaultOptions {
  dataDir: string;
  db: Db;
  master: Sealing;
  jobs: JobDesk;
  /** Milliseconds since the epoch. */
  now?: () => number;
  /** A snapshot has just come to exist, durably. */
  onCommitted?: (snapshot: SnapshotRecord) => void;
  /** What the comparison of store and index at boot had to put right. */
  onReconciled?: (vaultId: string, result: Reconciled) => void;
  /** The vault could not be given this version's `recover.mjs`. */
  onStaleRecovery?: (vaultId: string, failure: Failure) => void;
}

/** The two halves of the vaults: for people and jobs, and for agents. */
export interface Vaults {
  service: VaultService;
  agents: AgentVault;
}

/**
 * Opens the vaults of a data directory, with one made at first boot. The caller holds the lock on the directory.
 * @throws FailureError `store_unavailable` | `key_missing` | `signature_invalid`
 */
export async function openVaultService(options: VaultOptions): Promise<Vaults> {
  const { dataDir, master, db, now = Date.now } = options;
  const found = await openVaults(dataDir, master);
  const vaults = found.length > 0 ? found : [await createVault(dataDir, master, 'Default')];
  const context = createContext(db, vaults, now);
  for (const vault of vaults) {
    context.index.addVault(vaultRow(vault));
    options.onReconciled?.(vault.id, await reconcile(context, vault));
    const stale = await refreshRecoveryFiles(vault);
    if (stale) options.onStaleRecovery?.(vault.id, stale);
  }
  await applyRevocations(dataDir, db);
  return {
    service: createService(context, vaults[0]!, { dataDir, kits: kitDownloads(db) }),
    agents: createAgentVault(context, options),
  };
}

/** The row of a vault in the index. */
export function vaultRow({ id, secrets }: OpenVault) {
  return { id, name: secrets.name, mode: 'managed', store: 'local', createdAt: secrets.createdAt } as const;
}

function createService(
  context: VaultContext,
  first: OpenVault,
  { dataDir, kits }: { dataDir: string; kits: KitDownloads },
): VaultService {
  return {
    defaultVaultId: first.id,
    vaults: () => [...context.vaults.values()].map((vault) => describe(context, vault, kits)),
    statementOf: (vaultId) => vaultOf(context, vaultId).statement,
    certifyAgent: async (agent) => {
      for (const vault of context.vaults.values()) await certify(vault, agent);
    },
    withdrawAgent: (agentId) => keepRevocation(dataDir, agentId, context.now()),
    listSnapshots: (filter) => context.snapshots.list(filter).map(publicFacts),
    snapshot: (id) => {
      const row = context.snapshots.snapshot(id);
      return row && publicFacts(row);
    },
    latestByDatabase: () => {
      const rows = context.snapshots.latestByDatabase();
      return new Map(
        [...rows].map(([id, { latest, count }]) => [id, { latest: publicFacts(latest), count }]),
      );
    },
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
      const { secrets } = vaultOf(context, vaultId);
      const now = context.now();
      kits.note(vaultId, now);
      return { text: recoveryKit(secrets, { url, now }), fileName: recoveryKitFileName(secrets) };
    },
  };
}

function createAgentVault(context: VaultContext, { jobs, onCommitted }: VaultOptions): AgentVault {
  const access = new PackAccess(context);
  const inTurn = createTurns();
  return {
    missing: (at, serverId, ids) => missing(context, at, serverId, ids),
    putKey: (at, keyId, file) => putKey(context, at, { keyId, file }),
    putPack: (at, pack) => putPack(context, at, pack),
    getPack: (at, sha256, range) => access.get(at, sha256, range),
    expectCommit: (agentId, attempt) =>
      Math.min(manifestLimit(context, liveJob(jobs, agentId, attempt)), MANIFEST_FILE_MAX_BYTES),
    commit: (agentId, attempt, file) =>
      // Two commits of one job: the second finds what the first made.
      inTurn(attempt.jobId, async () => {
        const row = await commit(context, jobs, { agentId, attempt, file });
        onCommitted?.(publicFacts(row));
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

/** Runs what has the same name one after the other. */
function createTurns() {
  const last = new Map<string, Promise<unknown>>();
  return <T>(name: string, work: () => Promise<T>): Promise<T> => {
    const before = last.get(name) ?? Promise.resolve();
    const turn = before.then(work, work);
    last.set(name, turn);
    const forget = () => {
      if (last.get(name) === turn) last.delete(name);
    };
    turn.then(forget, forget);
    return turn;
  };
}

function describe(context: VaultContext, { id, secrets, path }: OpenVault, kits: KitDownloads): VaultRecord {
  const { name, signingKey, createdAt } = secrets;
  const snapshotCount = context.snapshots.countOf(id);
  const storedBytes = context.chunks.storedBytes(id);
  return {
    id,
    name,
    mode: 'managed',
    store: 'local',
    path,
    fingerprint: fingerprint(signingKey),
    snapshotCount,
    storedBytes,
    kitDownloadedAt: kits.lastOf(id),
    createdAt,
  };
}

function publicFacts({ path: _, ...facts }: SnapshotRow): SnapshotRecord {
  return facts;
}
