import { pino } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../../agent/clock.ts';
import { createConnection } from '../../../agent/connection/connection.ts';
import { openSession } from '../../../agent/connection/session.ts';
import { CLOSE } from '../../../protocol/handshake.ts';
import type { ToAgent } from '../../../protocol/messages.ts';
import { enrolAt, temporaryState } from '../../support/agent-at-peer.ts';
import { eventually } from '../../support/eventually.ts';
import { type Peer, type PeerLies, startPeer } from '../../support/peer.ts';

const log = pino({ level: 'silent' });
const never = new AbortController().signal;

async function enrolled(lies: PeerLies = {}): Promise<Parameters<typeof openSession>[0] & { peer: Peer }> {
  const peer = await startPeer();
  const state = await temporaryState();
  const membership = await enrolAt(peer, state.path);
  await state[Symbol.asyncDispose]();
  Object.assign(peer.lies, lies);
  onTestFinished(() => peer.down());
  return {
    ...membership,
    peer,
    clock: systemClock,
    log,
    onMessage: () => undefined,
    onBeat: () => undefined,
  };
}

async function connect(lies: PeerLies = {}) {
  const { peer, ...options } = await enrolled(lies);
  const messages: ToAgent[] = [];
  const session = await openSession({ ...options, onMessage: (message) => messages.push(message) }, never);
  return { peer, session, messages };
}

test.for<[string, PeerLies]>([
  ['control_plane_untrusted', { badWelcomeSignature: true }],
  ['control_plane_untrusted', { controlPlaneId: '7b0c9c3e-3d0c-4d4e-9a53-9f5d4e7b0c9c' }],
  ['control_plane_untrusted', { protocol: { min: 1, max: 2 }, welcomeProtocol: 2 }],
  ['protocol_mismatch', { protocol: { min: 8, max: 9 } }],
  ['agent_revoked', { refusal: { code: 'agent_revoked', message: 'no', hint: 'no', retryable: false } }],
])('ends a handshake with %s for %o', async ([code, lies]) => {
  const { peer: _, ...options } = await enrolled(lies);
  await expect(openSession(options, never)).rejects.toMatchObject({ failure: { code } });
});

test('takes messages in authenticated frames, and a new bearer', async () => {
  const { peer, session, messages } = await connect();
  const bearer = session.bearer;
  peer.send({ type: 'renew', session: 'next' });
  peer.send({ type: 'drain' });
  await eventually('the message arrives', () => messages.length === 1);
  expect(bearer).not.toBe('next');
  expect(session.bearer).toBe('next');
});

test.for([
  ['a frame without MAC', JSON.stringify({ type: 'drain' })],
  ['a frame with a wrong MAC', `1.${'A'.repeat(43)}.${JSON.stringify({ type: 'drain' })}`],
] as const)('ends the connection at %s', async ([, frame]) => {
  const { peer, session, messages } = await connect();
  peer.sendRaw(frame);
  expect(await session.closed).toMatchObject({ code: 'signature_invalid' });
  await eventually('the socket is closed', () => peer.seen.closeCodes[0] === CLOSE.badSignature);
  expect(messages).toEqual([]);
});

test.for([{ type: 'shell', command: 'id' }, { type: 'job.offer' }])(
  'refuses %o by name and stays connected',
  async (message) => {
    const { peer, messages } = await connect();
    peer.send(message);
    const { failure } = await peer.waitFor('refused');
    expect(failure.code).toBe('unknown_message');
    peer.send({ type: 'drain' });
    await eventually('the next message arrives', () => messages.length === 1);
  },
);

test('answers a question it does not know by its id, so that nobody waits for it', async () => {
  const { peer, messages } = await connect();
  const id = crypto.randomUUID();
  peer.send({ type: 'request', id, deadlineMs: 60_000, request: { kind: 'tea.make', sugar: 2 } });
  const { result } = await peer.waitFor('reply', (reply) => reply.id === id);
  expect(result).toMatchObject({ ok: false, failure: { code: 'unknown_message' } });
  expect(messages).toEqual([]);
});

test('ends the connection at an oversized frame', async () => {
  const { peer, session } = await connect();
  peer.sendRaw('x'.repeat(1024 * 1024 + 1));
  expect(await session.closed).toMatchObject({ code: 'message_too_large' });
  await eventually('the socket is closed', () => peer.seen.closeCodes[0] === CLOSE.tooBig);
});

test('does not send a message that is larger than a frame', async () => {
  const { session } = await connect();
  const reply = { type: 'reply', id: crypto.randomUUID(), result: { ok: true, value: 'x'.repeat(2 ** 20) } };
  expect(() => session.send(reply as never)).toThrow(/message_too_large/);
});

test('comes back by itself, hands out the new session and tells of both', async () => {
  const { peer, ...options } = await enrolled();
  const connection = createConnection({ ...options, random: () => 0 });
  const events: string[] = [];
  const silent = { onMessage: () => undefined, onBeat: () => undefined };
  connection.start({
    ...silent,
    onConnected: () => events.push('connected'),
    onLost: () => events.push('lost'),
  });
  const first = await connection.session(never);
  await peer.down();
  await eventually('the loss is noticed', () => events.includes('lost'));
  expect(connection.send({ type: 'heartbeat', jobs: [], draining: false })).toBe(false);
  const waiting = connection.session(never);
  await peer.up();
  const second = await waiting;
  expect(second.bulkKey.equals(first.bulkKey)).toBe(false);
  await connection.stop();
  expect(events).toEqual(['connected', 'lost', 'connected', 'lost']);
});

test('stops at once while nobody answers', async () => {
  const { peer, ...options } = await enrolled();
  await peer.down();
  const connection = createConnection({ ...options, random: () => 1 });
  connection.start({
    onConnected: () => undefined,
    onLost: () => undefined,
    onMessage: () => undefined,
    onBeat: () => undefined,
  });
  const gone = new AbortController();
  const waiting = connection.session(gone.signal);
  gone.abort();
  await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
  await connection.stop();
});
