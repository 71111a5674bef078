import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { insertJobs } from '../../control-plane/db/jobs.ts';
import { findServer } from '../../control-plane/db/servers.ts';
import { refusal } from '../support/api.ts';
import type { ApiAgent, ApiJob, ApiServer } from '../support/api-shapes.ts';
import { eventually } from '../support/eventually.ts';
import { connectMember, connectRawAgent, enrolMember } from '../support/raw-agent.ts';
import { code, newIdentity, successions } from './successions.ts';
import { startWorld, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

const { addServer, enrolAs, lostAgent, successorToken } = successions(() => world);

describe('a successor that is online', () => {
  test('gets a server back by announcing it, and numbers on even from a snapshot that the vault has lost', async () => {
    const lost = await lostAgent();
    const made = { kind: 'backup', state: 'succeeded', attempt: 1, maxAttempts: 3, notBefore: 0 } as const;
    const of = { agentId: lost.agentId, serverId: lost.serverId, databaseId: lost.databaseId };
    const job = { ...made, ...of, snapshotId: randomUUID(), vaultId: randomUUID(), requestedBy: 'x' };
    insertJobs(world.db, [{ ...job, id: randomUUID(), sequence: 7, createdAt: 1 }]);
    insertJobs(world.db, [{ ...job, id: randomUUID(), sequence: 9, createdAt: 2, state: 'failed' }]);
    const identity = await newIdentity();
    const { token } = await successorToken(lost);
    const pinned = await enrolAs(token, { succeeds: 'db-host', identity });
    await using agent = await connectMember(world.api, { identity, pinned });
    agent.send({ type: 'inventory', inventory: inventory([]) });
    const waits = await eventually('the inventory is there', async () => {
      const { inventory } = await world.api.get<ApiAgent>(`/agents/${pinned.agentId}`);
      return inventory && world.api.get<ApiServer>(`/servers/${lost.serverId}`);
    });
    expect(waits).toMatchObject({ removedFromAgent: false, awaitsCredentialsSince: expect.any(String) });
    const server = { id: lost.serverId, name: 'main', engine: 'postgresql', connection: { host: 'new' } };
    agent.send({ type: 'inventory', inventory: inventory([server]) });
    const back = await eventually('it waits no longer', async () => {
      const now = await world.api.get<ApiServer & { connection: object }>(`/servers/${lost.serverId}`);
      return now.awaitsCredentialsSince === null && now;
    });
    expect(back).toMatchObject({ addedOnHost: true, connection: { host: 'new' } });
    await world.api.post(`/databases/${lost.databaseId}/backup`);
    agent.send({ type: 'heartbeat', jobs: [], draining: false });
    expect(await agent.message('job.offer')).toMatchObject({ offer: { sequence: 8 } });
  });
});

function inventory(servers: object[]) {
  const host = { hostname: 'h', os: 'o', arch: 'a', nodeVersion: 'n', version: 'v' };
  return { ...host, tools: [], servers, policy: { restore: 'allow', update: 'allow' } };
}

describe('an agent that is online', () => {
  test('is replaced only if its name was typed; then it is cut off at once, and its job ends', async () => {
    await using old = await connectRawAgent(world.api, 'alive');
    const lost = { agentId: old.id };
    expect(await refusal(successorToken(lost))).toMatchObject(code('invalid_input'));
    const { token } = await successorToken(lost, { confirm: 'alive' });
    const { databaseId, serverId } = addServer(old.id);
    const { id } = await world.api.post<ApiJob>(`/databases/${databaseId}/backup`);
    old.send({ type: 'heartbeat', jobs: [], draining: false });
    const { offer } = (await old.message('job.offer')) as unknown as { offer: { attempt: number } };
    old.send({ type: 'job.accepted', jobId: id, attempt: offer.attempt });
    const { agentId } = await enrolAs(token, { succeeds: 'alive' });
    expect(await old.closed()).toBe(4403);
    const told = { code: 'agent_revoked', message: expect.stringContaining('replaced by “alive”') };
    expect(old.received.find(({ type }) => type === 'revoked')).toMatchObject({ failure: told });
    expect(await world.api.finished(id)).toMatchObject({ failure: { code: 'agent_revoked' } });
    expect(findServer(world.db, serverId)).toMatchObject({ agentId });
  });

  test('and was not when the token was made, is left alone until it is gone; once replaced it stays out', async () => {
    const member = await enrolMember(world.api, 'back-again');
    const { agentId } = member.pinned;
    const { token } = await successorToken({ agentId });
    const old = await connectMember(world.api, member);
    const early = enrolAs(token, { succeeds: 'back-again' });
    await expect(early).rejects.toMatchObject(code('conflict'));
    await expect(early).rejects.toThrow('is connected');
    expect(old.isOpen()).toBe(true);
    await old[Symbol.asyncDispose]();
    await eventually('it is offline', async () => {
      const { state } = await world.api.get<{ state: string }>(`/agents/${agentId}`);
      return state === 'offline';
    });
    await enrolAs(token, { succeeds: 'back-again' });
    const back = connectMember(world.api, member);
    await expect(back).rejects.toMatchObject(code('agent_revoked'));
    await expect(back).rejects.toThrow('replaced by “back-again”');
  });

  test('at the very moment of its replacement is either in the way, or out', async () => {
    for (let round = 0; round < 5; round += 1) {
      const member = await enrolMember(world.api, `race-${round}`);
      const { agentId } = member.pinned;
      const { token } = await successorToken({ agentId });
      const [back, successor] = await Promise.allSettled([
        connectMember(world.api, member),
        enrolAs(token, { succeeds: agentId }),
      ]);
      const { state } = await world.api.get<{ state: string }>(`/agents/${agentId}`);
      expect([back.status, successor.status, state]).toEqual(
        successor.status === 'fulfilled'
          ? ['rejected', 'fulfilled', 'revoked']
          : ['fulfilled', 'rejected', 'online'],
      );
      if (back.status === 'fulfilled') await back.value[Symbol.asyncDispose]();
    }
  });
});
