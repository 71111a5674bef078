import { randomUUID } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { findAgent } from '../../control-plane/db/agents.ts';
import { findServer, updateServer } from '../../control-plane/db/servers.ts';
import { refusal } from '../support/api.ts';
import { code, newIdentity, successions, type Token } from './successions.ts';
import { startWorld, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

const { enrolAs, lostAgent, newToken, successorToken } = successions(() => world);

describe('a successor', () => {
  test('has the name, the servers and what belongs to them; the other one is revoked for good', async () => {
    const lost = await lostAgent();
    const { command, successorOf, token } = await successorToken(lost);
    expect(successorOf).toEqual({ id: lost.agentId, name: 'db-host' });
    expect(command).toContain(`--successor-of 'db-host'`);
    const pinned = await enrolAs(token, { succeeds: 'db-host' });
    expect(pinned.succeeds).toEqual({ id: lost.agentId, name: 'db-host', waiting: 1 });
    expect(await world.api.get(`/agents/${pinned.agentId}`)).toMatchObject({
      name: 'db-host',
      state: 'offline',
      predecessor: { id: lost.agentId },
      waitingServerCount: 1,
      databaseCount: 1,
    });
    expect(await world.api.get(`/agents/${lost.agentId}`)).toMatchObject({
      state: 'revoked',
      successor: { id: pinned.agentId },
      serverCount: 0,
    });
    expect(findServer(world.db, lost.serverId)).toMatchObject({
      agentId: pinned.agentId,
      autoProtectSince: 5,
      connection: '{"host":"h"}',
      awaitsCredentialsSince: expect.any(Number),
    });
    const removed = { agentId: pinned.agentId, removedAt: 2, awaitsCredentialsSince: null };
    expect(findServer(world.db, lost.removedId)).toMatchObject(removed);
    const database = await world.api.get(`/databases/${lost.databaseId}`);
    expect(database).toMatchObject({ agentId: pinned.agentId, protected: true });
    expect(await readdir(join(world.config.dataDir, 'keys'))).toContain(`revoked-${lost.agentId}`);
    const log = await world.api.get<{ action: string; target: { id: string }; details: object }[]>('/audit');
    const [entry] = log.filter(({ action }) => action === 'agent.replace');
    expect(entry).toMatchObject({ target: { id: lost.agentId }, details: { successorId: pinned.agentId } });
  });

  test('gets no job for a server that waits, and is told what to do', async () => {
    const lost = await lostAgent();
    await enrolAs((await successorToken(lost)).token, { succeeds: lost.agentId });
    const refused = await refusal(world.api.post(`/databases/${lost.databaseId}/backup`));
    expect(refused).toMatchObject(code('credentials_missing'));
    expect(refused.failure.hint).toContain('server add --id');
  });

  test('asks again with the same keys where the answer was lost, and gets the same one', async () => {
    const lost = await lostAgent();
    const { token } = await successorToken(lost);
    const identity = await newIdentity();
    const [first, second] = [
      await enrolAs(token, { succeeds: 'db-host', identity }),
      await enrolAs(token, { succeeds: 'db-host', identity }),
    ];
    expect(second).toEqual(first);
    const log = await world.api.get<{ action: string; target: { id: string } }[]>('/audit');
    const mine = log.filter(({ action, target }) => action === 'agent.replace' && target.id === lost.agentId);
    expect(mine).toHaveLength(1);
  });

  test('is succeeded in turn; what still waited goes on waiting from then', async () => {
    const lost = await lostAgent();
    const second = await enrolAs((await successorToken(lost)).token, { succeeds: 'db-host' });
    updateServer(world.db, lost.serverId, { awaitsCredentialsSince: 7 });
    const again = await refusal(successorToken(lost));
    expect(again).toMatchObject(code('conflict'));
    expect(again.failure.hint).toContain(second.agentId);
    const third = await enrolAs((await successorToken(second)).token, { succeeds: second.agentId });
    expect(third.succeeds).toMatchObject({ id: second.agentId, waiting: 1 });
    const server = findServer(world.db, lost.serverId);
    expect(server).toMatchObject({ agentId: third.agentId, awaitsCredentialsSince: 7 });
    for (const id of [lost.agentId, second.agentId])
      expect(findAgent(world.db, id)?.revokedAt).not.toBeNull();
  });

  test('of one that was revoked before goes on as well', async () => {
    const lost = await lostAgent();
    await world.api.post(`/agents/${lost.agentId}/revoke`, { confirm: 'db-host' });
    const { agentId } = await enrolAs((await successorToken(lost)).token, { succeeds: 'db-host' });
    expect(findServer(world.db, lost.serverId)?.agentId).toBe(agentId);
  });
});

describe('nobody takes a place with', () => {
  let lost: Awaited<ReturnType<typeof lostAgent>>;
  beforeEach(async () => {
    lost = await lostAgent();
  });
  const unchanged = () => {
    expect(findAgent(world.db, lost.agentId)?.revokedAt).toBeNull();
    expect(findServer(world.db, lost.serverId)?.agentId).toBe(lost.agentId);
  };

  test('a token that adds an agent, whatever is asked; it stays good for that', async () => {
    const { successorOf, token } = await newToken();
    expect(successorOf).toBeNull();
    const theft = enrolAs(token, { succeeds: 'db-host' });
    await expect(theft).rejects.toMatchObject(code('enrolment_token_invalid'));
    unchanged();
    expect(await enrolAs(token)).not.toHaveProperty('succeeds');
  });

  test('a successor’s token where the host does not say so, or names another one; it is not used up', async () => {
    const { token } = await successorToken(lost);
    const silent = enrolAs(token);
    await expect(silent).rejects.toMatchObject(code('conflict'));
    await expect(silent).rejects.toThrow('in the place of “db-host”');
    await expect(enrolAs(token, { succeeds: 'web-1' })).rejects.toMatchObject(code('conflict'));
    unchanged();
    await enrolAs(token, { succeeds: 'db-host' });
    expect(findAgent(world.db, lost.agentId)?.revokedAt).not.toBeNull();
  });

  test('the same token from two hosts at once, but for one', async () => {
    const { token } = await successorToken(lost);
    const tries = await Promise.allSettled([1, 2].map(() => enrolAs(token, { succeeds: 'db-host' })));
    expect(tries.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    expect(tries.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: code('enrolment_token_invalid'),
    });
  });

  test('a second token for the same place, at once or later', async () => {
    const tokens = await Promise.all([1, 2].map(() => successorToken(lost)));
    const tries = await Promise.allSettled(
      tokens.map(({ token }) => enrolAs(token, { succeeds: lost.agentId })),
    );
    expect(tries.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    expect(tries.find(({ status }) => status === 'rejected')).toMatchObject({ reason: code('conflict') });
  });

  test('a withdrawn token', async () => {
    const { id, token } = await successorToken(lost);
    const open = await world.api.get<Token[]>('/enrolment-tokens');
    expect(open.find((one) => one.id === id)?.successorOf).toEqual({ id: lost.agentId, name: 'db-host' });
    await world.api.delete(`/enrolment-tokens/${id}`);
    const late = enrolAs(token, { succeeds: 'db-host' });
    await expect(late).rejects.toMatchObject(code('enrolment_token_invalid'));
    unchanged();
  });

  test('the identity of the agent that is to be replaced, or of any other', async () => {
    const identity = await newIdentity();
    await enrolAs((await newToken()).token, { identity });
    const { token } = await successorToken(lost);
    await expect(enrolAs(token, { succeeds: 'db-host', identity })).rejects.toMatchObject(code('conflict'));
    unchanged();
  });

  test('a token for an agent that is not known', async () => {
    expect(await refusal(newToken({ successorOf: randomUUID() }))).toMatchObject(code('not_found'));
    expect(await refusal(successorToken(lost, { confirm: 'x' }))).toMatchObject(code('invalid_input'));
  });
});
