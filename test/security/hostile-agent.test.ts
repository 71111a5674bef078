import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { zstdCompressSync } from 'node:zlib';
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createBearers } from '../../control-plane/agents/bearers.ts';
import { bulkAuth } from '../../control-plane/agents/bulk-auth.ts';
import { systemClock } from '../../control-plane/clock.ts';
import { replyFailure } from '../../control-plane/http/failures.ts';
import { bulkRoutes } from '../../control-plane/routes/bulk.ts';
import { BULK_HEADERS, bulkSignature } from '../../protocol/bulk.ts';
import { toFailure } from '../../protocol/failure.ts';
import { generateVaultKey } from '../../protocol/vault/keys.ts';
import { decodeManifest } from '../../protocol/vault/manifest.ts';
import { encodeTrailer, PACK_MAGIC, PACK_MAX_CHUNKS, type PackEntry } from '../../protocol/vault/pack.ts';
import { SEAL_OVERHEAD } from '../../protocol/vault/seal.ts';
import { failureOf } from '../contract/store.ts';
import type { Fleet } from '../control-plane/vault/fleet.ts';
import { each, type World, world } from '../control-plane/vault/world.ts';

let w: World;
let fleet: Fleet;
beforeEach(async () => {
  w = await world();
  fleet = await w.enrol();
});
afterEach(() => w[Symbol.asyncDispose]());

/** The real bulk endpoints, and the head of a request to them as an enrolled agent signs it. */
async function listen() {
  const bulkKey = randomBytes(32);
  const bearers = createBearers(systemClock);
  const bearer = bearers.issue(randomUUID(), { agentId: fleet.agentId, bulkKey });
  const app = new Hono();
  app.onError((error, c) => replyFailure(c, toFailure(error)));
  app.route('/agent/v1', bulkRoutes(w.vaults.agents, bulkAuth(bearers)));
  const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const head = (path: string, length: number) => {
    const bodyHash = createHash('sha256').update('never sent').digest('hex');
    const facts = { method: 'POST', path, range: '', attempt: '1', bodyHash };
    return [
      `POST ${path} HTTP/1.1`,
      'host: x',
      `authorization: Bearer ${bearer}`,
      `${BULK_HEADERS.signature}: ${bulkSignature(bulkKey, facts)}`,
      `${BULK_HEADERS.bodyHash}: ${bodyHash}`,
      `${BULK_HEADERS.attempt}: 1`,
      `content-length: ${length}`,
      '',
      '',
    ].join('\r\n');
  };
  const [sockets, open] = [[] as ReturnType<typeof connect>[], () => connect(port, '127.0.0.1')];
  return {
    /** Sends a head without its body. */
    begin(path: string, length: number) {
      const socket = open();
      sockets.push(socket);
      socket.write(head(path, length));
      const answered = once(socket, 'data').then(([data]) => String(data).split('\r\n')[0]);
      const closed = once(socket, 'close').then(() => 'closed');
      return Promise.race([answered, closed]);
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const MiB = 1024 * 1024;

test('a manifest of no running job is refused before its body is taken into memory', async () => {
  await using bulk = await listen();
  const commit = `/agent/v1/jobs/${randomUUID()}/commit`;
  expect(await bulk.begin(commit, 200 * MiB)).toContain('409');
});

test('a manifest cannot be longer than what was uploaded warrants', async () => {
  await using bulk = await listen();
  const job = w.job(fleet);
  expect(await bulk.begin(`/agent/v1/jobs/${job.id}/commit`, 100 * MiB)).toContain('413');
});

test('of two uploads of one manifest only one stays in memory', async () => {
  await using bulk = await listen();
  const path = `/agent/v1/jobs/${w.job(fleet).id}/commit`;
  expect(await Promise.race([bulk.begin(path, MiB), bulk.begin(path, MiB)])).toBe('closed');
});

test('an agent that opens ever more requests is told to wait', async () => {
  await using bulk = await listen();
  const path = (n: number) =>
    `/agent/v1/vaults/${w.vaultId}/missing?server=${fleet.serverId}&n=${n}` as const;
  const tries = Array.from({ length: 80 }, (_, n) => bulk.begin(path(n), 32));
  expect(await Promise.any(tries)).toContain('503');
});

test('JSON made to fill memory is refused before it is parsed', async () => {
  const job = w.job(fleet);
  const bombs = [
    Buffer.from(`[${'[],'.repeat(5 * MiB)}0]`),
    Buffer.from(JSON.stringify({ manifest: `[${'{},'.repeat(5 * MiB)}0]`, signature: '' })),
    Buffer.from(`{"manifest":"[${'[]\\u002c'.repeat(4 * MiB)}0]","signature":""}`),
  ];
  for (const bomb of bombs) {
    const before = process.memoryUsage().heapUsed;
    const attempt = { jobId: job.id, attempt: 1 };
    const commit = w.vaults.agents.commit(fleet.agentId, attempt, zstdCompressSync(bomb));
    expect((await failureOf(commit)).code).toBe('manifest_invalid');
    // Parsed, each would be some 200 MiB.
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(100 * MiB);
  }
});

test('what unpacks to more than it may have is refused', async () => {
  const bomb = zstdCompressSync(Buffer.alloc(80 * MiB));
  const commit = w.vaults.agents.commit(fleet.agentId, { jobId: w.job(fleet).id, attempt: 1 }, bomb);
  expect((await failureOf(commit)).code).toBe('manifest_invalid');
  expect(() => decodeManifest(bomb, () => undefined)).toThrow('manifest_invalid');
});

test('a pack of more chunks than packs have is refused', async () => {
  const dataKey = generateVaultKey();
  w.job(fleet);
  await w.putKey(fleet, dataKey, 'data');
  const pack = (count: number) => {
    const length = SEAL_OVERHEAD + 1;
    const entries: PackEntry[] = Array.from({ length: count }, (_, i) => ({
      chunkId: randomBytes(32),
      keyId: dataKey.id,
      offset: PACK_MAGIC.length + i * length,
      length,
      rawLength: 1,
    }));
    const body = [PACK_MAGIC, Buffer.alloc(count * length), encodeTrailer(fleet.serverId, entries)];
    const sha256 = createHash('sha256').update(Buffer.concat(body)).digest('hex');
    const at = { agentId: fleet.agentId, vaultId: w.vaultId };
    return w.vaults.agents.putPack(at, { sha256, body: each(body) });
  };
  await pack(PACK_MAX_CHUNKS);
  expect((await failureOf(pack(PACK_MAX_CHUNKS + 1))).code).toBe('pack_corrupt');
});

test('an agent reads neither packs nor keys of another', async () => {
  const other = await w.enrol();
  await w.backUp(other, randomBytes(500_000));
  const [pack] = await w.files('packs');
  const name = String(pack).split('/').at(-1) ?? '';
  const at = { agentId: fleet.agentId, vaultId: w.vaultId };
  expect((await failureOf(w.vaults.agents.getPack(at, name, undefined))).code).toBe('forbidden');
  expect(() => w.vaults.agents.missing(at, other.serverId, randomBytes(32))).toThrow('forbidden');
  const job = w.job(other, { kind: 'restore' });
  const source = w.vaults.agents.source(fleet.agentId, { jobId: job.id, attempt: 1 });
  expect((await failureOf(source)).code).toBe('not_found');
  w.job(fleet);
  const theirs = w.putKey(other, generateVaultKey(), 'data', w.client(fleet));
  expect((await failureOf(theirs)).code).toBe('forbidden');
});
