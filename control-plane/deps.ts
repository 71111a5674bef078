import type { AutoProtect } from './agents/auto-protect.ts';
import type { Bearers } from './agents/bearers.ts';
import type { Enrolment } from './agents/enrolment.ts';
import type { Registry } from './agents/registry.ts';
import type { AgentRelease } from './agents/release.ts';
import type { Rollouts } from './agents/rollouts.ts';
import type { Updates } from './agents/updates.ts';
import type { Audit } from './audit.ts';
import type { Auth } from './auth/auth.ts';
import type { Oidc } from './auth/oidc/oidc.ts';
import type { ClientAddress } from './client-address.ts';
import type { Clock } from './clock.ts';
import type { Db } from './db/open.ts';
import type { Events } from './events.ts';
import type { FlowCookies } from './http/flow-cookies.ts';
import type { ProgressBoard } from './jobs/progress.ts';
import type { JobService } from './jobs/service.ts';
import type { ControlPlaneIdentity } from './keys/identity.ts';
import type { Logger } from './log.ts';
import type { Scheduler } from './policies/scheduler.ts';
import type { Readiness } from './readiness.ts';
import type { Keeper } from './retention/keeper.ts';
import type { SelfBackups } from './self-backup/keeper.ts';
import type { AgentVault, VaultService } from './vault/service.ts';

/** Everything the HTTP side works with; made once, in `control-plane.ts`. */
export interface AppDeps {
  db: Db;
  clock: Clock;
  log: Logger;
  audit: Audit;
  events: Events;
  clientAddress: ClientAddress;
  identity: ControlPlaneIdentity;
  auth: Auth;
  oidc: Oidc;
  flowCookies: FlowCookies;
  /** Address people and agents use, without a trailing slash. */
  url: string;
  /** Origins of our own pages. */
  origins: readonly string[];
  registry: Registry;
  bearers: Bearers;
  autoProtect: AutoProtect;
  enrolment: Enrolment;
  release: AgentRelease;
  updates: Updates;
  rollouts: Rollouts;
  vault: VaultService;
  agentVault: AgentVault;
  jobs: JobService;
  scheduler: Scheduler;
  keeper: Keeper;
  progress: ProgressBoard;
  selfBackups: SelfBackups;
  readiness(): Promise<Readiness>;
  /** Directory of the built web UI. */
  webRoot: string;
}
