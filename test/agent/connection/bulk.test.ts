import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../../agent/clock.ts';
import { createVaultClient } from '../../../agent/connection/bulk.ts';
import { createBulkTransport } from '../../../agent/connection/bulk-transport.ts';
import { createConnection } from '../../../agent/connection/connection.ts';
import { createPersistence } from '../../../agent/connection/persist.ts';
import { generateVaultKey } from '../../../protocol/vault/keys.ts';
import { enrolAt, temporaryState } from '../../support/agent-at-peer.ts';
import { eventually } from '../../support/eventually.ts';
import { packOf } from '../../support/packs.ts';
import { startPeer } from '../../support/peer.ts';

const never = new AbortController().signal;

async function client(outageLimitMs = 60_000) {
  const peer = await startPeer();
  const state = await temporaryState();
  const membership = await enrolAt(peer, state.path);
  await state[Symbol.asyncDispose]();
  const log = pino({ level: 'silent' });
  const connection = createConnection({ ...membership, clock: systemClock, log, random: () => 0 });
  const silent = { onConnected: () => {}, onLost: () => {}, onMessage: () => {}, onBeat: () => {} };
  connection.start(silent);
  const waits: boolean[] = [];
  const onWaiting = (waiting: boolean) => waits.push(waiting);
  const persist = createPersistence({ connection, clock: systemClock, outageLimitMs, onWaiting });
  const transport = createBulkTransport(new URL(peer.url));
  onTestFinished(async () => {
    await connection.stop();
    transport.close();
    await peer.down();
  });
  await connection.session(never);
  return { peer, waits, vault: createVaultClient(peer.vault.id, transport, persist) };
}

test('stores packs and reads ranges of them', async () => {
  const { vault, peer } = await client();
  const serverId = randomUUID();
  const { name, parts, id, keyId } = packOf(serverId, randomBytes(100_000));
  await vault.putPack(name, parts, never);
  expect(peer.vault.store.packs.get(name)).toEqual(Buffer.concat(parts));
  const ids = Buffer.concat([id, randomBytes(32)]);
  const answer = await vault.missing(serverId, ids, never);
  expect(answer.toString('hex')).toBe(keyId + '0'.repeat(32));
  const range = await vault.getPack(name, { offset: 8, length: 5 }, never);
  expect(range).toEqual(Buffer.concat(parts).subarray(8, 13));
});

test('carries large bodies unchanged', async () => {
  const { vault, peer } = await client();
  const { name, parts } = packOf(randomUUID(), randomBytes(900_000));
  await Promise.all(Array.from({ length: 20 }, () => vault.putPack(name, parts, never)));
  const stored = peer.vault.store.packs.get(name) ?? Buffer.alloc(0);
  expect(createHash('sha256').update(stored).digest('hex')).toBe(name);
});

test('waits for a control plane that is down, and says so', async () => {
  const { vault, peer, waits } = await client();
  const key = generateVaultKey();
  await vault.putKey(key.id, randomBytes(10), never);
  await peer.down();
  const next = generateVaultKey();
  const put = vault.putKey(next.id, Buffer.from('later'), never);
  await eventually('it waits', () => waits.includes(true));
  await peer.up();
  await put;
  expect(peer.vault.store.keys.get(next.id)?.toString()).toBe('later');
  expect(waits).toEqual([true, false]);
});

test('gives up after the limit, retryably', async () => {
  const { vault, peer } = await client(50);
  await peer.down();
  await expect(vault.putKey('00', randomBytes(10), never)).rejects.toMatchObject({
    failure: { code: 'control_plane_unreachable', retryable: true },
  });
});

test('ends its wait at once when the job is stopped', async () => {
  const { vault, peer, waits } = await client();
  await peer.down();
  const stop = new AbortController();
  const put = vault.putKey('00', randomBytes(10), stop.signal);
  await eventually('it waits', () => waits.includes(true));
  stop.abort(new Error('stopped'));
  await expect(put).rejects.toThrow('stopped');
});

test('does not believe a reply that the control plane did not sign', async () => {
  const { vault, peer } = await client(300);
  await peer.vault.store.putKey('00', Buffer.alloc(0));
  peer.vault.mood.forgeReplies = true;
  await expect(vault.putKey('01', randomBytes(10), never)).rejects.toMatchObject({
    failure: {
      code: 'control_plane_unreachable',
      message: expect.stringContaining('not sent by the control plane'),
    },
  });
});

test.for([
  [507, 'disk_full'],
  [409, 'lease_lost'],
  [403, 'forbidden'],
] as const)('passes a refusal with status %d on, without trying again', async ([status, code]) => {
  const { vault, peer, waits } = await client();
  const failure = { code, message: 'No.', hint: 'Nothing.', retryable: code === 'lease_lost' };
  peer.vault.mood.reply = () => ({ status, body: JSON.stringify({ error: failure }) });
  await expect(
    vault.commit({ jobId: randomUUID(), attempt: 1 }, randomBytes(10), never),
  ).rejects.toMatchObject({
    failure: { code },
  });
  expect(waits).toEqual([]);
  expect(peer.paths.filter((path) => path.endsWith('/commit'))).toHaveLength(1);
});

test('refuses a reply that is longer than what it asked for', async () => {
  const { vault, peer } = await client(50);
  peer.vault.mood.reply = () => ({ status: 206, body: 'x'.repeat(200_000) });
  await expect(vault.getPack('ab', { offset: 0, length: 10 }, never)).rejects.toMatchObject({
    failure: { code: 'control_plane_unreachable' },
  });
});
