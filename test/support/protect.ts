import { randomUUID } from 'node:crypto';
import type { RestoreBinding } from '../../protocol/credentials.ts';
import type { RestorePlan } from '../../protocol/restore.ts';
import type { Agent } from './agent.ts';
import type { Api } from './api.ts';
import type { ApiDatabase, ApiJob, ApiServer, ApiSnapshot } from './api-shapes.ts';
import { sealCredentials } from './seal.ts';
import type { TestServer } from './server-process.ts';

/** Seals what a form would hold for `server`, to one agent. `change` overrides parts, to make it wrong. */
export async function sealedFor(
  api: Api,
  agent: Pick<Agent, 'id'>,
  input: {
    serverId: string;
    server: TestServer;
    name?: string;
    connection?: Record<string, unknown>;
    password?: string;
    /** For credentials that are given for one restore. */
    restore?: RestoreBinding;
  },
): Promise<string> {
  const { sealingKey } = await api.get<{ sealingKey: string }>(`/agents/${agent.id}`);
  const { server } = input;
  return sealCredentials(sealingKey, {
    agentId: agent.id,
    serverId: input.serverId,
    ...(input.name === undefined ? {} : { name: input.name }),
    engine: server.engine,
    connection: {
      host: server.host,
      port: server.port,
      user: server.superuser,
      tls: 'off',
      ...input.connection,
    },
    password: input.password ?? server.password,
    ...(input.restore ? { restore: input.restore } : {}),
  });
}

/** Adds a database server to an agent by the API, credentials sealed as in the browser. */
export async function addServer(
  api: Api,
  agent: Pick<Agent, 'id'>,
  input: { name: string; server: TestServer; connection?: Record<string, unknown> },
): Promise<ApiServer> {
  const id = randomUUID();
  const sealed = await sealedFor(api, agent, { ...input, serverId: id });
  return api.post('/servers', {
    id,
    agentId: agent.id,
    name: input.name,
    engine: input.server.engine,
    sealed,
  });
}

/** Puts one database under protection. */
export async function protect(api: Api, serverId: string, name: string): Promise<ApiDatabase> {
  const databases = await api.post<ApiDatabase[]>('/databases', { serverId, names: [name] });
  const made = databases.find((database) => database.name === name);
  if (!made) throw new Error(`POST /databases did not give “${name}” back.`);
  return made;
}

/** Backs up and gives the snapshot; throws what the job failed of. */
export async function backUp(api: Api, databaseId: string): Promise<{ job: ApiJob; snapshot: ApiSnapshot }> {
  const job = await succeeded(api, await api.post<ApiJob>(`/databases/${databaseId}/backup`));
  return { job, snapshot: await api.get<ApiSnapshot>(`/snapshots/${job.snapshotId}`) };
}

/** Where a snapshot goes and how, in the words of the API; what is left out has its default. */
export interface RestoreOrder {
  serverId: string;
  plan: Pick<RestorePlan, 'targetDatabase'> & Partial<RestorePlan>;
  safetySnapshot?: boolean;
}

/** Restores a snapshot as its plan says; defaults: a new database, owners kept. */
export async function restore(api: Api, snapshotId: string, input: RestoreOrder): Promise<ApiJob> {
  return succeeded(api, await startRestore(api, snapshotId, input));
}

/** Starts a restore and gives its job without waiting. */
export function startRestore(api: Api, snapshotId: string, input: RestoreOrder): Promise<ApiJob> {
  const plan = { mode: 'new', owners: 'keep', endSessions: false, ...input.plan };
  const body = { ...input, plan, confirm: plan.targetDatabase };
  return api.post<ApiJob>(`/snapshots/${snapshotId}/restore`, body);
}

/** Waits for a job's end and insists on success. */
export async function succeeded(api: Api, started: ApiJob): Promise<ApiJob> {
  const job = await api.finished(started.id);
  if (job.state === 'succeeded') return job;
  throw new Error(`${job.kind} ${job.id} ${job.state}: ${JSON.stringify(job.failure)}`);
}
