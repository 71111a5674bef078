import pg from 'pg';
import { beforeAll, expect, test } from 'vitest';
import type { BackupPreflight } from '../../protocol/restore.ts';
import { type ApiError, refusal } from '../support/api.ts';
import type { ApiDatabase, ApiJob, ApiServer, ApiSnapshot } from '../support/api-shapes.ts';
import { eventually } from '../support/eventually.ts';
import { addServer, backUp, protect, succeeded } from '../support/protect.ts';
import { sharedHomeport, sharedPostgres } from './world.ts';

/** Restores in place with a safety snapshot, and backups that leave rows out, over real processes. */
const home = sharedHomeport();
const postgres = sharedPostgres();
let server: ApiServer;
let shop: ApiDatabase;
let snapshot: ApiSnapshot;

beforeAll(async () => {
  const { api } = home();
  const db = postgres();
  for (const name of ['shop', 'other']) await db.query(`CREATE DATABASE ${name}`);
  await db.query(`CREATE TABLE t AS SELECT 'shop' AS what; CREATE TABLE log AS SELECT 1 AS n`, 'shop');
  await db.query(`CREATE TABLE t AS SELECT 'other' AS what`, 'other');
  const agent = await home().agent('host');
  server = await addServer(api, agent, { name: 'main', server: db });
  shop = await protect(api, server.id, 'shop');
  snapshot = (await backUp(api, shop.id)).snapshot;
});

function inPlace(id: string, targetDatabase: string, safetySnapshot = true): Promise<ApiJob> {
  const plan = { mode: 'in-place', targetDatabase, owners: 'keep', endSessions: false };
  const order = { serverId: server.id, plan, confirm: targetDatabase, safetySnapshot };
  return home().api.post<ApiJob>(`/snapshots/${id}/restore`, order);
}

async function whatIsIn(database: string): Promise<string> {
  return (await postgres().query('SELECT what FROM t', database))[0].what;
}

test('a target nobody protects is known by its safety snapshot, which brings it back', async () => {
  const { api } = home();
  const job = await succeeded(api, await inPlace(snapshot.id, 'other'));
  expect(await whatIsIn('other')).toBe('shop');
  const safety = await api.get<ApiSnapshot>(`/snapshots/${job.safetySnapshotId}`);
  expect(safety).toMatchObject({ databaseName: 'other', beforeRestoreJobId: job.id, partial: false });
  const known = await api.get<(ApiDatabase & { protected: boolean })[]>(`/databases?serverId=${server.id}`);
  const other = known.find(({ name }) => name === 'other');
  expect(other).toMatchObject({ protected: false, snapshotCount: 1, status: 'unprotected' });
  expect(await api.get(`/jobs/${job.safetyJobId}`)).toMatchObject({ safetyForJobId: job.id });
  const again: ApiError = await refusal(api.post(`/databases/${other?.id}/backup`));
  expect(again.status).toBe(409);
  await succeeded(api, await inPlace(safety.id, 'other', false));
  expect(await whatIsIn('other')).toBe('other');
});

test('the restore still follows its safety snapshot when the control plane dies between the two', async () => {
  const { api, controlPlane } = home();
  await postgres().query(`UPDATE t SET what = 'changed'`, 'shop');
  const { host, password, port, superuser: user } = postgres();
  const holder = new pg.Client({ host, port, user, password, database: 'shop' });
  await holder.connect();
  const jobs = async () => {
    // The dump waits for this table as long as somebody else holds it.
    await holder.query('BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE');
    const { id, safetyJobId } = await inPlace(snapshot.id, 'shop');
    await eventually(
      'the safety snapshot is being taken',
      async () => (await api.get<ApiJob>(`/jobs/${safetyJobId}`)).state === 'running',
    );
    expect((await api.get<ApiJob>(`/jobs/${id}`)).state).toBe('queued');
    await controlPlane.kill();
    return { id, safetyJobId };
  };
  const { id, safetyJobId } = await jobs().finally(() => holder.end());
  await controlPlane.start();
  const safety = await api.finished(String(safetyJobId));
  expect(safety).toMatchObject({ state: 'succeeded' });
  expect(await succeeded(api, await api.get<ApiJob>(`/jobs/${id}`))).toMatchObject({
    safetySnapshotId: safety.snapshotId,
  });
  expect(await whatIsIn('shop')).toBe('shop');
});

test('what cannot be asked for is refused before anything begins', async () => {
  const { api } = home();
  const plan = { targetDatabase: 'shop', owners: 'keep', endSessions: false };
  const wrong = [
    [{ plan: { ...plan, mode: 'swap' }, safetySnapshot: true }, /safetySnapshot/],
    [{ plan: { ...plan, mode: 'in-place', switches: ['enable-events'] } }, /plan\.switches/],
    [{ plan: { ...plan, mode: 'in-place', owners: 'map' } }, /plan\.mapTo/],
  ] as const;
  const before = await api.get<ApiJob[]>('/jobs');
  for (const [order, message] of wrong) {
    const body = { serverId: server.id, confirm: 'shop', ...order };
    const { failure, status } = await refusal(api.post(`/snapshots/${snapshot.id}/restore`, body));
    expect({ status, message: failure.message }).toEqual({
      status: 400,
      message: expect.stringMatching(message),
    });
  }
  expect(await api.get('/jobs')).toEqual(before);
});

test('a selection is tried, saved, followed, noted in the audit log and taken back', async () => {
  const { api } = home();
  const path = `/databases/${shop.id}`;
  const codes = async (body?: object) =>
    (await api.post<BackupPreflight>(`${path}/preflight`, body)).findings.map(({ code }) => code);
  const selection = { include: [], exclude: [' public.log ', 'public.log'] };
  expect(await codes({ selection })).toContain('rows_left_out');
  expect(await codes()).not.toContain('rows_left_out');
  expect(await api.patch(path, { selection })).toMatchObject({
    selection: { include: [], exclude: ['public.log'] },
  });
  expect(await codes()).toContain('rows_left_out');
  expect(await codes({ selection: null })).not.toContain('rows_left_out');
  const partial = (await backUp(api, shop.id)).snapshot;
  expect(partial).toMatchObject({ partial: true, catalog: { leftOut: ['public.log'] } });
  const entries = await api.get<{ action: string; details: unknown }[]>('/audit');
  expect(entries.find(({ action }) => action === 'database.selection')).toMatchObject({
    details: { exclude: ['public.log'] },
  });
  expect(await api.patch(path, { selection: { include: [], exclude: [] } })).toMatchObject({
    selection: null,
  });
  expect((await backUp(api, shop.id)).snapshot).toMatchObject({ partial: false });
});
