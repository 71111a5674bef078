import type { Readable } from 'node:stream';
import type { RestoreSourceDocument } from '../../protocol/job.ts';
import type { SnapshotCatalog } from '../../protocol/vault/manifest.ts';

/** Seals small secrets (key files) under the control plane's master key; `label` binds them to their use. */
export interface MasterKey {
  /** Text to keep in a file. */
  seal(label: string, text: string): string;
  /** @throws where the text was not sealed with this label and key */
  open(label: string, sealed: string): string;
}

/** One vault as the API shows it. Times are milliseconds since the epoch, sizes bytes. */
export interface VaultInfo {
  id: string;
  name: string;
  mode: 'managed';
  store: 'local';
  /** Directory of the local store. */
  path: string;
  /** Fingerprint of the signing key, base64url. */
  fingerprint: string;
  snapshotCount: number;
  storedBytes: number;
  createdAt: number;
}

/** One committed snapshot. Times are milliseconds since the epoch, sizes bytes. */
export interface SnapshotInfo {
  id: string;
  vaultId: string;
  databaseId: string;
  databaseName: string;
  serverId: string;
  serverName: string;
  agentId: string;
  jobId: string;
  engine: string;
  sequence: number;
  rawBytes: number;
  /** Sealed bytes its job uploaded. */
  storedBytes: number;
  serverVersion: string;
  tool: string;
  /** Agent's clock. */
  startedAt: number;
  /** Agent's clock. */
  finishedAt: number;
  /** Commit, on the control plane's clock. */
  createdAt: number;
}

/** What a restore's preflight is told about the snapshot (`source` of the `restore.preflight` request). */
export interface RestoreFacts {
  serverVersion: string;
  requirements: Record<string, unknown>;
  objectCounts: Record<string, number>;
}

/** A snapshot's native dump on its way out. */
export interface Download {
  /** Destroyed with a FailureError where the stored bytes prove wrong: the reply then breaks off, it does not end. */
  body: Readable;
  /** Bytes. */
  length: number;
  mediaType: string;
  /** Readable, ASCII, e.g. `shop-2026-11-23T14-36-51Z.dump`. */
  fileName: string;
}

/** The keys of an enrolled agent that the vault vouches for. */
export interface CertifiedAgent {
  id: string;
  name: string;
  /** Ed25519, base64url. */
  identityKey: string;
  /** age recipient. */
  sealingKey: string;
}

/** A snapshot was committed and is durable. */
export type OnCommitted = (snapshot: SnapshotInfo) => void;

/** What routes and jobs need of the vaults. */
export interface VaultService {
  vaults(): VaultInfo[];
  /** Vault that new backups go to, with the text of its signed `vault.json`, as a job offer carries it. */
  defaultVault(): { id: string; statement: string };
  /** A vault by id, for restore offers. @throws FailureError `not_found` */
  vault(id: string): { id: string; statement: string };
  /** Sequence number of a database's next snapshot: highest committed + 1. Commit accepts no other. */
  nextSequence(databaseId: string): number;
  /** Newest first. `databaseIds` absent: of all databases. */
  listSnapshots(filter?: { databaseId?: string; limit?: number }): SnapshotInfo[];
  snapshot(id: string): SnapshotInfo | undefined;
  /** Opens the sealed catalog. @throws FailureError `not_found` | `manifest_invalid` | `signature_invalid` | `key_missing` | `pack_corrupt` */
  catalogOf(snapshotId: string): Promise<SnapshotCatalog>;
  requirementsOf(snapshotId: string): Promise<RestoreFacts>;
  /** Verifies manifest, keys and chunk locations before it resolves; chunks while they stream. */
  download(snapshotId: string, signal: AbortSignal): Promise<Download>;
  /** Writes `agents/<id>.json` into every vault; idempotent. Call at enrolment (first use does it otherwise). */
  certify(agent: CertifiedAgent): Promise<void>;
  /** Gives up what is held open: the lock on the data directory. */
  close(): Promise<void>;
}

/** Attempt of a job, as the agent's `homeport-attempt` header and the path name it. */
export interface BulkAttempt {
  jobId: string;
  attempt: number;
}

/** What an agent may do with a vault over HTTP. All calls throw FailureError. */
export interface AgentVault {
  /** For n ids of 32 bytes: n×16 bytes, the key each is sealed with, zeros where missing. */
  missing(at: BulkPlace, serverId: string, ids: Buffer): Buffer;
  putKey(at: BulkPlace, keyId: string, file: Buffer): Promise<void>;
  /** Durable and indexed once resolved; idempotent. */
  putPack(at: BulkPlace, sha256: string, body: AsyncIterable<Uint8Array>): Promise<void>;
  /** Only packs that a restore job this agent runs needs. `range` in bytes, end exclusive. */
  getPack(at: BulkPlace, sha256: string, range: ByteRange | undefined): Promise<PackBody>;
  /** `manifest` is the file as sent. Resolves once the snapshot is durable; idempotent. */
  commit(agentId: string, attempt: BulkAttempt, manifest: Buffer): Promise<{ snapshotId: string }>;
  source(agentId: string, attempt: BulkAttempt): Promise<RestoreSourceDocument>;
}

/** Who asks, about which vault. */
export interface BulkPlace {
  agentId: string;
  vaultId: string;
}

/** Bytes `[start, end)`. */
export interface ByteRange {
  start: number;
  end: number;
}

export interface PackBody {
  body: Readable;
  range: ByteRange;
  /** Bytes of the whole pack. */
  length: number;
}
