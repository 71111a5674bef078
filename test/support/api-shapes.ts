import type { Failure } from '../../protocol/failure.ts';
import type { JobKind, JobResult, JobState, Progress } from '../../protocol/job.ts';
import type { Inventory } from '../../protocol/messages.ts';

/** What the tests read of the API's replies, written down apart from the control plane's own types. */
export interface ApiAgent {
  id: string;
  name: string;
  state: 'online' | 'offline' | 'revoked';
  connectedSince: string | null;
  sealingKey: string;
  fingerprint: string;
  inventory: Inventory | null;
  predecessor: { id: string; name: string } | null;
  successor: { id: string; name: string } | null;
  waitingServerCount: number;
}

export interface ApiServer {
  id: string;
  agentId: string;
  name: string;
  engine: string;
  addedOnHost: boolean;
  removedFromAgent: boolean;
  awaitsCredentialsSince: string | null;
}

export interface ApiDatabase {
  id: string;
  serverId: string;
  name: string;
  snapshotCount: number;
  status: string;
  statusReason: string;
  drill: {
    verdict: ApiDrill | null;
    last: ApiDrill | null;
    openJobId: string | null;
    everyDays: number | null;
    nextAt: string | null;
  };
}

export interface ApiDrill {
  jobId: string;
  snapshotId: string;
  outcome: 'passed' | 'failed' | 'incomplete';
  finishedAt: string;
}

export interface ApiOverview {
  drills: { never: number; failed: number };
}

export interface ApiSnapshot {
  id: string;
  databaseId: string;
  databaseName: string;
  sequence: number;
  rawBytes: number;
  storedBytes: number;
  partial: boolean;
  beforeRestoreJobId: string | null;
  lockedUntil: string | null;
  drill: ApiDrill | null;
  state: string;
}

export interface ApiJob {
  id: string;
  kind: JobKind;
  state: JobState;
  databaseId: string;
  snapshotId: string | null;
  attempt: number;
  progress: Progress | null;
  result: JobResult | null;
  failure: Failure | null;
  oneTimeAccount: boolean;
  safetyJobId: string | null;
  safetySnapshotId: string | null;
  safetyForJobId: string | null;
  attempts?: { attempt: number; state: string; failure: Failure | null }[];
  log?: { at: string; text: string }[];
}

export interface ApiUpdate {
  id: string;
  agentId: string;
  fromVersion: string;
  toVersion: string;
  state: 'fetching' | 'applying' | 'succeeded' | 'failed';
  failure: Failure | null;
  requestedBy: string;
  createdAt: string;
  finishedAt: string | null;
}

export interface ApiRollout {
  id: string;
  version: string;
  state: 'running' | 'succeeded' | 'stopped';
  batches: { agentId: string; name: string; state: ApiUpdate['state'] | 'waiting' | 'skipped' }[][];
  failure: Failure | null;
}

export interface ApiUpdates {
  rollout: ApiRollout | null;
  served: { version: string; key: string | null } | null;
  failure: Failure | null;
  agents: {
    agentId: string;
    name: string;
    state: ApiAgent['state'];
    version: string | null;
    available: string | null;
    update: ApiUpdate | null;
  }[];
}
