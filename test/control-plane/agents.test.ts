import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { enrol } from '../../agent/connection/enrol.ts';
import { answerChallenge } from '../../agent/connection/handshake.ts';
import { type AgentIdentity, ensureIdentity } from '../../agent/identity.ts';
import type { PinnedControlPlane } from '../../agent/state/control-plane.ts';
import { BULK_HEADERS, bulkSignature } from '../../protocol/bulk.ts';
import { CLOSE, challengeSchema, type Hello, signBytes } from '../../protocol/handshake.ts';
import { startWorld, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

async function newIdentity(): Promise<AgentIdentity> {
  const directory = await mkdtemp(join(tmpdir(), 'homeport-id-'));
  try {
    return await ensureIdentity(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function newToken(body: Record<string, unknown> = {}) {
  return world.api.post<{ id: string; token: string; command: string }>('/enrolment-tokens', body);
}

function enrolAs(identity: AgentIdentity, token: string): Promise<PinnedControlPlane> {
  return enrol({ url: world.api.url, token, name: 'host', identity, allowedKey: undefined });
}

async function enrolled(): Promise<{ identity: AgentIdentity; pinned: PinnedControlPlane }> {
  const identity = await newIdentity();
  return { identity, pinned: await enrolAs(identity, (await newToken()).token) };
}

const code = (name: string) => ({ failure: { code: name } });

describe('enrolment', () => {
  test('of two hosts with one token exactly one wins', async () => {
    const { token } = await newToken();
    const identities = await Promise.all([newIdentity(), newIdentity()]);
    const tries = await Promise.allSettled(identities.map((identity) => enrolAs(identity, token)));
    expect(tries.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const lost = tries.find((one) => one.status === 'rejected');
    expect(lost?.reason).toMatchObject(code('enrolment_token_invalid'));
  });

  test('the same host may ask again, when the answer was lost, and is the same agent', async () => {
    const { token } = await newToken({ name: 'web-1' });
    const identity = await newIdentity();
    const [first, second] = [await enrolAs(identity, token), await enrolAs(identity, token)];
    expect(second.agentId).toBe(first.agentId);
    expect(await world.api.get(`/agents/${first.agentId}`)).toMatchObject({
      name: 'web-1',
      state: 'offline',
    });
  });

  test('a withdrawn token and a made-up one are refused', async () => {
    const { id, token } = await newToken();
    await world.api.delete(`/enrolment-tokens/${id}`);
    await expect(enrolAs(await newIdentity(), token)).rejects.toMatchObject(code('enrolment_token_invalid'));
    const secret = randomBytes(32).toString('base64url');
    const forged = token.replace(/^hpe_[^_]{1,43}/, `hpe_${secret}`);
    const identity = await newIdentity();
    await expect(enrolAs(identity, forged.length === token.length ? forged : token)).rejects.toMatchObject(
      code('enrolment_token_invalid'),
    );
  });

  test('the secret of an open token is shown once', async () => {
    const { command, id, token } = await newToken();
    expect(command).toContain(token);
    const open = await world.api.get<{ id: string }[]>('/enrolment-tokens');
    expect(open.map((one) => one.id)).toContain(id);
    expect(JSON.stringify(open)).not.toContain(token);
  });
});

/** Opens the socket, answers the challenge with what `change` makes of a proper hello, and tells how it went. */
async function knock(
  { identity, pinned }: { identity: AgentIdentity; pinned: PinnedControlPlane },
  change: (hello: Hello) => unknown = (hello) => hello,
) {
  const socket = new WebSocket(`${world.api.url.replace('http', 'ws')}/agent/v1/connect`);
  const closed = new Promise<number>((resolve) => socket.once('close', resolve));
  const answer = Promise.withResolvers<{ type: string; failure?: { code: string } }>();
  let hello: ReturnType<typeof answerChallenge> | undefined;
  let settled = false;
  socket.on('error', answer.reject);
  socket.on('message', (data) => {
    if (settled) return; // frames of the session: not read here
    const message = JSON.parse(data.toString());
    settled = hello !== undefined;
    if (hello) return answer.resolve(message);
    hello = answerChallenge(challengeSchema.parse(message), identity, pinned);
    socket.send(JSON.stringify(change(hello.hello)));
  });
  return { socket, closed, answer: await answer.promise, handshake: () => hello! };
}

describe('handshake', () => {
  test.for([
    [
      'an unknown agent',
      'agent_unknown',
      CLOSE.agentUnknown,
      (h: Hello) => ({ ...h, agentId: randomUUID() }),
    ],
    [
      'a signature over something else',
      'signature_invalid',
      CLOSE.badSignature,
      (h: Hello) => ({ ...h, version: 'other' }),
    ],
    ['what is no hello', 'invalid_input', CLOSE.badHandshake, () => ({ type: 'hello' })],
  ] as const)('%s is refused by name', async ([, failure, closeCode, change]) => {
    const visit = await knock(await enrolled(), change);
    expect(visit.answer).toMatchObject({ type: 'refused', failure: { code: failure } });
    expect(await visit.closed).toBe(closeCode);
  });

  test('an agent of another protocol is told which side to update', async () => {
    const agent = await enrolled();
    const { handshakeFacts, helloTranscript } = await import('../../protocol/handshake.ts');
    const socket = new WebSocket(`${world.api.url.replace('http', 'ws')}/agent/v1/connect`);
    const closed = new Promise<number>((resolve) => socket.once('close', resolve));
    const answer = await new Promise<string>((resolve, reject) => {
      socket.on('error', reject);
      socket.once('message', (data) => {
        const challenge = challengeSchema.parse(JSON.parse(data.toString()));
        const { hello } = answerChallenge(challenge, agent.identity, agent.pinned);
        const future = { ...hello, protocol: { min: 7, max: 9 } };
        const facts = handshakeFacts(challenge, future);
        const signature = signBytes(helloTranscript(facts), agent.identity.signingKey);
        socket.once('message', (reply) => resolve(reply.toString()));
        socket.send(JSON.stringify({ ...future, signature }));
      });
    });
    expect(JSON.parse(answer)).toMatchObject({
      type: 'refused',
      failure: { code: 'protocol_mismatch', hint: 'Update the control plane.' },
    });
    expect(await closed).toBe(CLOSE.protocolMismatch);
  });

  test('a page in a browser cannot open the agents’ socket', async () => {
    const socket = new WebSocket(`${world.api.url.replace('http', 'ws')}/agent/v1/connect`, {
      origin: 'https://evil.example',
    });
    const status = await new Promise((resolve) => {
      socket.on('unexpected-response', (_request, response) => resolve(response.statusCode));
      socket.on('error', () => {});
    });
    expect(status).toBe(403);
  });

  test('a second connection is refused while the first one is alive, and that is in the audit log', async () => {
    const agent = await enrolled();
    const first = await knock(agent);
    expect(first.answer.type).toBe('welcome');
    const second = await knock(agent);
    expect(second.answer).toMatchObject({ type: 'refused', failure: { code: 'agent_duplicate' } });
    expect(await second.closed).toBe(CLOSE.duplicate);
    expect(first.socket.readyState).toBe(WebSocket.OPEN);
    const log = await world.api.get<{ action: string; actor: { id: string } }[]>('/audit');
    expect(log.filter(({ action }) => action === 'agent.duplicate-refused')).toMatchObject([
      { actor: { id: agent.pinned.agentId } },
    ]);
    first.socket.terminate();
    await first.closed;
  });

  test('a dead connection makes room', async () => {
    const agent = await enrolled();
    const first = await knock(agent);
    first.socket.pause(); // answers no ping any more
    const second = await knock(agent);
    expect(second.answer.type).toBe('welcome');
    second.socket.terminate();
    first.socket.terminate();
  });
});

describe('bulk requests', () => {
  async function ask(
    visit: Awaited<ReturnType<typeof knock>>,
    agent: { pinned: PinnedControlPlane },
    spoil = '',
  ) {
    const { acceptWelcome } = await import('../../agent/connection/handshake.ts');
    const keys = acceptWelcome(visit.answer as never, visit.handshake(), agent.pinned);
    const path = `/agent/v1/jobs/${randomUUID()}/source`;
    const bodyHash = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
    const facts = { method: 'GET', path, range: '', attempt: '1', bodyHash };
    const response = await fetch(world.api.url + path, {
      headers: {
        authorization: `Bearer ${(visit.answer as unknown as { session: string }).session}`,
        [BULK_HEADERS.signature]: bulkSignature(keys.bulk, facts) + spoil,
        [BULK_HEADERS.bodyHash]: bodyHash,
        [BULK_HEADERS.attempt]: '1',
      },
    });
    return { response, facts, keys };
  }

  test('need the key of the connection; the bearer alone opens nothing', async () => {
    const agent = await enrolled();
    const visit = await knock(agent);
    expect((await ask(visit, agent, 'x')).response.status).toBe(401);
    const { response } = await ask(visit, agent);
    expect(response.status).not.toBe(401);
    visit.socket.terminate();
  });

  test('revoking closes the socket, kills the bearer and keeps the agent out', async () => {
    const agent = await enrolled();
    const visit = await knock(agent);
    const { agentId } = agent.pinned;
    await expect(world.api.post(`/agents/${agentId}/revoke`, { confirm: 'x' })).rejects.toMatchObject({
      status: 400,
    });
    expect(await world.api.post(`/agents/${agentId}/revoke`, { confirm: 'host' })).toMatchObject({
      state: 'revoked',
    });
    expect(await visit.closed).toBe(CLOSE.agentRevoked);
    expect((await ask(visit, agent)).response.status).toBe(401);
    const again = await knock(agent);
    expect(again.answer).toMatchObject({ type: 'refused', failure: { code: 'agent_revoked' } });
    expect(await again.closed).toBe(CLOSE.agentRevoked);
  });
});
