import type { SealedCatalog } from '../../protocol/vault/manifest.ts';

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
  /** Sealed bytes its job uploaded; null after a rebuild. */
  storedBytes: number | null;
  serverVersion: string;
  tool: string;
  startedAt: number;
  finishedAt: number;
  createdAt: number;
}

export interface VaultRecord {
  id: string;
  name: string;
  mode: 'managed';
  store: 'local';
  path: string;
  /** Of the vault's signing key. */
  fingerprint: string;
  snapshotCount: number;
  /** Bytes of all packs. */
  storedBytes: number;
  createdAt: number;
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
}

/** What routes and jobs ask of the vault. Methods throw FailureError (`not_found`, `key_missing`, …). */
export interface VaultService {
  /** Vault that new backups go to; made at first boot. */
  readonly defaultVaultId: string;
  vaults(): VaultRecord[];
  /** Text of the vault's signed `vault.json`, for job offers. */
  statementOf(vaultId: string): string;
  /** Writes `agents/<id>.json` where it is missing or its keys changed. Durable when it resolves. */
  certifyAgent(agent: CertifiedAgent): Promise<void>;
  /** Newest first. */
  listSnapshots(filter: { databaseId?: string }): SnapshotRecord[];
  snapshot(id: string): SnapshotRecord | undefined;
  /** The newest snapshot of each database that has one, with how many there are. */
  latestByDatabase(): Map<string, { latest: SnapshotRecord; count: number }>;
  /** Highest sequence of the database's snapshots plus one. */
  nextSequence(databaseId: string): number;
  catalogOf(snapshotId: string): Promise<SealedCatalog>;
  requirementsOf(snapshotId: string): Promise<SnapshotRequirements>;
  /** The native dump; errors (a hash mismatch included) break the stream rather than end it. */
  download(snapshotId: string): Promise<ReadableStream<Uint8Array>>;
}

/** What the vault asks of the jobs: whether an upload, commit or source request is for a live attempt. */
export interface JobDesk {
  /** Facts of a job in state `running` (accepted, not fenced), else undefined. */
  runningJob(jobId: string): RunningJob | undefined;
}

export interface RunningJob {
  id: string;
  kind: 'backup' | 'restore';
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
