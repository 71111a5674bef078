import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RestorePreflight } from '../../protocol/restore.ts';
import { sharedHomeport, sharedPostgres } from '../e2e/world.ts';
import type { Agent } from '../support/agent.ts';
import { refusal } from '../support/api.ts';
import type { ApiJob, ApiServer, ApiSnapshot } from '../support/api-shapes.ts';
import { addServer, backUp, protect, sealedFor, succeeded } from '../support/protect.ts';

/** An account with all rights, given for one restore where the stored one may not create databases. */
const CANARY = 'canary/8Zq+one-time=pw';
const home = sharedHomeport();
const postgres = sharedPostgres();
let agent: Agent;
let server: ApiServer;
let snapshot: ApiSnapshot;
const heard: string[] = [];
const deaf = new AbortController();

beforeAll(async () => {
  const db = postgres();
  await db.query(`CREATE ROLE humble LOGIN PASSWORD 'humble'`);
  await db.query(`CREATE ROLE mighty LOGIN SUPERUSER PASSWORD '${CANARY}'`);
  await db.query('CREATE DATABASE shop OWNER humble');
  await db.query('CREATE TABLE t AS SELECT generate_series(1, 100) AS n', 'shop');
  await db.query('ALTER TABLE t OWNER TO humble', 'shop');
  agent = await home().agent('host');
  const { api } = home();
  const connection = { user: 'humble' };
  const sealedHumble = { name: 'main', server: { ...db, password: 'humble' }, connection };
  server = await addServer(api, agent, sealedHumble);
  snapshot = (await backUp(api, (await protect(api, server.id, 'shop')).id)).snapshot;
  // Ends with the control plane, or with the tests.
  listen().catch(() => undefined);
});
afterAll(() => deaf.abort());

/** Keeps what the event stream tells. */
async function listen(): Promise<void> {
  const { key, url } = home().api;
  const headers = { authorization: `Bearer ${key}` };
  const events = await fetch(`${url}/api/v1/events`, { headers, signal: deaf.signal });
  for await (const part of events.body ?? []) heard.push(Buffer.from(part).toString());
}

function seal(change: { connection?: Record<string, unknown>; password?: string; name?: string } = {}) {
  const connection = { user: 'mighty', ...change.connection };
  const restore = { snapshotId: snapshot.id, mode: 'new', targetDatabase: 'copy' } as const;
  const wish = { serverId: server.id, server: postgres(), name: 'main', password: CANARY, restore };
  return sealedFor(home().api, agent, { ...wish, ...change, connection });
}

const plan = { mode: 'new', targetDatabase: 'copy', owners: 'keep', endSessions: false };
const order = (sealed?: string) => ({ serverId: server.id, plan, confirm: 'copy', sealed });
const path = (rest = '') => `/snapshots/${snapshot.id}/restore${rest}`;

test('the preflight answers for the account that is given', async () => {
  const { api } = home();
  const target = { serverId: server.id, targetDatabase: 'copy' };
  const verdict = async (sealed?: string) => {
    const { modes } = await api.post<RestorePreflight>(path('/preflight'), { ...target, sealed });
    return modes.find(({ mode }) => mode === 'new')?.possible;
  };
  expect(await verdict()).toBe(false);
  expect(await verdict(await seal())).toBe(true);
});

test('what was given for one restore is good for no other, and is not kept as the server’s own', async () => {
  const { api } = home();
  const sealed = await seal();
  const change = { id: server.id, agentId: agent.id, name: 'main', engine: 'postgresql', sealed };
  const kept = await refusal(api.put(`/servers/${server.id}`, change));
  expect(kept.failure.code).toBe('destination_mismatch');
  const elsewhere = { ...plan, targetDatabase: 'another' };
  const job = await api.post<ApiJob>(path(), { ...order(sealed), plan: elsewhere, confirm: 'another' });
  expect((await api.finished(job.id)).failure).toMatchObject({ code: 'destination_mismatch' });
});

test('a wrong password and another destination are told apart, and nothing begins', async () => {
  const { api } = home();
  const wrong = await refusal(api.post(path(), order(await seal({ password: 'no' }))));
  expect(wrong.failure.code).toBe('access_denied');
  const elsewhere = await seal({ connection: { host: 'localhost' } });
  expect((await refusal(api.post(path(), order(elsewhere)))).failure.code).toBe('destination_mismatch');
  const ran = (await api.get<ApiJob[]>('/jobs')).filter(({ kind }) => kind === 'restore');
  expect(ran.map(({ failure }) => failure?.code)).toEqual(['destination_mismatch']);
});

test('the restore runs as that account; afterwards nobody knows it', async () => {
  const { api, controlPlane, directory } = home();
  const sealed = await seal();
  const started = await api.post<ApiJob>(path(), order(sealed));
  const job = await succeeded(api, started);
  expect(job).toMatchObject({ oneTimeAccount: true, safetyJobId: null });
  expect(await postgres().query('SELECT count(*)::int AS n FROM t', 'copy')).toEqual([{ n: 100 }]);
  const again = await refusal(api.post(`/jobs/${job.id}/retry`));
  expect(again.status).toBe(409);
  const told = await Promise.all(
    ['/audit', '/jobs', `/jobs/${job.id}`, '/servers', '/agents'].map((one) => api.get(one)),
  );
  const secrets = [CANARY, sealed, sealed.slice(40, 140)];
  const places = { told: JSON.stringify(told), heard: heard.join('') };
  expect(places.heard).toContain(job.id);
  // Neither may write a file, or rename one, while all are read.
  await Promise.all([controlPlane.kill(), agent.kill()]);
  for (const [name, text] of Object.entries({ ...places, ...(await everyFile(directory)) })) {
    for (const secret of secrets) expect(text.includes(secret), name).toBe(false);
  }
});

/** All that control plane and agent keep: database with its log, vault, state, journals, log files. */
async function everyFile(directory: string): Promise<Record<string, Buffer>> {
  const found = await readdir(directory, { recursive: true, withFileTypes: true });
  const names = found.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name));
  expect(names.filter((name) => /sqlite|servers.*\.json|\.log/.test(name)).length).toBeGreaterThan(2);
  return Object.fromEntries(await Promise.all(names.map(async (name) => [name, await readFile(name)])));
}
