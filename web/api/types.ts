import type { InferRequestType, InferResponseType } from 'hono/client';
import type { RestorePlan } from '../../protocol/restore.ts';
import type { api } from './rpc.ts';

export type { Assertion, DrillReport } from '../../protocol/drill.ts';
export type { Failure } from '../../protocol/failure.ts';
export type { JobResult, JobState, Progress } from '../../protocol/job.ts';
export type { Inventory } from '../../protocol/messages.ts';
export type { Finding, RestorePlan } from '../../protocol/restore.ts';
export type { TableSelection } from '../../protocol/selection.ts';

type Api = typeof api;
type Answer<Ask, Status extends 200 | 201 | 202 = 200> = InferResponseType<Ask, Status>;

/** The shapes of `/api/v1`, read off the control plane's routes. Times are ISO 8601 UTC, sizes bytes. */
export type EngineDescriptor = Answer<Api['engines']['$get']>[number];
export type FieldDescriptor = EngineDescriptor['fields'][number];
export type AccountRecipe = EngineDescriptor['accounts'][number];
export type Agent = Answer<Api['agents'][':id']['$get']>;
export type Discovery = Answer<Api['agents'][':id']['discover']['$post']>;
export type DiscoveredServer = Discovery['servers'][number];
export type DoctorReport = Answer<Api['agents'][':id']['doctor']['$post']>;
export type CheckResult = DoctorReport['checks'][number];
export type Updates = Answer<Api['updates']['$get']>;
export type Rollout = NonNullable<Updates['rollout']>;
export type AgentUpdate = Updates['agents'][number];
export type AgentState = Agent['state'];
export type Server = Answer<Api['servers'][':id']['$get']>;
export type ServerFacts = Answer<Api['servers']['probe']['$post']>;
export type AvailableDatabase = Answer<
  Api['servers'][':id']['available-databases']['$get']
>['databases'][number];
export type Database = Answer<Api['databases'][':id']['$get']>;
export type Policy = Answer<Api['policies']['$get']>[number];
export type Schedule = Policy['schedule'];
/** As it is saved. */
export type PolicyWish = InferRequestType<Api['policies']['$post']>['json'];
/** One that is about to be saved; with its id where it is there already. */
export type PolicyDraft = Omit<PolicyWish, 'name' | 'retention'> &
  Pick<Policy, 'retention'> & { id?: string };
export type ProtectionStatus = Database['status'];
export type BackupPreflight = Answer<Api['databases'][':id']['preflight']['$post']>;
export type Snapshot = Answer<Api['snapshots']['$get']>[number];
export type SnapshotDetail = Answer<Api['snapshots'][':id']['$get']>;
export type RestorePreflight = Answer<Api['snapshots'][':id']['restore']['preflight']['$post']>;
export type JobDetail = Answer<Api['jobs'][':id']['$get']>;
export type Job = Answer<Api['jobs']['$get']>[number];
export type LogLine = JobDetail['log'][number];
export type Overview = Answer<Api['overview']['$get']>;
export type NewEnrolmentToken = Answer<Api['enrolment-tokens']['$post'], 201>;
export type Vault = Answer<Api['vaults']['$get']>[number];
/** Where a second copy goes, with the keys to it. */
export type ReplicaStore = InferRequestType<Api['vaults'][':id']['replica']['$put']>['json']['store'];
/** Where a vault is to be, with keys and passwords, on its way to the control plane. */
export type VaultStore = InferRequestType<Api['vaults']['$post']>['json']['store'];
export type BucketStore = Extract<VaultStore, { kind: 's3' }>;
export type RemoteStore = Extract<VaultStore, { kind: 'rclone' }>;
export type Me = Answer<Api['me']['$get']>;
export type Right = Me['rights'][number];
export type Session = Answer<Api['me']['sessions']['$get']>[number];
export type SignInProvider = NonNullable<Answer<Api['sign-in-provider']['$get']>['provider']>;
/** As it is saved; with the secret where it is another one. */
export type SignInProviderWish = InferRequestType<Api['sign-in-provider']['$put']>['json'];
export type Passkey = Answer<Api['me']['passkeys']['$get']>[number];
export type User = Answer<Api['users']['$get']>[number];
export type Role = User['role'];
export type ExtraRight = User['extraRights'][number];
export type Standing = Pick<User, 'role' | 'extraRights' | 'labels'>;
export type Invitation = Answer<Api['invitations']['$get']>[number];
export type ApiKey = Answer<Api['api-keys']['$get']>[number];
/** As the API takes them; absent: all. */
export interface AgentFilter {
  q?: string;
  order?: 'name' | 'newest';
}
export interface ServerFilter {
  q?: string;
  agentId?: string;
  engine?: string;
  usable?: 'true';
}
export interface DatabaseFilter {
  q?: string;
  serverId?: string;
  status?: ProtectionStatus;
  order?: 'name' | 'urgency';
}
export interface JobFilter {
  databaseId?: string;
  state?: string;
}
/** As the API takes it; absent: all. */
export interface AuditFilter {
  kind?: string;
  q?: string;
  since?: string;
  until?: string;
}
/** How Homeport backs itself up. */
export type SelfBackup = Answer<Api['self-backup']['$get']>;
export type AuditEntry = Answer<Api['audit']['$get']>[number];

/** What the browser asks the control plane to pass on, sealed to the agent. */
export interface SealedServer {
  id: string;
  agentId: string;
  name: string;
  engine: string;
  sealed: string;
}

/** A restore, with the target's name typed out. */
export interface RestoreOrder {
  serverId: string;
  plan: RestorePlan;
  confirm: string;
  /** In place only: back up the target before. */
  safetySnapshot?: boolean;
  /** An account for this restore alone, sealed to the server's agent. */
  sealed?: string;
}
