import { randomUUID } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Agent } from '../support/agent.ts';
import { refusal } from '../support/api.ts';
import type { ApiJob, ApiServer, ApiSnapshot } from '../support/api-shapes.ts';
import { checksums } from '../support/checksums.ts';
import { eventually } from '../support/eventually.ts';
import { createNoise } from '../support/noise.ts';
import { freePort } from '../support/ports.ts';
import { startPostgres } from '../support/postgres.ts';
import { addServer, backUp, protect, sealedFor, startRestore } from '../support/protect.ts';
import { createShop } from '../support/shop.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { sharedHomeport, sharedPostgres } from './world.ts';

const homeport = sharedHomeport();
const postgres = sharedPostgres();
let agent: Agent;
let server: ApiServer;

beforeAll(async () => {
  agent = await homeport().agent('host');
  server = await addServer(homeport().api, agent, { name: 'db', server: postgres() });
  await createShop(postgres(), 'shop', 3000);
});

/** Command lines of everything that runs on this machine. */
async function commandLines(): Promise<string[]> {
  const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const read = (id: string) => readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => ''); // ended meanwhile
  return (await Promise.all(ids.map(read))).map((line) => line.replaceAll('\0', ' '));
}

async function probe(change: { connection?: Record<string, unknown>; password?: string }) {
  const { api } = homeport();
  const sealed = await sealedFor(api, agent, { serverId: server.id, server: postgres(), ...change });
  return (await refusal(api.post('/servers/probe', { agentId: agent.id, serverId: server.id, sealed })))
    .failure;
}

describe('a server that cannot be used', () => {
  test('wrong password', async () => {
    const failure = await probe({ password: 'wrong' });
    expect(failure.code).toBe('access_denied');
    expect(JSON.stringify(failure)).not.toContain(postgres().password);
  });

  test('closed port', async () => {
    expect(await probe({ connection: { port: await freePort() } })).toMatchObject({
      code: 'connection_refused',
    });
  });

  test('unresolvable host', async () => {
    expect(await probe({ connection: { host: 'no-such-host.invalid' } })).toMatchObject({
      code: 'unknown_host',
    });
  });

  test('credentials sealed for another server are refused', async () => {
    const { api } = homeport();
    const sealed = await sealedFor(api, agent, { serverId: randomUUID(), server: postgres() });
    const body = { id: randomUUID(), agentId: agent.id, name: 'stolen', engine: 'postgresql', sealed };
    expect((await refusal(api.post('/servers', body))).failure.code).toBe('destination_mismatch');
  });

  test('missing privilege: the backup fails and names it; nothing is recorded', async () => {
    const { api } = homeport();
    await postgres().query("CREATE ROLE poor LOGIN PASSWORD 'poor'");
    const id = randomUUID();
    const sealed = await sealedFor(api, agent, {
      serverId: id,
      server: postgres(),
      connection: { user: 'poor' },
      password: 'poor',
    });
    await api.post('/servers', { id, agentId: agent.id, name: 'poor', engine: 'postgresql', sealed });
    const database = await protect(api, id, 'shop');
    const job = await api.finished((await api.post<ApiJob>(`/databases/${database.id}/backup`)).id);
    expect(job).toMatchObject({ state: 'failed', failure: { code: 'privilege_missing' } });
    expect(await api.get(`/snapshots?databaseId=${database.id}`)).toEqual([]);
  });

  test('killed in the middle of a dump', async () => {
    const { api } = homeport();
    const doomed = await startPostgres();
    await using _ = doomed;
    await createNoise(doomed, 'doomed', 30);
    await using proxy = await startTcpProxy({ host: doomed.host, port: doomed.port });
    const entry = await addServer(api, agent, {
      name: 'doomed',
      server: doomed,
      connection: { port: proxy.port },
    });
    const database = await protect(api, entry.id, 'doomed');
    proxy.holdAfter(12e6);
    const started = await api.post<ApiJob>(`/databases/${database.id}/backup`);
    await eventually('the dump is held half-way', () => proxy.holding());
    await doomed.kill();
    proxy.mend();
    const failed = await eventually('the attempt fails', async () => {
      const job = await api.get<ApiJob>(`/jobs/${started.id}`);
      return job.attempts?.find((attempt) => attempt.failure !== null);
    });
    expect(failed.failure?.code).toBe('server_gone');
    await api.post(`/jobs/${started.id}/cancel`).catch(() => {}); // it may have given up by itself
    await api.finished(started.id);
    expect(await api.get(`/snapshots?databaseId=${database.id}`)).toEqual([]);
  });
});

describe('a vault that was tampered with', () => {
  test('a flipped bit in a pack: the restore fails, the target does not come to exist', async () => {
    const { api, controlPlane } = homeport();
    const database = await protect(api, server.id, 'shop');
    const { snapshot } = await backUp(api, database.id);
    const root = join(controlPlane.data, 'vaults');
    const files = await readdir(root, { recursive: true, withFileTypes: true });
    const packs = files.filter((file) => file.isFile() && /^[0-9a-f]{64}/.test(file.name));
    const pristine = await Promise.all(packs.map((file) => readFile(join(file.parentPath, file.name))));
    for (const [index, file] of packs.entries()) {
      const bytes = Buffer.from(pristine[index] ?? []);
      // In the first chunk's ciphertext, past key id and nonce.
      bytes[60] = (bytes[60] ?? 0) ^ 1;
      await writeFile(join(file.parentPath, file.name), bytes);
    }
    const job = await startRestore(api, snapshot.id, {
      serverId: server.id,
      plan: { targetDatabase: 'tampered' },
    });
    expect(await api.finished(job.id)).toMatchObject({ state: 'failed', failure: { code: 'pack_corrupt' } });
    expect(await postgres().query("SELECT 1 FROM pg_database WHERE datname = 'tampered'")).toEqual([]);
    for (const [index, file] of packs.entries()) {
      await writeFile(join(file.parentPath, file.name), pristine[index] ?? '');
    }
  });
});

describe('what a password does not show up in', () => {
  test('command lines, while a dump runs', async () => {
    const { api } = homeport();
    await using proxy = await startTcpProxy({ host: postgres().host, port: postgres().port });
    const connection = { port: proxy.port };
    const entry = await addServer(api, agent, { name: 'watched', server: postgres(), connection });
    await createNoise(postgres(), 'watched', 20);
    const database = await protect(api, entry.id, 'watched');
    proxy.holdAfter(5e6);
    const job = await api.post<ApiJob>(`/databases/${database.id}/backup`);
    await eventually('the dump is held half-way', () => proxy.holding());
    const lines = await commandLines();
    expect(lines.filter((line) => /pg_dump.*watched/.test(line))).not.toEqual([]);
    expect(lines.filter((line) => line.includes(postgres().password))).toEqual([]);
    proxy.mend();
    expect(await api.finished(job.id)).toMatchObject({ state: 'succeeded' });
  });

  test('logs and the control plane’s files', async () => {
    const { directory, controlPlane, api } = homeport();
    const database = await protect(api, server.id, 'shop');
    await backUp(api, database.id);
    const secret = Buffer.from(postgres().password);
    const roots = [join(directory, 'logs'), controlPlane.data];
    for (const root of roots) {
      const files = await readdir(root, { recursive: true, withFileTypes: true });
      for (const file of files.filter((entry) => entry.isFile())) {
        const bytes = await readFile(join(file.parentPath, file.name));
        expect(bytes.includes(secret), join(file.parentPath, file.name)).toBe(false);
      }
    }
    const snapshots = await api.get<ApiSnapshot[]>(`/snapshots?databaseId=${database.id}`);
    expect(snapshots.length).toBeGreaterThan(0);
    expect(Object.keys(await checksums(postgres(), 'shop')).length).toBeGreaterThan(3);
  });
});
