import type { DoctorReport } from '../../protocol/doctor.ts';
import { fail } from '../../protocol/failure.ts';
import type { AgentRequest, RequestKind, RequestOf, ValueOf } from '../../protocol/messages.ts';
import { EVERYTHING } from '../../protocol/selection.ts';
import { type DiscoveryParts, discoverServers } from '../discovery/discover.ts';
import type { OperationContext } from '../engines/driver.ts';
import { enforceHostOnly, serverForRestore } from '../jobs/account.ts';
import { type JobParts, openServer } from '../jobs/parts.ts';
import { databaseAllowed, enforcePolicy } from '../jobs/policy.ts';
import { openSealedCredentials, type StoredServer } from '../state/servers.ts';

type Parts = Pick<JobParts, 'agentId' | 'identity' | 'policy' | 'servers' | 'driverFor'> &
  Pick<DiscoveryParts, 'containerSockets'> & {
    /** Looks at all the agent needs. */
    examine(): Promise<DoctorReport>;
    /** Fetches and checks that version, then has it put in place. */
    update(version: string, signal: AbortSignal): Promise<void>;
  };
type Answers = {
  [K in RequestKind]: (request: RequestOf<K>, signal: AbortSignal) => Promise<ValueOf<K>>;
};

const HOST_ONLY =
  'The agent’s local policy takes servers on its own host only: run “homeport-agent server add” there.';

/** Answers the closed set of questions a control plane may ask. */
export function createAnswers(
  parts: Parts,
): (request: AgentRequest, signal: AbortSignal) => Promise<unknown> {
  const { servers } = parts;
  const answers: Answers = {
    'server.probe': async ({ serverId, sealed }, signal) => {
      if (sealed) enforceHostOnly(parts);
      const server = sealed ? await unseal(parts, serverId, sealed) : await servers.get(serverId);
      const { driver, target } = openServer(parts, server);
      return driver.probe(target, contextOf(signal));
    },
    'server.put': async ({ serverId, name, sealed }) => {
      enforceHostOnly(parts);
      const { sealedName, ...server } = await unseal(parts, serverId, sealed);
      parts.driverFor(server.engine).parseConnection(server.connection);
      requireName(parts, name, sealedName);
      await refuseRename(parts, serverId, name);
      return servers.put({ ...server, name });
    },
    'server.remove': async ({ serverId }) => {
      enforceHostOnly(parts);
      await servers.remove(serverId);
      return {};
    },
    'databases.list': async ({ serverId }, signal) => {
      const server = await servers.get(serverId);
      const { driver, target } = openServer(parts, server);
      const databases = await driver.listDatabases(target, contextOf(signal));
      const allowed = ({ name }: { name: string }) =>
        databaseAllowed(parts.policy, { server: server.name, database: name });
      return { databases: databases.filter(allowed) };
    },
    'backup.preflight': async ({ serverId, database, selection = EVERYTHING }, signal) => {
      const server = await servers.get(serverId);
      enforcePolicy(parts.policy, { kind: 'backup', server: server.name, database });
      const { driver, target } = openServer(parts, server);
      return driver.preflightBackup(target, { database, selection }, contextOf(signal));
    },
    'restore.preflight': async ({ serverId, plan, sealed, source }, signal) => {
      const server = await serverForRestore(parts, { serverId, sealed });
      enforcePolicy(parts.policy, { kind: 'restore', server: server.name, database: plan.targetDatabase });
      const { driver, target } = openServer(parts, server);
      const { serverVersion, requirements, objectCounts } = source;
      const input = { plan, source: { serverVersion, catalog: { requirements, objectCounts } } };
      return driver.preflightRestore(target, input, contextOf(signal));
    },
    'servers.discover': async (_request, signal) => {
      const found = await discoverServers(parts, signal);
      if (parts.policy.servers !== 'host-only') return found;
      return { ...found, notes: [HOST_ONLY, ...found.notes].slice(0, 20) };
    },
    doctor: () => parts.examine(),
    update: async ({ version }, signal) => {
      await parts.update(version, signal);
      return {};
    },
  };
  return (request, signal) =>
    (answers[request.kind] as (request: AgentRequest, signal: AbortSignal) => Promise<unknown>)(
      request,
      signal,
    );
}

/** Lines and phases of a question have no reader. */
function contextOf(signal: AbortSignal): OperationContext {
  return { signal, log: () => undefined, phase: () => undefined };
}

async function unseal(
  parts: Parts,
  serverId: string,
  sealed: string,
): Promise<StoredServer & { sealedName: string | undefined }> {
  const { sealingIdentity } = parts.identity;
  const credentials = await openSealedCredentials(sealed, sealingIdentity, {
    agentId: parts.agentId,
    serverId,
  });
  if (credentials.restore) {
    throw fail(
      'destination_mismatch',
      'The sealed credentials were given for one restore alone.',
      'Type the password again for this server.',
    );
  }
  const { engine, connection, password, name: sealedName } = credentials;
  return { id: serverId, name: serverId, engine, connection, password, sealedName };
}

/**
 * Who typed the password says what the server is called: a blob kept by the control plane cannot come back under
 * the name of a server that a policy allows more for.
 */
function requireName(parts: Parts, name: string, sealedName: string | undefined): void {
  if (sealedName === name) return;
  if (sealedName === undefined && !parts.policy.databases) return;
  throw fail(
    'destination_mismatch',
    `The sealed credentials were not made for a server called “${name}”.`,
    'Type the password again for this server.',
  );
}

/** Allowed databases are written with server names, so those are not the control plane's to change. */
async function refuseRename(parts: Parts, serverId: string, name: string): Promise<void> {
  if (!parts.policy.databases) return;
  const known = (await parts.servers.list()).find(({ id }) => id === serverId);
  if (!known || known.name === name) return;
  throw fail(
    'policy_denied',
    `The local policy names databases by server, so “${known.name}” cannot be renamed from here.`,
    'Rename it on the agent’s host: remove it and add it again with “homeport-agent server”.',
  );
}
