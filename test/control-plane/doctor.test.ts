import { afterAll, beforeAll, expect, test } from 'vitest';
import { REQUESTS } from '../../protocol/messages.ts';
import { refusal } from '../support/api.ts';
import { connectRawAgent, type RawAgent } from '../support/raw-agent.ts';
import { startWorld, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

const inventory = {
  hostname: 'db-host',
  os: 'Debian',
  arch: 'x64',
  nodeVersion: 'v26',
  version: '0.0.9',
  tools: [],
  servers: [],
  policy: { restore: 'allow', update: 'allow' },
};

/** An agent that says of itself that it answers these questions. */
async function agent(name: string, requests?: string[]): Promise<RawAgent> {
  const made = await connectRawAgent(world.api, name);
  made.send({ type: 'inventory', inventory: { ...inventory, ...(requests ? { requests } : {}) } });
  // Frames are read in order: once this is refused, the inventory is known.
  made.send({ type: 'frobnicate' });
  await made.message('refused');
  return made;
}

const report = {
  version: '0.1.0',
  hostname: 'db-host',
  checks: [
    { id: 'host.state', title: 'State directory', verdict: 'ok', seen: 'Fine.' },
    {
      id: 'servers',
      title: 'Database servers',
      verdict: 'failed',
      seen: 'No.',
      fix: 'Mend it.',
      code: 'internal',
    },
    { id: 'host.clock', title: 'Clock', verdict: 'warning', seen: 'Late.', fix: 'Set it.', paste: 'date' },
  ],
};

test('the agent’s report is passed on, and audited by its numbers', async () => {
  await using it = await agent('new', Object.keys(REQUESTS));
  const asked = world.api.post(`/agents/${it.id}/doctor`);
  const { id, request } = await it.message('request');
  expect(request).toEqual({ kind: 'doctor' });
  it.send({ type: 'reply', id, result: { ok: true, value: report } });
  expect(await asked).toEqual(report);
  const [entry] =
    await world.api.get<{ action: string; target: unknown; details: unknown }[]>('/audit?limit=1');
  expect(entry).toMatchObject({
    action: 'agent.doctor',
    target: { kind: 'agent', id: it.id, name: 'new' },
    details: { failed: 1, warnings: 1 },
  });
});

test.for([undefined, ['server.probe', 'servers.discover']])(
  'an agent that is older than the question is not asked: %j',
  async (requests) => {
    await using it = await agent(`old ${requests?.length ?? 0}`, requests);
    const { failure, status } = await refusal(world.api.post(`/agents/${it.id}/doctor`));
    expect(status).toBe(400);
    expect(failure).toMatchObject({
      code: 'unknown_message',
      message: expect.stringContaining('0.0.9'),
      hint: 'Update the agent on its host and start it again.',
    });
    expect(it.received.filter(({ type }) => type === 'request')).toEqual([]);
  },
);

test('an answer that is no report, and an agent that is away', async () => {
  const it = await agent('odd', Object.keys(REQUESTS));
  const asked = refusal(world.api.post(`/agents/${it.id}/doctor`));
  const { id } = await it.message('request');
  it.send({ type: 'reply', id, result: { ok: true, value: { checks: 'none' } } });
  expect((await asked).failure.code).toBe('unknown_message');
  await it[Symbol.asyncDispose]();
  expect((await refusal(world.api.post(`/agents/${it.id}/doctor`))).failure.code).toBe('agent_offline');
  expect((await refusal(world.api.post('/agents/nobody/doctor'))).failure.code).toBe('not_found');
});
