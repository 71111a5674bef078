import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Agent } from '../support/agent.ts';
import type { Api } from '../support/api.ts';
import type { ApiDatabase, ApiServer, ApiSnapshot } from '../support/api-shapes.ts';
import { checksums } from '../support/checksums.ts';
import { eventually } from '../support/eventually.ts';
import { addServer, backUp, protect, restore } from '../support/protect.ts';
import { changeShop, createShop } from '../support/shop.ts';
import { runTool } from '../support/tool.ts';
import { sharedHomeport, sharedPostgres } from './world.ts';

const homeport = sharedHomeport();
const postgres = sharedPostgres();

describe('a database from enrolment to restore', () => {
  let agent: Agent;
  let server: ApiServer;
  let database: ApiDatabase;
  let before: Record<string, string>;
  let after: Record<string, string>;
  let first: ApiSnapshot;
  let second: ApiSnapshot;

  beforeAll(async () => {
    await createShop(postgres(), 'shop', 20_000);
    agent = await homeport().agent('first');
    server = await addServer(homeport().api, agent, { name: 'db', server: postgres() });
    database = await protect(homeport().api, server.id, 'shop');
    before = await checksums(postgres(), 'shop');
    first = (await backUp(homeport().api, database.id)).snapshot;
    await changeShop(postgres(), 'shop');
    after = await checksums(postgres(), 'shop');
    second = (await backUp(homeport().api, database.id)).snapshot;
  });

  test('each snapshot restored as a new database holds what the database held then', async () => {
    expect(after).not.toEqual(before);
    for (const [snapshot, name, expected] of [
      [first, 'shop at first', before],
      [second, 'shop-2', after],
    ] as const) {
      await restore(homeport().api, snapshot.id, { serverId: server.id, plan: { targetDatabase: name } });
      expect(await checksums(postgres(), name)).toEqual(expected);
    }
    expect(second.sequence).toBeGreaterThan(first.sequence);
  });

  test('an unchanged database costs next to nothing to back up again', async () => {
    const { job, snapshot } = await backUp(homeport().api, database.id);
    expect(snapshot.rawBytes).toBeGreaterThan(1e6);
    expect(snapshot.storedBytes).toBeLessThan(snapshot.rawBytes * 0.05);
    expect(job.result).toMatchObject({ kind: 'backup', snapshotId: snapshot.id });
  });

  test('a swap puts the snapshot in place and keeps the present database', async () => {
    await postgres().query('CREATE DATABASE live TEMPLATE shop');
    const job = await restore(homeport().api, first.id, {
      serverId: server.id,
      plan: { targetDatabase: 'live', mode: 'swap', endSessions: true },
    });
    const kept = job.result?.kind === 'restore' ? job.result.report.keptAs : undefined;
    expect(kept).toMatch(/^live_before_/);
    expect(await checksums(postgres(), 'live')).toEqual(before);
    expect(await checksums(postgres(), kept ?? '')).toEqual(after);
  });

  test('a snapshot goes to another server on another agent', async () => {
    const elsewhere = await homeport().agent('second');
    const target = await addServer(homeport().api, elsewhere, { name: 'elsewhere', server: postgres() });
    await restore(homeport().api, first.id, {
      serverId: target.id,
      plan: { targetDatabase: 'moved', owners: 'none' },
    });
    expect(await checksums(postgres(), 'moved')).toEqual(before);
    await elsewhere.stop();
  });

  test('a download is a native dump that stock pg_restore takes', async () => {
    const response = await homeport().api.fetch(`/snapshots/${second.id}/download`);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-disposition')).toMatch(/attachment.*shop.*\.dump/);
    const dump = Buffer.from(await response.arrayBuffer());
    await postgres().query('CREATE DATABASE stock');
    const tool = await runTool('pg_restore', ['--exit-on-error', '--dbname=stock'], postgres(), dump);
    expect(tool).toEqual({ code: 0, stderr: '' });
    expect(await checksums(postgres(), 'stock')).toEqual(after);
  });

  test('a restore onto an existing name is refused and touches nothing', async () => {
    const body = {
      serverId: server.id,
      plan: { mode: 'new', targetDatabase: 'shop', owners: 'keep', endSessions: false },
      confirm: 'shop',
    };
    const refused = homeport().api.post(`/snapshots/${first.id}/restore`, body);
    await expect(refused).rejects.toMatchObject({ status: 422, failure: { code: 'restore_not_possible' } });
    expect(await checksums(postgres(), 'shop')).toEqual(after);
  });

  test('the index is lost and rebuilt from the store alone; then a restore works', async () => {
    const { controlPlane } = homeport();
    await controlPlane.stop();
    for (const suffix of ['', '-wal', '-shm']) {
      await rm(join(controlPlane.data, `homeport.sqlite${suffix}`), { force: true });
    }
    await controlPlane.cli('vault', 'rebuild');
    await controlPlane.start();
    const api = await controlPlane.claim();
    const snapshots = await api.get<ApiSnapshot[]>('/snapshots');
    expect(snapshots.map((snapshot) => snapshot.id)).toEqual(expect.arrayContaining([first.id, second.id]));
    await agentOnline(api, agent.id);
    const name = `rebuilt ${randomUUID().slice(0, 8)}`;
    await restore(api, first.id, { serverId: server.id, plan: { targetDatabase: name } });
    expect(await checksums(postgres(), name)).toEqual(before);
  });
});

async function agentOnline(api: Api, id: string): Promise<void> {
  await eventually('the agent is back', async () => {
    const agents = await api.get<{ id: string; state: string }[]>('/agents');
    return agents.some((one) => one.id === id && one.state === 'online');
  });
}
