import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Agent, AgentOptions } from '../support/agent.ts';
import type { ApiDatabase, ApiJob, ApiServer, ApiSnapshot } from '../support/api-shapes.ts';
import { checksums } from '../support/checksums.ts';
import { eventually } from '../support/eventually.ts';
import { createNoise } from '../support/noise.ts';
import { addServer, backUp, protect, restore, startRestore } from '../support/protect.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import { sharedHomeport, sharedPostgres } from './world.ts';

const MEGABYTES = 70;
const homeport = sharedHomeport();
const postgres = sharedPostgres();

/** A database behind a proxy that stops the dump's flow half-way, so that a crash hits the middle for sure. */
async function halfWay(
  name: string,
  agentOptions: Partial<AgentOptions> = {},
): Promise<{
  agent: Agent;
  proxy: TcpProxy;
  server: ApiServer;
  database: ApiDatabase;
  job: ApiJob;
}> {
  const { api } = homeport();
  await createNoise(postgres(), name, MEGABYTES);
  const agent = await homeport().agent(name, agentOptions);
  const proxy = await startTcpProxy({ host: '127.0.0.1', port: postgres().port });
  const connection = { port: proxy.port };
  const server = await addServer(api, agent, { name, server: postgres(), connection });
  const database = await protect(api, server.id, name);
  proxy.holdAfter(50e6);
  const job = await api.post<ApiJob>(`/databases/${database.id}/backup`);
  await eventually('the dump is held half-way, with packs in the vault', async () => {
    const now = await api.get<ApiJob>(`/jobs/${job.id}`);
    if (now.state === 'failed') throw new Error(JSON.stringify(now.failure));
    return proxy.holding() && (await packBytes()) > before.bytes + 10e6;
  });
  return { agent, proxy, server, database, job };
}

const before = { bytes: 0 };

/** Bytes of all packs on the control plane's disk, by the file system's word. */
async function packBytes(): Promise<number> {
  const root = join(homeport().controlPlane.data, 'vaults');
  const files = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => []);
  const packs = files.filter((file) => file.isFile() && /\/packs\//.test(`${file.parentPath}/`));
  const whole = packs.filter((file) => /^[0-9a-f]{64}$/.test(file.name));
  const sizes = await Promise.all(whole.map((file) => stat(join(file.parentPath, file.name))));
  return sizes.reduce((sum, { size }) => sum + size, 0);
}

test('the control plane is killed in the middle of a backup: the same attempt finishes', async () => {
  before.bytes = await packBytes();
  const { api, controlPlane } = homeport();
  const { proxy, server, database, job } = await halfWay('outage');
  await using _ = proxy;
  await controlPlane.kill();
  // The dump goes on meanwhile, into a control plane that is not there.
  proxy.mend();
  await controlPlane.start();
  expect(await api.finished(job.id)).toMatchObject({ state: 'succeeded', attempt: 1, failure: null });
  const [snapshot] = await api.get<ApiSnapshot[]>(`/snapshots?databaseId=${database.id}`);
  await restore(api, snapshot?.id ?? '', { serverId: server.id, plan: { targetDatabase: 'outage back' } });
  expect(await checksums(postgres(), 'outage back')).toEqual(await checksums(postgres(), 'outage'));
});

test('the agent is killed in the middle of a backup: no snapshot, and the retry sends only the rest', async () => {
  before.bytes = await packBytes();
  const { api } = homeport();
  const { agent, proxy, server, database, job } = await halfWay('crash');
  await using _ = proxy;
  await agent.kill();
  const uploaded = (await packBytes()) - before.bytes;
  expect(await api.get<ApiSnapshot[]>(`/snapshots?databaseId=${database.id}`)).toEqual([]);
  proxy.mend();
  agent.start();
  const finished = await api.finished(job.id);
  expect(finished).toMatchObject({ state: 'succeeded', attempt: 2 });
  expect(finished.attempts?.[0]?.state).not.toBe('succeeded');
  const result = finished.result?.kind === 'backup' ? finished.result : undefined;
  // What the first attempt left in the vault is used, whatever was on its way is sent again.
  expect(result?.reusedBytes).toBeGreaterThan(uploaded * 0.9);
  expect((await packBytes()) - before.bytes).toBeLessThan((result?.rawBytes ?? 0) * 0.85);
  const snapshots = await api.get<ApiSnapshot[]>(`/snapshots?databaseId=${database.id}`);
  expect(snapshots).toHaveLength(1);
  await restore(api, finished.snapshotId ?? '', {
    serverId: server.id,
    plan: { targetDatabase: 'crash back' },
  });
  expect(await checksums(postgres(), 'crash back')).toEqual(await checksums(postgres(), 'crash'));
});

test('the agent is killed in the middle of a restore: the next one drops what it left', async () => {
  const { api, controlPlane } = homeport();
  await using proxy = await startTcpProxy({ host: '127.0.0.1', port: controlPlane.port });
  const agent = await homeport().agent('torn', { url: `http://127.0.0.1:${proxy.port}` });
  const server = await addServer(api, agent, { name: 'torn', server: postgres() });
  await createNoise(postgres(), 'torn', 40);
  const { snapshot } = await backUp(api, (await protect(api, server.id, 'torn')).id);
  proxy.holdAfter(20e6);
  const plan = { targetDatabase: 'torn back' };
  const { id } = await startRestore(api, snapshot.id, { serverId: server.id, plan });
  const unfinished = () =>
    postgres().query(`SELECT datname FROM pg_database WHERE datname LIKE 'torn back%'`);
  const [left] = await eventually('the restore is held half-way', async () => {
    const found = await unfinished();
    return proxy.holding() && found.length > 0 && found;
  });
  await agent.kill();
  proxy.mend();
  agent.start();
  const job = await api.finished(id);
  expect(job).toMatchObject({ state: 'failed', attempt: 1, failure: { code: 'lease_lost' } });
  expect(job.failure?.hint).toContain(`“${left.datname}” was dropped`);
  expect(await unfinished()).toEqual([]);
});

test('a link between agent and control plane that breaks in the middle of a transfer stops nothing', async () => {
  before.bytes = await packBytes();
  const { api, controlPlane } = homeport();
  await using link = await startTcpProxy({ host: '127.0.0.1', port: controlPlane.port });
  const url = `http://127.0.0.1:${link.port}`;
  const { agent, proxy, server, database, job } = await halfWay('shaky', { url });
  await using _ = proxy;
  // What is left to send is one pack and more: its upload gets stuck in the middle.
  link.holdAfter(3e6, 'client');
  proxy.mend();
  await eventually('an upload is stuck', () => link.holding());
  link.cut();
  link.mend();
  expect(await api.finished(job.id)).toMatchObject({ state: 'succeeded', attempt: 1, failure: null });
  expect(
    agent
      .process()
      .output()
      .match(/connected to the control plane/g),
  ).toHaveLength(2);
  const [snapshot] = await api.get<ApiSnapshot[]>(`/snapshots?databaseId=${database.id}`);
  await restore(api, snapshot?.id ?? '', { serverId: server.id, plan: { targetDatabase: 'shaky back' } });
  expect(await checksums(postgres(), 'shaky back')).toEqual(await checksums(postgres(), 'shaky'));
});
