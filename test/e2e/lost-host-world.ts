import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { onTestFinished } from 'vitest';
import { type Agent, startAgent } from '../support/agent.ts';
import type { Api } from '../support/api.ts';
import type { ApiJob, ApiSnapshot } from '../support/api-shapes.ts';
import { eventually } from '../support/eventually.ts';
import { type Homeport, startHomeport } from '../support/harness.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { addServer, backUp, protect } from '../support/protect.ts';
import { changeShop, createShop } from '../support/shop.ts';

/** A Homeport with one agent, whose server has a shop that was backed up twice. */
export async function shopWorld({ orders }: { orders: number }) {
  const homeport = await startHomeport();
  onTestFinished(({ task }) => homeport.stop({ keep: task.result?.state === 'fail' }));
  const postgres = await startPostgres();
  onTestFinished(() => postgres.stop());
  const { api } = homeport;
  await createShop(postgres, 'shop', orders);
  const agent = await homeport.agent('db-host');
  const server = await addServer(api, agent, { name: 'main', server: postgres });
  const database = await protect(api, server.id, 'shop');
  const first = (await backUp(api, database.id)).snapshot;
  await changeShop(postgres, 'shop');
  const second = (await backUp(api, database.id)).snapshot;
  return { homeport, postgres, api, agent, server, database, snapshots: [first, second] as const };
}

/** Begins a backup that waits at a locked table until the lock's holder goes. */
export async function heldBackup(api: Api, postgres: TestPostgres, databaseId: string) {
  const { host, password, port, superuser } = postgres;
  const holder = new pg.Client({ host, port, user: superuser, password, database: 'shop' });
  await holder.connect();
  await holder.query('BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE');
  const { id } = await api.post<ApiJob>(`/databases/${databaseId}/backup`);
  await eventually('the backup runs', async () => (await api.get<ApiJob>(`/jobs/${id}`)).state === 'running');
  return { jobId: id, release: () => holder.end() };
}

/** The host burns down: nothing of the agent is left. */
export async function burnDown(agent: Agent): Promise<void> {
  await agent.kill();
  await rm(agent.state, { recursive: true });
  await agent.offline();
}

/** An agent on another host, with a state directory of its own, takes the place of a lost one. */
export async function successor(
  homeport: Homeport,
  lost: Agent,
  options: { confirm?: string; anew?: boolean; policy?: string } = {},
) {
  const { anew = false, confirm, policy } = options;
  const state = join(homeport.directory, 'agents', 'new-host');
  const logDirectory = join(homeport.directory, 'logs');
  const config = join(homeport.directory, 'agent.toml');
  await mkdir(state, { recursive: true });
  await writeFile(config, policy ?? '');
  const next = await startAgent({
    ...{ name: 'new-host', state, logDirectory, api: homeport.api },
    env: { HOMEPORT_AGENT_CONFIG: config },
    successorOf: { id: lost.id, anew, ...(confirm ? { confirm } : {}) },
  });
  onTestFinished(() => next.kill());
  return next;
}

/** The log of the job that made a snapshot. */
export async function logOf(api: Api, { id }: ApiSnapshot): Promise<string> {
  const jobs = await api.get<ApiJob[]>('/jobs');
  const made = jobs.find(({ kind, snapshotId }) => kind === 'backup' && snapshotId === id);
  const { log = [] } = await api.get<ApiJob>(`/jobs/${made?.id}`);
  return log.map(({ text }) => text).join('\n');
}
