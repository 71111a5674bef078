import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Agent } from '../../support/agent.ts';
import { refusal } from '../../support/api.ts';
import type { ApiDatabase, ApiJob, ApiServer, ApiSnapshot } from '../../support/api-shapes.ts';
import { addServer, backUp, protect, restore, sealedFor, startRestore } from '../../support/protect.ts';
import type { Place } from './world.ts';

/** The real things of one agent, whose ids go into the paths of routes. */
export interface Fleet {
  agent: Agent;
  server: ApiServer;
  database: ApiDatabase;
  snapshot: ApiSnapshot;
  job: ApiJob;
}

/** A row that a restore elsewhere is refused for, so that the tool quotes it. */
const SCHEMA = `
CREATE FUNCTION at_home() RETURNS boolean LANGUAGE sql STABLE AS $$ SELECT current_database() = 'shop' $$;
CREATE TABLE people (id int PRIMARY KEY, secret text NOT NULL, CHECK (at_home()));
CREATE TABLE things AS SELECT generate_series(1, 2000) AS n;
`;

/** An agent with a database: added, backed up, restored, failed in every way that quotes something. */
export async function fleetStory(place: Place): Promise<Fleet> {
  const { canaries, home, postgres } = place;
  const { api } = home;
  const password = canaries.plant('database password', 'canary/8Zq+db pw="%');
  await postgres.query(`CREATE ROLE keeper LOGIN SUPERUSER PASSWORD '${password}'`);
  await postgres.query('CREATE DATABASE shop');
  await postgres.query(SCHEMA, 'shop');
  const row = canaries.plant('content of a row', 'canary row: born 1984-03-02, "ill"');
  await postgres.query('INSERT INTO people VALUES (1, $1)', 'shop', [row]);
  const agent = await enrol(place);
  const connection = { user: 'keeper' };
  const login = { server: { ...postgres, password }, connection };
  const server = await addServer(api, agent, { name: 'main', ...login });
  await tryLogins(place, { agent, server, login });
  const database = await protect(api, server.id, 'shop');
  await api.post(`/databases/${database.id}/preflight`, {});
  await policies(place, { agent, database, server });
  await api.patch(`/databases/${database.id}`, { selection: { include: [], exclude: ['things'] } });
  const { job, snapshot } = await backUp(api, database.id);
  await api.patch(`/databases/${database.id}`, { selection: null });
  await drills(place, database);
  const fleet = { agent, server, database, snapshot, job };
  await restores(place, fleet);
  await waitingJobs(place, fleet);
  return fleet;
}

async function policies(
  { home: { api } }: Place,
  { agent, database, server }: Pick<Fleet, 'agent' | 'database' | 'server'>,
): Promise<void> {
  const schedule = { timing: { kind: 'monthly', day: 'last', at: '03:00' }, timeZone: 'UTC' };
  await api.post('/policies/preview', { schedule });
  const wish = { name: 'Nightly', schedule, retention: { last: 3 }, labels: ['canary-label'] };
  await api.post('/policies/preview-retention', { schedule, retention: { last: 3 }, everywhere: true });
  const { id } = await api.post<{ id: string }>('/policies', wish);
  await api.put(`/policies/${id}`, { ...wish, everywhere: true });
  await api.put(`/databases/${database.id}/policy`, { policy: id });
  await api.put(`/servers/${server.id}/policy`, { policy: 'none' });
  await api.put(`/agents/${agent.id}/policy`, { policy: 'inherit' });
  await api.get(`/databases/${database.id}`);
  await api.get('/policies');
  await api.delete(`/policies/${id}`, { confirm: 'Nightly' });
}

/** The copy cannot be restored there, and says so without the row. */
async function drills({ home: { api } }: Place, { id }: ApiDatabase): Promise<void> {
  await api.put(`/databases/${id}/assertions`, { assertions: [{ name: 'any', query: 'SELECT true' }] });
  await api.get(`/databases/${id}/assertions`);
  const { id: jobId } = await api.post<ApiJob>(`/databases/${id}/drill`);
  expect(await api.finished(jobId)).toMatchObject({ state: 'failed', kind: 'drill' });
}

async function enrol({ canaries, home }: Place): Promise<Agent> {
  const { api } = home;
  const spare = await api.post<{ id: string; token: string }>('/enrolment-tokens', { name: 'spare' });
  canaries.plant('enrolment token', spare.token, 'POST /api/v1/enrolment-tokens');
  await api.get('/enrolment-tokens');
  await api.delete(`/enrolment-tokens/${spare.id}`);
  const agent = await home.agent('host', { env: { HOMEPORT_LOG_LEVEL: 'trace' } });
  const identity = JSON.parse(await readFile(join(agent.state, 'identity.json'), 'utf8')) as {
    signing: string;
    sealing: string;
  };
  canaries.plant('agent’s signing key', identity.signing);
  canaries.plant('agent’s sealing key', identity.sealing);
  await api.patch(`/agents/${agent.id}`, { name: 'host', labels: ['canary-label'] });
  await api.post(`/agents/${agent.id}/discover`);
  await api.post(`/agents/${agent.id}/doctor`);
  await api.get('/updates');
  return agent;
}

type Login = Parameters<typeof sealedFor>[2]['server'];

async function tryLogins(
  { canaries, home: { api } }: Place,
  {
    agent,
    login,
    server,
  }: { agent: Agent; server: ApiServer; login: { server: Login; connection: { user: string } } },
): Promise<void> {
  const wrong = canaries.plant('wrong database password', 'canary_wrong~pw<>&');
  const about = { serverId: server.id, name: 'main', ...login };
  const seal = async (change: { password?: string } = {}) => {
    const sealed = await sealedFor(api, agent, { ...about, ...change });
    canaries.plant(`sealed credentials ${sealed.length}`, sealed);
    return sealed;
  };
  const probe = { agentId: agent.id, serverId: server.id, name: 'main' };
  await api.post('/servers/probe', probe);
  const refused = await refusal(
    api.post('/servers/probe', { ...probe, sealed: await seal({ password: wrong }) }),
  );
  expect(refused.failure.code).toBe('access_denied');
  const change = { agentId: agent.id, name: 'main', engine: server.engine };
  await api.put(`/servers/${server.id}`, { ...change, sealed: await seal() });
  await api.put(`/servers/${server.id}/auto-protect`, { enabled: true });
  await api.put(`/servers/${server.id}/auto-protect`, { enabled: false });
}

/** One that succeeds, one that the target refuses row by row, one with an account of its own that is wrong. */
async function restores({ canaries, home: { api }, postgres }: Place, fleet: Fleet): Promise<void> {
  const { agent, server, snapshot } = fleet;
  const target = { serverId: server.id, targetDatabase: 'copy' };
  await api.post(`/snapshots/${snapshot.id}/restore/preflight`, target);
  const order = { serverId: server.id, plan: { targetDatabase: 'copy' } };
  const failed = await api.finished((await startRestore(api, snapshot.id, order)).id);
  // Or the tool had no occasion to quote the row.
  expect(failed).toMatchObject({ state: 'failed', failure: { code: 'restore_sql_error' } });
  expect(failed.failure?.detail).toMatch(/^CONTEXT: {2}COPY people, line 1: …/m);
  const oneTime = canaries.plant('wrong one-time password', 'canary-once only');
  const given = { snapshotId: snapshot.id, mode: 'new', targetDatabase: 'copy' } as const;
  const login = { serverId: server.id, name: 'main', server: postgres, password: oneTime, restore: given };
  const sealed = await sealedFor(api, agent, { ...login, connection: { user: 'keeper' } });
  const plan = { mode: 'new', targetDatabase: 'copy', owners: 'keep', endSessions: false };
  const body = { serverId: server.id, plan, confirm: 'copy', sealed };
  const refused = await refusal(api.post(`/snapshots/${snapshot.id}/restore`, body));
  expect(refused.failure.code).toBe('access_denied');
  await postgres.query('ALTER TABLE people DROP CONSTRAINT people_check', 'shop');
  const second = await backUp(api, fleet.database.id);
  await restore(api, second.snapshot.id, order);
  await api.patch(`/snapshots/${snapshot.id}`, { pinned: true, note: 'before the change' });
  await api.patch(`/snapshots/${snapshot.id}`, { pinned: false, note: null });
  const third = await backUp(api, fleet.database.id);
  await api.delete(`/snapshots/${second.snapshot.id}`, { confirm: third.snapshot.databaseName });
}

/** Jobs that nobody runs: their agent is away. */
async function waitingJobs({ home: { api } }: Place, { agent, database }: Fleet): Promise<void> {
  await agent.stop();
  await agent.offline();
  const job = await api.post<ApiJob>(`/databases/${database.id}/backup`);
  await api.post(`/jobs/${job.id}/cancel`);
  const again = await api.post<ApiJob>(`/jobs/${job.id}/retry`);
  await api.post(`/jobs/${again.id}/cancel`);
  agent.start();
  await agent.online();
}

/** The end of all of it. */
export async function endOfFleet(
  { home: { api } }: Place,
  { agent, database, server }: Fleet,
): Promise<void> {
  await api.delete(`/databases/${database.id}`, { confirm: database.name });
  await api.delete(`/servers/${server.id}`, { confirm: server.name });
  await api.post(`/agents/${agent.id}/revoke`, { confirm: 'host' });
}
