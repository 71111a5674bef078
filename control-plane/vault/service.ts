import type { DownloadWay, UploadWay } from '../../protocol/direct.ts';
import type { HeritageDocument, JobKind, RestoreSourceDocument } from '../../protocol/job.ts';
import type { SealedCatalog } from '../../protocol/vault/manifest.ts';
import type { Page, PageWish } from '../db/pages.ts';
import type { SnapshotFilter } from '../db/snapshots.ts';
import type { Download } from './download.ts';
import type { VaultSpace } from './growth.ts';
import type { StoreChoice, StoreElsewhere } from './stores/choice.ts';
import type { VaultRecord } from './vault-record.ts';

/** One committed snapshot, as the index knows it. Times are milliseconds since the epoch, sizes bytes. */
export interface SnapshotRecord {
  id: string;
  vaultId: string;
  databaseId: string;
  serverId: string;
  agentId: string;
  jobId: string;
  engine: string;
  sequence: number;
  rawBytes: number;
  /** Bytes of the packs that the attempt which made it uploaded. */
  storedBytes: number;
  serverVersion: string;
  tool: string;
  /** Whether a table selection left rows out. */
  partial: boolean;
  startedAt: number;
  finishedAt: number;
  createdAt: number;
  /** Whether the vault's replica has all of it; null where the vault has none. */
  copied: boolean | null;
  /** Since when something that it needs is known to be damaged or lost. */
  damagedAt: number | null;
  /** Until when the vault's store lets nobody delete anything that it needs; null where it may be deleted. */
  lockedUntil: number | null;
}

/** A vault to be made elsewhere. */
export interface VaultWish {
  name: string;
  store: StoreElsewhere;
}

/** What a restore target is preflighted against; travels in one frame. */
export interface SnapshotRequirements {
  serverVersion: string;
  requirements: Record<string, unknown>;
  objectCounts: Record<string, number>;
}

/** Keys of an agent the vault vouches for. */
export interface CertifiedAgent {
  id: string;
  name: string;
  identityKey: string;
  sealingKey: string;
  /** The agent whose servers it took over, if any. */
  predecessorId?: string | null;
}

/** What routes and jobs ask of the vault. Methods throw FailureError (`not_found`, `key_missing`, …). */
export interface VaultService {
  /** Vault that new backups go to. */
  readonly defaultVaultId: string;
  vaults(): VaultRecord[];
  /** Tests a place and makes a vault there. @throws FailureError `conflict` | `store_unavailable` | `forbidden` */
  addVault(wish: VaultWish): Promise<VaultRecord>;
  /** Gives a vault other keys to its store, or other ways to use it. @throws as {@link addVault} */
  changeStore(vaultId: string, store: StoreElsewhere): Promise<VaultRecord>;
  /** Gives a vault a second copy, or another way to the one it has; the place is tested first. @throws as {@link addVault} */
  setReplica(vaultId: string, store: StoreChoice): Promise<VaultRecord>;
  /** Copies no more; the files that are there stay. */
  forgetReplica(vaultId: string): Promise<VaultRecord>;
  /** The vault moves to its replica: once everything is copied, or, to `leaveBehind` what is not, at once. */
  moveVault(vaultId: string, wish: { leaveBehind: boolean }): Promise<VaultRecord>;
  /** The vault stays where it is after all. */
  stayVault(vaultId: string): VaultRecord;
  /** Begins to read every file of a vault. @throws FailureError `conflict` while that is under way */
  checkVault(vaultId: string): VaultRecord;
  /** How many days pass between checks that begin by themselves; 0: none does. */
  checkEvery(vaultId: string, days: number): VaultRecord;
  /**
   * Frees what no snapshot needs, and what interrupted backups have left; of servers with snapshots that the index has lost
   * only where those are given up.
   * @throws FailureError `conflict` while that is under way
   */
  collectVault(vaultId: string, wish?: { giveUpForgotten: boolean }): VaultRecord;
  /** @throws FailureError `conflict` while somebody reads it, `file_locked` while its store lets nobody delete it */
  deleteSnapshot(id: string): void;
  /** New backups go there from now on; those queued go where they were to. */
  useVault(vaultId: string): Promise<VaultRecord>;
  /** Asks the store of the default vault for a sign of life, for so many ms. @throws FailureError `store_unavailable` */
  reachStore(ms: number): Promise<void>;
  /** Asks the store how much room it has. @throws FailureError `store_unavailable` */
  space(vaultId: string): Promise<VaultSpace>;
  /** Text of the vault's signed `vault.json`, for job offers. */
  statementOf(vaultId: string): string;
  /** Whether its packs may travel between agents and the store itself. */
  isDirect(vaultId: string): boolean;
  /** Writes `agents/<id>.json` where it is missing or its keys changed. Durable when it resolves. */
  certifyAgent(agent: CertifiedAgent): Promise<void>;
  /** Keeps the agent revoked even if the database is lost. Durable when it resolves; idempotent. */
  withdrawAgent(agentId: string): Promise<void>;
  /** Newest first. */
  snapshotsPage(filter: SnapshotFilter, page: PageWish): Page<SnapshotRecord>;
  snapshot(id: string): SnapshotRecord | undefined;
  /** The newest snapshot of each of these databases that has one. */
  latestSnapshots(databaseIds: readonly string[]): SnapshotRecord[];
  /** Bytes of all packs of all vaults. */
  storedBytes(): number;
  /** Highest sequence of the database's snapshots plus one. */
  nextSequence(databaseId: string): number;
  catalogOf(snapshotId: string): Promise<SealedCatalog>;
  requirementsOf(snapshotId: string): Promise<SnapshotRequirements>;
  /**
   * The native dump. Manifest, keys and chunk places are verified before it resolves; later errors (a hash
   * mismatch included) break the stream rather than end it. Cancelling the stream stops the reading.
   */
  download(snapshotId: string): Promise<Download>;
  /**
   * The vault's recovery kit, a secret, and notes that it was handed out.
   * @param url address of the control plane, which the kit names
   */
  recoveryKit(vaultId: string, url: string): { text: string; fileName: string };
}

/** What the vault asks of the jobs: whether an upload, commit or source request is for a live attempt. */
export interface JobDesk {
  /**
   * Facts of a job in state `offered` or `running`, else undefined. `offered` counts: the agent's first
   * request may overtake its `job.accepted`, which takes another socket.
   */
  runningJob(jobId: string): RunningJob | undefined;
}

export interface RunningJob {
  id: string;
  kind: JobKind;
  /** The only attempt that may commit. */
  attempt: number;
  agentId: string;
  serverId: string;
  databaseId: string;
  databaseName: string;
  snapshotId: string;
  vaultId: string;
  /** Backups only. */
  sequence: number | null;
  cancelRequested: boolean;
}

/**
 * What an agent may do with the vaults over HTTP. All calls throw FailureError; what adds or asks for chunks
 * throws `lease_lost` unless the agent holds a backup of that server.
 */
export interface AgentVault {
  /** For n ids of 32 bytes: n×16 bytes, the key each is sealed with, zeros where missing. */
  missing(at: BulkPlace, serverId: string, ids: Uint8Array): Buffer<ArrayBuffer>;
  /** Keeps `keys/<id>.age`; idempotent. */
  putKey(at: BulkPlace, keyId: string, file: Uint8Array): Promise<void>;
  /** Durable and indexed once resolved; idempotent. */
  putPack(at: BulkPlace, pack: PackUpload): Promise<void>;
  /** How a pack is to be sent. */
  uploadWay(at: BulkPlace, pack: { sha256: string; bytes: number }): Promise<UploadWay>;
  /** A pack was sent to the store itself; indexed once resolved; idempotent. */
  uploaded(at: BulkPlace, sha256: string): Promise<void>;
  /** How a pack is to be fetched; only packs that a running restore of this agent needs. */
  downloadWay(at: BulkPlace, sha256: string): Promise<DownloadWay>;
  /** Only packs that a running restore of this agent needs. Without `range` the whole pack. */
  getPack(at: BulkPlace, sha256: string, range: OpenRange | undefined): Promise<PackBody>;
  /**
   * Whether a commit of this attempt is wanted, asked before its body is read.
   * @returns bytes that its manifest file may have
   */
  expectCommit(agentId: string, attempt: BulkAttempt): number;
  /** `manifest` is the file as sent. Resolves once the snapshot is durable; idempotent. */
  commit(agentId: string, attempt: BulkAttempt, manifest: Uint8Array): Promise<{ snapshotId: string }>;
  source(agentId: string, attempt: BulkAttempt): Promise<RestoreSourceDocument>;
  /** What a backup can build on whose agent took another one's place; `not_found` where there is nothing. */
  heritage(agentId: string, attempt: BulkAttempt): Promise<HeritageDocument>;
}

/** Who asks, about which vault. */
export interface BulkPlace {
  agentId: string;
  vaultId: string;
}

/** A job's attempt as path and `homeport-attempt` header name it. */
export interface BulkAttempt {
  jobId: string;
  attempt: number;
}

/** A pack on its way in. */
export interface PackUpload {
  /** Its name and the hash of its bytes, hex. */
  sha256: string;
  body: AsyncIterable<Uint8Array>;
  /** Told of each part of `body` that is no longer needed. */
  release?: (part: Uint8Array) => void;
}

/** Bytes `[start, end)`; up to the end of the pack where `end` is absent. */
export interface OpenRange {
  start: number;
  end?: number | undefined;
}

export interface PackBody {
  body: AsyncIterable<Uint8Array>;
  /** First byte of `body` within the pack. */
  start: number;
  /** Bytes of `body`. */
  bytes: number;
  /** Bytes of the whole pack. */
  length: number;
}
