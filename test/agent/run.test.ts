import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunningAgent } from '../../agent/run.ts';
import type { RestorePlan } from '../../protocol/restore.ts';
import { enrolAt, runAgent, temporaryState } from '../support/agent-at-peer.ts';
import { eventually } from '../support/eventually.ts';
import { type Peer, startPeer } from '../support/peer.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { sealCredentials } from '../support/seal.ts';

const serverId = randomUUID();
const database = { id: randomUUID(), name: 'shop' };
const limits = { leaseMs: 600_000, stallMs: 60_000 };
const plan: RestorePlan = {
  mode: 'new',
  targetDatabase: 'shop_restored',
  owners: 'none',
  endSessions: false,
};

let postgres: TestPostgres;
let peer: Peer;
let state: Awaited<ReturnType<typeof temporaryState>>;
let agent: RunningAgent;
let sequence = 0;

beforeAll(async () => {
  postgres = await startPostgres();
  await postgres.query('CREATE DATABASE shop');
  await postgres.query(
    `CREATE TABLE item AS SELECT i AS id, md5(i::text) || repeat(md5((i + 1)::text), 20) AS text FROM generate_series(1, 60000) i`,
    'shop',
  );
  peer = await startPeer();
  state = await temporaryState();
  await enrolAt(peer, state.path);
  agent = await runAgent(state.path);
  await peer.online();
  await putServer();
});

afterAll(async () => {
  await agent.drain();
  await peer[Symbol.asyncDispose]();
  await state[Symbol.asyncDispose]();
  await postgres.stop();
});

async function ask(request: Record<string, unknown>) {
  const id = randomUUID();
  peer.send({ type: 'request', id, deadlineMs: 30_000, request });
  return (await peer.waitFor('reply', (message) => message.id === id)).result;
}

async function putServer() {
  const { host, port, superuser: user, password } = postgres;
  const connection = { host, port, user, tls: 'off' };
  const destination = { agentId: peer.agent.id, serverId, engine: 'postgresql' };
  const sealed = await sealCredentials(peer.agent.sealingKey, { ...destination, connection, password });
  const result = await ask({ kind: 'server.put', serverId, name: 'main', sealed });
  expect(result).toMatchObject({ ok: true, value: { id: serverId, name: 'main', engine: 'postgresql' } });
  expect(JSON.stringify(result)).not.toContain(password);
}

function backupOffer(change: Record<string, unknown> = {}) {
  sequence += 1;
  const ids = { jobId: randomUUID(), attempt: 1, snapshotId: randomUUID(), sequence };
  const vault = { id: peer.vault.id, statement: peer.vault.statement() };
  return { kind: 'backup', ...ids, ...limits, serverId, serverName: 'main', database, vault, ...change };
}

async function run(offer: { jobId: string }) {
  peer.send({ type: 'job.offer', offer });
  const { outcome } = await peer.waitFor('job.finished', ({ jobId }) => jobId === offer.jobId);
  peer.send({ type: 'job.acknowledged', jobId: offer.jobId, attempt: 1 });
  return outcome;
}

function backup(change: Record<string, unknown> = {}) {
  return run(backupOffer(change));
}

function restore(target: string) {
  const vault = { id: peer.vault.id, statement: peer.vault.statement() };
  const ids = { jobId: randomUUID(), attempt: 1, snapshotId: '' };
  const snapshotId = lastSnapshot();
  return run({
    kind: 'restore',
    ...ids,
    snapshotId,
    ...limits,
    serverId,
    vault,
    plan: { ...plan, targetDatabase: target },
  } as never);
}

function lastSnapshot(): string {
  const done = peer.received.findLast(
    (message) =>
      message.type === 'job.finished' &&
      message.outcome.state === 'succeeded' &&
      message.outcome.result.kind === 'backup',
  );
  return (done as never as { outcome: { result: { snapshotId: string } } }).outcome.result.snapshotId;
}

const checksum = (name: string) =>
  postgres.query('SELECT count(*), md5(string_agg(text, id::text ORDER BY id)) FROM item', name);

describe('a whole agent', () => {
  test('answers questions about its server', async () => {
    expect(await ask({ kind: 'server.probe', serverId })).toMatchObject({
      ok: true,
      value: { user: 'postgres' },
    });
    const listed = await ask({ kind: 'databases.list', serverId });
    expect(JSON.stringify(listed)).toContain('"shop"');
    const elsewhere = await ask({ kind: 'databases.list', serverId: randomUUID() });
    expect(elsewhere).toMatchObject({ ok: false, failure: { code: 'credentials_missing' } });
  });

  test('backs up, and restores what it backed up', async () => {
    const outcome = await backup();
    expect(outcome).toMatchObject({ state: 'succeeded', result: { kind: 'backup' } });
    expect(peer.received.some((message) => message.type === 'job.progress')).toBe(true);
    expect(await restore('shop_restored')).toMatchObject({ state: 'succeeded' });
    expect(await checksum('shop_restored')).toEqual(await checksum('shop'));
  });

  test('uploads next to nothing of an unchanged database', async () => {
    const outcome = await backup();
    const { rawBytes, storedBytes } = (outcome as never as { result: Record<string, number> }).result;
    expect(storedBytes).toBeLessThan(Number(rawBytes) / 50);
  });

  test('goes on with the same attempt when the control plane comes back', async () => {
    await postgres.query('UPDATE item SET text = reverse(text)', 'shop');
    const offer = backupOffer();
    let uploads = 0;
    peer.vault.mood.reply = (path) => {
      if (!path.includes('/packs/')) return undefined;
      uploads += 1;
      return { status: 503, body: '' };
    };
    peer.send({ type: 'job.offer', offer });
    await eventually('an upload was tried', () => uploads > 0);
    await peer.down();
    delete peer.vault.mood.reply;
    const before = peer.received.length;
    await peer.up();
    await peer.online();
    const { outcome } = await peer.waitFor('job.finished', ({ jobId }) => jobId === offer.jobId);
    expect(outcome).toMatchObject({ state: 'succeeded' });
    const after = peer.received.slice(before);
    const beat = after.find((message) => message.type === 'heartbeat');
    expect(beat).toMatchObject({ jobs: [{ jobId: offer.jobId, attempt: 1 }] });
    peer.send({ type: 'job.acknowledged', jobId: offer.jobId, attempt: 1 });
    expect(await restore('shop_after_outage')).toMatchObject({ state: 'succeeded' });
    expect(await checksum('shop_after_outage')).toEqual(await checksum('shop'));
  });

  test('reports a full disk at once', async () => {
    await postgres.query('UPDATE item SET text = md5(text) || text', 'shop');
    const failure = {
      code: 'disk_full',
      message: 'The store is full.',
      hint: 'Make room.',
      retryable: false,
    };
    peer.vault.mood.reply = (path) =>
      path.includes('/packs/') ? { status: 507, body: JSON.stringify({ error: failure }) } : undefined;
    const outcome = await backup();
    delete peer.vault.mood.reply;
    sequence -= 1; // nothing was committed
    expect(outcome).toMatchObject({ state: 'failed', failure: { code: 'disk_full' } });
  });

  test('stops a job that is cancelled and leaves nothing behind', async () => {
    const offer = backupOffer();
    const { jobId } = offer;
    let tried = false;
    peer.vault.mood.reply = (path) => {
      tried ||= path.includes('/packs/');
      return path.includes('/packs/') ? { status: 503, body: '' } : undefined;
    };
    peer.send({ type: 'job.offer', offer });
    await eventually('an upload was tried', () => tried);
    peer.send({ type: 'job.cancel', jobId, attempt: 1 });
    const { outcome } = await peer.waitFor('job.finished', (message) => message.jobId === jobId);
    peer.send({ type: 'job.acknowledged', jobId, attempt: 1 });
    delete peer.vault.mood.reply;
    sequence -= 1;
    expect(outcome).toEqual({ state: 'cancelled' });
    const sessions = await postgres.query(
      "SELECT 1 FROM pg_stat_activity WHERE datname = 'shop' AND application_name = 'pg_dump'",
    );
    expect(sessions).toEqual([]);
  });

  test('refuses an older recipient list and a sequence number it has seen', async () => {
    const vault = { id: peer.vault.id, statement: peer.vault.statement(7) };
    expect(await backup({ vault })).toMatchObject({ state: 'succeeded' });
    const untrusted = { state: 'failed', failure: { code: 'control_plane_untrusted' } };
    expect(await backup()).toMatchObject(untrusted);
    expect(await backup({ vault, sequence: 1 })).toMatchObject(untrusted);
  });
});
