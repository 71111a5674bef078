import type { EngineDescriptor } from '../../protocol/engines/engine.ts';
import type { Failure } from '../../protocol/failure.ts';
import type { JobKind, JobResult, JobState, Progress } from '../../protocol/job.ts';
import type { Inventory, ValueOf } from '../../protocol/messages.ts';
import type { BackupPreflight, Finding, RestorePlan, RestorePreflight } from '../../protocol/restore.ts';

export type {
  BackupPreflight,
  EngineDescriptor,
  Failure,
  Finding,
  Inventory,
  JobResult,
  JobState,
  Progress,
  RestorePlan,
  RestorePreflight,
};
export type ServerFacts = ValueOf<'server.probe'>;
export type DatabaseFacts = ValueOf<'databases.list'>['databases'][number];
export type AvailableDatabase = DatabaseFacts & { databaseId: string | null };

export type AgentState = 'online' | 'offline' | 'revoked';

/** The shapes of `/api/v1`. Times are ISO 8601 UTC, sizes bytes. */
export interface Me {
  user: { id: string; name: string; email: string };
  controlPlane: { id: string; url: string; version: string; fingerprint: string };
}

export interface Agent {
  id: string;
  name: string;
  state: AgentState;
  connectedSince: string | null;
  lastSeenAt: string | null;
  version: string | null;
  fingerprint: string;
  sealingKey: string;
  inventory: Inventory | null;
  createdAt: string;
  serverCount: number;
  databaseCount: number;
}

export interface Server {
  id: string;
  agentId: string;
  agentName: string;
  agentState: AgentState;
  name: string;
  engine: string;
  connection: Record<string, unknown>;
  addedOnHost: boolean;
  removedFromAgent: boolean;
  version: string | null;
  createdAt: string;
  databaseCount: number;
}

export interface Snapshot {
  id: string;
  databaseId: string;
  databaseName: string;
  serverId: string;
  serverName: string;
  engine: string;
  sequence: number;
  createdAt: string;
  startedAt: string;
  finishedAt: string;
  rawBytes: number;
  /** What its job uploaded; unknown after the index was rebuilt from the store. */
  storedBytes: number | null;
  serverVersion: string;
  tool: string;
  state: 'good';
}

export interface SnapshotDetail extends Snapshot {
  catalog: {
    tables: { schema: string; name: string; rows: number; bytes: number }[];
    objectCounts: Record<string, number>;
  };
}

export interface Job {
  id: string;
  kind: JobKind;
  state: JobState;
  databaseId: string;
  databaseName: string;
  serverId: string;
  serverName: string;
  agentId: string;
  agentName: string;
  snapshotId: string;
  attempt: number;
  maxAttempts: number;
  createdAt: string;
  startedAt: string | null;
  finishedAt: string | null;
  progress: Progress | null;
  ratePerSecond: number | null;
  etaSeconds: number | null;
  result: JobResult | null;
  failure: Failure | null;
  plan: RestorePlan | null;
  requestedBy: string;
}

export interface LogLine {
  at: string;
  text: string;
}

export interface JobDetail extends Job {
  attempts: {
    attempt: number;
    state: string;
    startedAt: string;
    finishedAt: string | null;
    failure: Failure | null;
  }[];
  log: LogLine[];
}

export type ProtectionStatus = 'protected' | 'at-risk' | 'unprotected';

export interface Database {
  id: string;
  serverId: string;
  serverName: string;
  agentId: string;
  agentName: string;
  agentState: AgentState;
  engine: string;
  name: string;
  createdAt: string;
  protected: boolean;
  snapshotCount: number;
  lastSnapshot: Snapshot | null;
  lastJob: Job | null;
  status: ProtectionStatus;
  statusReason: string;
}

export interface Overview {
  databases: { total: number; protected: number; atRisk: number; unprotected: number };
  attention: {
    databaseId: string;
    name: string;
    serverName: string;
    reason: string;
    since: string | null;
  }[];
  agents: { total: number; online: number };
  storage: { rawBytes: number; storedBytes: number; snapshots: number };
  activeJobs: Job[];
  recentJobs: Job[];
}

export interface EnrolmentToken {
  id: string;
  name: string | null;
  createdAt: string;
  expiresAt: string;
}

export interface NewEnrolmentToken {
  id: string;
  /** The secret: shown once. */
  token: string;
  url: string;
  command: string;
  expiresAt: string;
}

export interface Vault {
  id: string;
  name: string;
  mode: 'managed';
  store: 'local';
  path: string;
  fingerprint: string;
  snapshotCount: number;
  storedBytes: number;
  createdAt: string;
}

export interface ApiKey {
  id: string;
  name: string | null;
  start?: string | null;
  createdAt: string;
  expiresAt: string | null;
  lastUsedAt?: string | null;
}

export interface AuditEntry {
  id: number;
  at: string;
  actor: { kind: 'user' | 'api-key' | 'agent' | 'system'; id: string | null; name: string | null };
  action: string;
  target: { kind: string | null; id: string | null; name: string | null } | null;
  from: string | null;
  details: Record<string, unknown> | null;
}

/** What the browser asks the control plane to pass on, sealed to the agent. */
export interface SealedServer {
  id: string;
  agentId: string;
  name: string;
  engine: string;
  sealed: string;
}
