import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createVaultClient } from '../../../agent/connection/bulk.ts';
import {
  type BulkTransport,
  createBulkTransport,
  type WireRequest,
} from '../../../agent/connection/bulk-transport.ts';
import type { Session } from '../../../agent/connection/session.ts';
import { openSnapshot } from '../../../agent/pipeline/restore.ts';
import type { VaultClient } from '../../../agent/pipeline/vault-client.ts';
import { createBearers } from '../../../control-plane/agents/bearers.ts';
import { bulkAuth } from '../../../control-plane/agents/bulk-auth.ts';
import { systemClock } from '../../../control-plane/clock.ts';
import { replyFailure } from '../../../control-plane/http/failures.ts';
import { bulkRoutes } from '../../../control-plane/routes/bulk.ts';
import { BULK_HEADERS, bulkSignature } from '../../../protocol/bulk.ts';
import { toFailure } from '../../../protocol/failure.ts';
import { failureOf } from '../../contract/store.ts';
import { mountTmpfs } from '../../support/tmpfs.ts';
import type { Fleet } from './fleet.ts';
import { World, world } from './world.ts';

const signal = new AbortController().signal;
const bulkKey = randomBytes(32);
const bearers = createBearers(systemClock);

let w: World;
let fleet: Fleet;
let server: ReturnType<typeof serve>;
let transport: BulkTransport;
let bearer: string;
let origin: URL;

/** Serves a world's vault to one agent. */
async function listen(made: World): Promise<void> {
  w = made;
  fleet = await w.enrol();
  const app = new Hono();
  app.onError((error, c) => replyFailure(c, toFailure(error)));
  app.route('/agent/v1', bulkRoutes(w.vaults.agents, bulkAuth(bearers)));
  server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' });
  await once(server, 'listening');
  origin = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  transport = createBulkTransport(origin);
  bearer = bearers.issue(randomUUID(), { agentId: fleet.agentId, bulkKey });
}

async function close(): Promise<void> {
  transport.close();
  server.close();
  await once(server, 'close');
  await w[Symbol.asyncDispose]();
}

beforeEach(async () => listen(await world()));
afterEach(close);

/** The agent's own client, without waiting for better times. */
function client(): VaultClient {
  const session = { bearer, bulkKey } as Session;
  return createVaultClient(w.vaultId, transport, (call) => call(session));
}

/** A request as the agent signs it, with anything in it changed. */
function send(
  request: Partial<WireRequest> & { path: string; bodyHash?: string; key?: Buffer; attempt?: string },
) {
  const { method = 'PUT', body = [], key = bulkKey, attempt = '' } = request;
  const bodyHash = request.bodyHash ?? createHash('sha256').update(Buffer.concat(body)).digest('hex');
  const path = `/agent/v1${request.path}`;
  const headers = {
    authorization: `Bearer ${bearer}`,
    [BULK_HEADERS.signature]: bulkSignature(key, { method, path, range: '', attempt, bodyHash }),
    [BULK_HEADERS.bodyHash]: bodyHash,
    ...(attempt ? { [BULK_HEADERS.attempt]: attempt } : {}),
  };
  return transport.exchange({ method, path, headers, body, replyLimit: 1e6, idleMs: 5000 }, signal);
}

async function refusal(request: Parameters<typeof send>[0]) {
  const { status, body } = await send(request);
  return `${status} ${JSON.parse(body.toString()).error?.code}`;
}

test('a backup goes up and a restore comes down over HTTP, both signed', async () => {
  const dump = randomBytes(4_000_000);
  const { snapshotId } = await w.backUp(fleet, dump, { client: client() });
  const job = w.job(fleet, { kind: 'restore', snapshotId, sequence: null });
  const statement = JSON.parse(JSON.parse(w.vaults.service.statementOf(w.vaultId)).statement);
  const opened = await openSnapshot({
    source: await client().source({ jobId: job.id, attempt: 1 }, signal),
    signingKey: statement.signingKey,
    sealingIdentity: fleet.sealingIdentity,
    expected: { snapshotId, vaultId: w.vaultId },
    vault: client(),
    signal,
    onProgress: () => {},
  });
  expect(dump.equals(Buffer.concat(await Array.fromAsync(opened.open('dump'))))).toBe(true);
});

test('nothing is done without a signature by the live connection', async () => {
  const path = `/vaults/${w.vaultId}/missing?server=${fleet.serverId}`;
  const body = [randomBytes(32)];
  w.job(fleet);
  expect((await send({ method: 'POST', path, body })).status).toBe(200);
  expect(await refusal({ method: 'POST', path, body, key: randomBytes(32) })).toBe('401 unauthorized');
  const other = createHash('sha256').update('other').digest('hex');
  expect(await refusal({ method: 'POST', path, body, bodyHash: other })).toBe('401 unauthorized');
  bearers.drop(fleet.agentId);
  expect(await refusal({ method: 'POST', path, body })).toBe('401 unauthorized');
});

test('bodies and names are bounded', async () => {
  const vault = `/vaults/${w.vaultId}`;
  const job = w.job(fleet);
  const missing = `${vault}/missing?server=${fleet.serverId}`;
  const tooLarge = '413 message_too_large';
  expect(await refusal({ method: 'POST', path: missing, body: [Buffer.alloc(4097 * 32)] })).toBe(tooLarge);
  expect(await refusal({ method: 'POST', path: missing, body: [Buffer.alloc(31)] })).toBe(
    '400 invalid_input',
  );
  const nowhere = `${vault}/missing?server=../../x`;
  expect(await refusal({ method: 'POST', path: nowhere, body: [Buffer.alloc(32)] })).toBe(
    '400 invalid_input',
  );
  const key = `${vault}/keys/${'ab'.repeat(16)}`;
  expect(await refusal({ path: key, body: [Buffer.alloc(65 * 1024)] })).toBe(tooLarge);
  const pack = Buffer.alloc(33 * 1024 * 1024);
  const bodyHash = createHash('sha256').update(pack).digest('hex');
  expect(await refusal({ path: `${vault}/packs/${bodyHash}`, body: [pack], bodyHash })).toBe(tooLarge);
  expect(await refusal({ path: `${vault}/packs/${'ab'.repeat(32)}`, body: [pack] })).toBe(
    '400 invalid_input',
  );
  for (const bad of [`${vault}/packs/..%2f..%2fvault.json`, `${vault}/keys/x`, '/vaults/x/missing'])
    expect((await send({ path: bad })).status).toBe(404);
  const unknown = `/vaults/${randomUUID()}/packs/${bodyHash}`;
  const lost = await refusal({ path: unknown, body: [pack.subarray(0, 10)], bodyHash });
  expect(lost).toBe('404 not_found');
  const commit = { method: 'POST', path: `/jobs/${job.id}/commit`, body: [Buffer.from('x')] } as const;
  expect(await refusal(commit)).toBe('400 invalid_input');
  expect(await refusal({ ...commit, attempt: '2' })).toBe('409 lease_lost');
  expect(await refusal({ ...commit, attempt: '1' })).toBe('400 manifest_invalid');
});

test('an upload that breaks off leaves nothing and the next one succeeds', async () => {
  const bytes = randomBytes(2_000_000);
  w.job(fleet);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const path = `/agent/v1/vaults/${w.vaultId}/packs/${sha256}`;
  const facts = { method: 'PUT', path, range: '', attempt: '', bodyHash: sha256 };
  const socket = connect(Number(origin.port), '127.0.0.1');
  const lines = [
    `PUT ${path} HTTP/1.1`,
    'host: x',
    `authorization: Bearer ${bearer}`,
    `${BULK_HEADERS.signature}: ${bulkSignature(bulkKey, facts)}`,
    `${BULK_HEADERS.bodyHash}: ${sha256}`,
    `content-length: ${bytes.length}`,
    '',
    '',
  ];
  socket.write(lines.join('\r\n'));
  socket.write(bytes.subarray(0, 1_500_000));
  const staging = join(w.storePath, '.staging');
  await expect.poll(() => readdir(staging).catch(() => [])).toHaveLength(1);
  socket.destroy();
  await expect.poll(() => readdir(staging)).toEqual([]);
  const { snapshotId } = await w.backUp(fleet, bytes, { client: client() });
  expect(w.vaults.service.snapshot(snapshotId)?.rawBytes).toBe(bytes.length);
});

test('a full disk is said, and room made later is used', async () => {
  await close();
  const dataDir = await mkdtemp(join(tmpdir(), 'homeport-full-'));
  await using _small = await mountTmpfs(join(dataDir, 'vaults'), 8);
  const small = new World(dataDir);
  await small.start();
  await listen(small);
  const ballast = join(dataDir, 'vaults', 'ballast');
  await writeFile(ballast, Buffer.alloc(6_000_000));
  const dump = randomBytes(3_000_000);
  w.job(fleet);
  expect((await failureOf(w.upload(fleet, dump, client()))).code).toBe('disk_full');
  expect(await readdir(join(w.storePath, '.staging'))).toEqual([]);
  await rm(ballast);
  const { snapshotId } = await w.backUp(fleet, dump, { client: client() });
  expect(w.vaults.service.snapshot(snapshotId)?.rawBytes).toBe(dump.length);
});
