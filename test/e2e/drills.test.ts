import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { processesIn } from '../../agent/drills/processes.ts';
import type { DrillReport } from '../../protocol/drill.ts';
import type { Agent } from '../support/agent.ts';
import type { ApiDatabase, ApiJob, ApiOverview, ApiSnapshot } from '../support/api-shapes.ts';
import { eventually } from '../support/eventually.ts';
import { startMariadb } from '../support/mariadb.ts';
import { addServer, backUp, protect, succeeded } from '../support/protect.ts';
import type { TestServer } from '../support/server-process.ts';
import { sharedHomeport, sharedPostgres } from './world.ts';

const homeport = sharedHomeport();
const postgres = sharedPostgres();

async function protectedDatabase(agent: Agent, server: TestServer, name: string): Promise<ApiDatabase> {
  const { api } = homeport();
  const added = await addServer(api, agent, { name: `${name}-server`, server });
  const database = await protect(api, added.id, name);
  await backUp(api, database.id);
  return database;
}

const drill = (id: string) => homeport().api.post<ApiJob>(`/databases/${id}/drill`);
const databaseNow = (id: string) => homeport().api.get<ApiDatabase>(`/databases/${id}`);
const reportOf = ({ result }: ApiJob) =>
  (result?.kind === 'drill' ? result.report : undefined) as DrillReport;

/** Where an agent's disposable servers are, as it noted before it made them. */
async function places({ state }: Agent): Promise<string[]> {
  const folder = join(state, 'drills');
  const names = await readdir(folder).catch(() => []);
  const texts = await Promise.all(
    names.filter((name) => name.endsWith('.json')).map((name) => readFile(join(folder, name), 'utf8')),
  );
  return texts.map((text) => JSON.parse(text).directory as string);
}

test('a drill counts, asks, fails for what is not so, and leaves nothing behind', async () => {
  const { api } = homeport();
  const agent = await homeport().agent('pg');
  await postgres().query('CREATE DATABASE shop');
  await postgres().query(
    `CREATE TABLE orders AS SELECT generate_series(1, 5000) AS id; CREATE TABLE customers (id int)`,
    'shop',
  );
  const { id } = await protectedDatabase(agent, postgres(), 'shop');
  expect((await databaseNow(id)).drill).toMatchObject({ verdict: null, last: null, openJobId: null });
  expect((await api.get<ApiOverview>('/overview')).drills).toEqual({ never: 1, failed: 0 });

  await api.put(`/databases/${id}/assertions`, {
    assertions: [{ name: 'Orders are there', query: 'SELECT count(*) = 5000 FROM orders' }],
  });
  const first = await drill(id);
  await expect(drill(id)).rejects.toThrow(/A drill of “shop” is queued or running/);
  const passed = await succeeded(api, first);
  expect(reportOf(passed)).toMatchObject({
    passed: true,
    tables: { compared: 2, uncounted: 0, rows: 5000 },
    differences: [],
    assertions: [{ name: 'Orders are there', outcome: 'passed', message: '' }],
  });
  const verdict = { jobId: passed.id, outcome: 'passed', snapshotId: passed.snapshotId };
  expect((await databaseNow(id)).drill).toMatchObject({ verdict, last: verdict });
  expect((await api.get<ApiSnapshot>(`/snapshots/${passed.snapshotId}`)).drill).toMatchObject(verdict);
  expect((await api.get<ApiOverview>('/overview')).drills).toEqual({ never: 0, failed: 0 });

  await api.put(`/databases/${id}/assertions`, {
    assertions: [
      { name: 'Somebody bought something', query: 'SELECT count(*) FROM customers' },
      { name: 'Nonsense', query: 'SELECT 1 FROM nowhere' },
    ],
  });
  const failed = await api.finished((await drill(id)).id);
  expect(failed).toMatchObject({ state: 'failed', failure: { code: 'drill_failed' } });
  expect(failed.failure?.message).toContain(
    'Assertion “Somebody bought something”: The query gives false or 0.',
  );
  expect(failed.failure?.message).toContain('relation "nowhere" does not exist');
  expect(reportOf(failed)).toMatchObject({ passed: false, differing: 0 });
  expect(await databaseNow(id)).toMatchObject({
    status: 'at-risk',
    statusReason: expect.stringContaining('drill failed'),
    drill: { verdict: { outcome: 'failed', jobId: failed.id } },
  });
  expect(await places(agent)).toEqual([]);
});

test('MariaDB: a good snapshot passes with its counts', async () => {
  const { api } = homeport();
  await using server = await startMariadb();
  const agent = await homeport().agent('maria');
  await server.query('CREATE DATABASE shop');
  await server.query('CREATE TABLE orders AS SELECT seq AS id FROM seq_1_to_700', 'shop');
  const { id } = await protectedDatabase(agent, server, 'shop');
  await api.put(`/databases/${id}/assertions`, {
    assertions: [{ name: 'Highest', query: 'SELECT MAX(id) = 700 FROM orders' }],
  });
  expect(reportOf(await succeeded(api, await drill(id)))).toMatchObject({
    passed: true,
    tables: { compared: 1, uncounted: 0, rows: 700 },
    assertions: [{ outcome: 'passed' }],
  });
  expect(await places(agent)).toEqual([]);
});

test('tables whose rows were left out are no fault of a snapshot', async () => {
  const { api } = homeport();
  const agent = await homeport().agent('partial');
  await postgres().query('CREATE DATABASE partial');
  await postgres().query(
    'CREATE TABLE kept AS SELECT 1 AS id; CREATE TABLE logs AS SELECT generate_series(1, 50) AS id',
    'partial',
  );
  const { id } = await protectedDatabase(agent, postgres(), 'partial');
  await api.patch(`/databases/${id}`, { selection: { include: [], exclude: ['public.logs'] } });
  await backUp(api, id);
  expect(reportOf(await succeeded(api, await drill(id)))).toMatchObject({
    passed: true,
    tables: { compared: 1, uncounted: 1, rows: 1 },
  });
});

/** A database whose restore takes its time, but nowhere else. */
async function slow(agent: Agent, name: string): Promise<ApiDatabase> {
  await postgres().query(`CREATE DATABASE ${name}`);
  await postgres().query(
    `CREATE FUNCTION wait(int) RETURNS boolean LANGUAGE sql AS
       $$ SELECT current_database() = '${name}' OR pg_sleep(600) IS NOT NULL $$;
     CREATE TABLE t (id int CHECK (wait(id))); INSERT INTO t VALUES (1)`,
    name,
  );
  return protectedDatabase(agent, postgres(), name);
}

/** Starts a drill and waits until its server is at work. */
async function atWork(agent: Agent, id: string): Promise<{ job: ApiJob; directory: string }> {
  const job = await drill(id);
  const directory = await eventually('the disposable server restores', async () => {
    const { progress, state } = await homeport().api.get<ApiJob>(`/jobs/${job.id}`);
    if (state === 'failed') throw new Error('the drill failed');
    return progress?.phase === 'restoring data' && (await places(agent))[0];
  });
  expect((await processesIn(directory)).length).toBeGreaterThan(1);
  return { job, directory };
}

test('an agent that is killed in the middle of a drill removes its server when it starts again', async () => {
  const { api } = homeport();
  const agent = await homeport().agent('killed');
  const { id } = await slow(agent, 'slow_killed');
  const { directory, job } = await atWork(agent, id);
  await agent.kill();
  expect(existsSync(directory)).toBe(true);
  agent.start();
  await agent.online();
  expect(await api.finished(job.id)).toMatchObject({ state: 'failed', failure: { code: 'lease_lost' } });
  expect(existsSync(directory)).toBe(false);
  expect(await processesIn(directory)).toEqual([]);
  expect(await places(agent)).toEqual([]);
  // That says nothing about the snapshot.
  expect((await databaseNow(id)).drill).toMatchObject({ verdict: null, last: { outcome: 'incomplete' } });
});

test('a drill that is cancelled is gone at once', async () => {
  const { api } = homeport();
  const agent = await homeport().agent('cancelled');
  const { id } = await slow(agent, 'slow_cancelled');
  const { directory, job } = await atWork(agent, id);
  await api.post(`/jobs/${job.id}/cancel`);
  expect(await api.finished(job.id)).toMatchObject({ state: 'cancelled' });
  expect(existsSync(directory)).toBe(false);
  expect(await processesIn(directory)).toEqual([]);
});
