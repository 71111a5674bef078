import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { systemClock } from '../../agent/clock.ts';
import { checkHandshake } from '../../agent/connection/check.ts';
import { enrol } from '../../agent/connection/enrol.ts';
import { answerChallenge, answerWithCheck } from '../../agent/connection/handshake.ts';
import { openSession } from '../../agent/connection/session.ts';
import { handshakeFinding } from '../../agent/doctor/membership.ts';
import { ensureIdentity } from '../../agent/identity.ts';
import type { Membership } from '../../agent/membership.ts';
import { lockState } from '../../agent/state/lock.ts';
import { challengeSchema } from '../../protocol/handshake.ts';
import { ed25519Raw, generateEd25519 } from '../../protocol/keys.ts';
import { startWorld, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

const never = new AbortController().signal;
const route = { proxy: undefined, why: '' };
const code = (name: string) => ({ failure: { code: name } });

async function enrolled(): Promise<Membership & { stateDir: string }> {
  const stateDir = await mkdtemp(join(tmpdir(), 'homeport-id-'));
  onTestFinished(() => rm(stateDir, { recursive: true, force: true }));
  const identity = await ensureIdentity(stateDir);
  const { token } = await world.api.post<{ token: string }>('/enrolment-tokens', { name: stateDir });
  const { url } = world.api;
  const pinned = await enrol({ url, token, name: 'host', identity, allowedKey: undefined });
  return { identity, pinned, stateDir };
}

async function connected(membership: Membership) {
  const silent = {
    clock: systemClock,
    log: pino({ level: 'silent' }),
    onBeat: () => {},
    onMessage: () => {},
  };
  const session = await openSession({ ...membership, ...silent }, never);
  onTestFinished(() => session.close(1000));
  return session;
}

const alerts = async (agentId: string) =>
  (await world.api.get<{ action: string; target: { id: string } | null }[]>('/audit')).filter(
    ({ action, target }) => action === 'agent.duplicate-refused' && target?.id === agentId,
  );

test('an agent asks how it stands without coming online', async () => {
  const { identity, pinned } = await enrolled();
  expect(await checkHandshake({ identity, pinned }, never)).toMatchObject({ protocol: 1, connected: null });
  expect(await world.api.get(`/agents/${pinned.agentId}`)).toMatchObject({
    state: 'offline',
    lastSeenAt: null,
  });
});

test('while it is connected, the connection stays and no alert is raised', async () => {
  const membership = await enrolled();
  const session = await connected(membership);
  let over = false;
  void session.closed.then(() => {
    over = true;
  });
  for (let times = 0; times < 3; times += 1) {
    const { connected: live } = await checkHandshake(membership, never);
    expect(live).toEqual({ from: '127.0.0.1', since: expect.stringMatching(/^\d{4}-/) });
  }
  expect(over).toBe(false);
  expect(session.send({ type: 'heartbeat', jobs: [], draining: false })).toBe(true);
  expect(await world.api.get(`/agents/${membership.pinned.agentId}`)).toMatchObject({ state: 'online' });
  expect(await alerts(membership.pinned.agentId)).toEqual([]);
});

test('a second machine with the same identity is told by what is connected and what runs', async () => {
  const membership = await enrolled();
  const { stateDir } = membership;
  const finding = () => handshakeFinding(membership, { route, stateDir }, never);
  expect(await finding()).toMatchObject({ verdict: 'ok', seen: expect.stringContaining('not connected') });
  const unlock = await lockState(stateDir);
  expect(await finding()).toMatchObject({ verdict: 'warning', seen: expect.stringContaining('runs but') });
  await connected(membership);
  expect(await finding()).toMatchObject({ verdict: 'ok', seen: expect.stringContaining('connected from') });
  await unlock();
  expect(await finding()).toMatchObject({ verdict: 'warning', code: 'agent_duplicate' });
});

test('a revoked agent, an unknown one and one with other keys are told so', async () => {
  const membership = await enrolled();
  const { identity, pinned } = membership;
  const other = await enrolled();
  await expect(checkHandshake({ identity: other.identity, pinned }, never)).rejects.toMatchObject(
    code('signature_invalid'),
  );
  const nobody = { ...pinned, agentId: crypto.randomUUID() };
  await expect(checkHandshake({ identity, pinned: nobody }, never)).rejects.toMatchObject(
    code('agent_unknown'),
  );
  const { name } = await world.api.get<{ name: string }>(`/agents/${pinned.agentId}`);
  await world.api.post(`/agents/${pinned.agentId}/revoke`, { confirm: name });
  await expect(checkHandshake(membership, never)).rejects.toMatchObject(code('agent_revoked'));
});

test('a control plane with another key is not believed', async () => {
  const { identity, pinned } = await enrolled();
  const controlPlaneKey = ed25519Raw(generateEd25519().key);
  await expect(
    checkHandshake({ identity, pinned: { ...pinned, controlPlaneKey } }, never),
  ).rejects.toMatchObject(code('control_plane_untrusted'));
});

test.for(['hello', 'check'] as const)('a signature for the one is of no use as a “%s”', async (type) => {
  const { identity, pinned } = await enrolled();
  const socket = new WebSocket(`${world.api.url.replace('http', 'ws')}/agent/v1/connect`);
  const answer = await new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.once('message', (challenge) => {
      const parsed = challengeSchema.parse(JSON.parse(challenge.toString()));
      const made =
        type === 'check'
          ? answerChallenge(parsed, identity, pinned).hello
          : answerWithCheck(parsed, identity, pinned).check;
      socket.once('message', (reply) => resolve(JSON.parse(reply.toString())));
      socket.send(JSON.stringify({ ...made, type }));
    });
  });
  expect(answer).toMatchObject({ type: 'refused', failure: { code: 'signature_invalid' } });
});

test('a control plane that is older than the question, and a port that is none', async () => {
  const membership = await enrolled();
  const { identity, pinned } = membership;
  const at = async (greet: (socket: WebSocket) => void) => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' }).on('connection', greet);
    await once(server, 'listening');
    onTestFinished(() => {
      for (const client of server.clients) client.terminate();
      server.close();
    });
    return {
      identity,
      pinned: { ...pinned, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` },
    };
  };
  const failure = { code: 'invalid_input', message: 'No hello.', hint: 'Update.', retryable: false };
  const older = await at((socket) => socket.send(JSON.stringify({ type: 'refused', failure })));
  const stateDir = membership.stateDir;
  expect(await handshakeFinding(older, { route, stateDir }, never)).toMatchObject({
    verdict: 'warning',
    fix: expect.stringContaining('Update the control plane'),
  });
  const another = await at((socket) => socket.send('hello there'));
  expect(await handshakeFinding(another, { route, stateDir }, never)).toMatchObject({
    verdict: 'failed',
    code: 'control_plane_unreachable',
  });
  const mute = await at(() => {});
  await expect(checkHandshake(mute, AbortSignal.timeout(100))).rejects.toMatchObject(
    code('control_plane_unreachable'),
  );
});
