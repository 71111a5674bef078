import type { ConnectionBase } from '../../protocol/engines/engine.ts';
import { FAILURE_CODES, type FailureCode, type FailureError, fail } from '../../protocol/failure.ts';
import type { OfferedVault } from '../../protocol/job.ts';
import type { LocalPolicy } from '../../protocol/messages.ts';
import type { Finding } from '../../protocol/restore.ts';
import type { DrillGround } from '../drills/place.ts';
import type { EngineDriver, ServerTarget } from '../engines/driver.ts';
import type { AgentIdentity } from '../identity.ts';
import type { VaultClient } from '../pipeline/vault-client.ts';
import type { KeyStore } from '../state/keys.ts';
import type { ServerStore, StoredServer } from '../state/servers.ts';
import type { VaultPins } from '../state/vaults.ts';
import type { JobContext } from './context.ts';

/** The parts of the agent that jobs are made of. */
export interface JobParts {
  agentId: string;
  identity: AgentIdentity;
  /** The agent whose place this one took; `anew`: nothing that it stored is to be reused. */
  predecessor?: { id: string; name: string; anew?: boolean | undefined } | undefined;
  policy: LocalPolicy;
  servers: ServerStore;
  keys: KeyStore;
  vaults: VaultPins;
  driverFor(engine: string): EngineDriver;
  /** Where disposable servers are. */
  drills: Pick<DrillGround, 'open'>;
  vaultClient(vault: OfferedVault, context: Pick<JobContext, 'log' | 'waiting'>): VaultClient;
}

/** A server's driver, and what the driver needs to log in. */
export function openServer(
  parts: Pick<JobParts, 'driverFor'>,
  server: Pick<StoredServer, 'engine' | 'connection' | 'password'>,
): { driver: EngineDriver; target: ServerTarget<ConnectionBase> } {
  const driver = parts.driverFor(server.engine);
  return {
    driver,
    target: { connection: driver.parseConnection(server.connection), password: server.password },
  };
}

const KNOWN_CODES: ReadonlySet<string> = new Set(FAILURE_CODES);

/** The failure that a preflight's blockers amount to, or `undefined` where there is none. */
export function blockerFailure(
  findings: readonly Finding[],
  otherwise: FailureCode,
): FailureError | undefined {
  const blockers = findings.filter(({ severity }) => severity === 'blocker');
  const first = blockers[0];
  if (!first) return undefined;
  const code = KNOWN_CODES.has(first.code) ? (first.code as FailureCode) : otherwise;
  const sql = blockers.flatMap((finding) => finding.sql ?? []).join('\n');
  const message = blockers.map((finding) => finding.message).join(' ');
  const hint = first.hint ?? 'Run the preflight to see what is needed.';
  return fail(code, message, hint, sql ? { sql } : {});
}
