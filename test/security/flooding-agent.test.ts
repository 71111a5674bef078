import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pace } from '../../control-plane/agents/pace.ts';
import { createRequests } from '../../control-plane/agents/requests.ts';
import { systemClock } from '../../control-plane/clock.ts';
import { serversOfAgent } from '../../control-plane/db/servers.ts';
import { startWorld, type World } from '../control-plane/world.ts';
import { eventually } from '../support/eventually.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { connectRawAgent, type RawAgent } from '../support/raw-agent.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

function announce(agent: RawAgent, ids: string[]): void {
  const servers = ids.map((id) => ({ id, name: 'x', engine: 'postgresql', connection: {} }));
  const policy = { restore: 'allow', update: 'allow' };
  const about = { hostname: 'h', os: 'o', arch: 'a', nodeVersion: '26', version: '0', tools: [], policy };
  agent.send({ type: 'inventory', inventory: { ...about, servers } });
}

/** Waits until all that was sent before has been taken in. */
async function settled(agent: RawAgent): Promise<void> {
  const jobId = randomUUID();
  agent.send({ type: 'heartbeat', jobs: [{ jobId, attempt: 1 }], draining: false });
  await eventually('it was heard', () => agent.received.some((message) => message.jobId === jobId));
}

const ids = (count: number) => Array.from({ length: count }, () => randomUUID());
const audited = async (action: string) =>
  (await world.api.get<{ action: string }[]>('/audit?limit=500')).filter((entry) => entry.action === action);

test('an agent cannot fill the database with servers', async () => {
  await using agent = await connectRawAgent(world.api, 'many');
  for (let n = 0; n < 4; n += 1) announce(agent, ids(500));
  await settled(agent);
  expect(serversOfAgent(world.db, agent.id)).toHaveLength(1000);
});

test('reaching for another agent’s servers is refused and audited, once', async () => {
  await using victim = await connectRawAgent(world.api, 'victim');
  await using thief = await connectRawAgent(world.api, 'thief');
  const theirs = ids(20);
  announce(victim, theirs);
  await settled(victim);
  for (let n = 0; n < 5; n += 1) announce(thief, theirs);
  await settled(thief);
  expect(serversOfAgent(world.db, thief.id)).toEqual([]);
  expect(serversOfAgent(world.db, victim.id)).toHaveLength(20);
  expect(await audited('server.foreign-refused')).toHaveLength(1);
});

test('what an agent says about its servers cannot break the pages that show them', async () => {
  await using agent = await connectRawAgent(world.api, 'odd');
  const id = randomUUID();
  const connection = { host: { toString: 'x' }, port: [1], user: 'app', tls: null };
  const server = { id, name: 'x', engine: 'constructor', connection };
  const policy = { restore: 'allow', update: 'allow' };
  const about = { hostname: 'h', os: 'o', arch: 'a', nodeVersion: '26', version: '0', tools: [], policy };
  agent.send({ type: 'inventory', inventory: { ...about, servers: [server] } });
  await settled(agent);
  expect(await world.api.get(`/servers/${id}`)).toMatchObject({ connection: { user: 'app' } });
  const { connection: shown } = await world.api.get<{ connection: object }>(`/servers/${id}`);
  expect(Object.keys(shown)).toEqual(['user']);
});

test('a flood waits in its own socket', () => {
  const clock = createFakeClock();
  let paused = false;
  const socket = {
    pause: () => {
      paused = true;
    },
    resume: () => {
      paused = false;
    },
  };
  const frame = pace(socket, clock);
  let read = 0;
  for (let ms = 0; ms < 60_000; ms += 5) {
    for (let n = 0; n < 50 && !paused; n += 1) {
      frame();
      read += 1;
    }
    clock.advance(5);
  }
  expect(read).toBeGreaterThan(60 * 190);
  expect(read).toBeLessThan(60 * 210 + 1_000);
});

test('what one agent backed up cannot break another one’s connection', async () => {
  const sent: unknown[] = [];
  const { ask } = createRequests(systemClock, (message) => sent.push(message) > 0);
  const source = { serverVersion: '15', requirements: { roles: 'x'.repeat(1024 * 1024) }, objectCounts: {} };
  const question = { serverId: randomUUID(), plan: { targetDatabase: 'x' }, source };
  await expect(ask('restore.preflight', question)).rejects.toMatchObject({
    failure: { code: 'message_too_large' },
  });
  expect(sent).toEqual([]);
});
