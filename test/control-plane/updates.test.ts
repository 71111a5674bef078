import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { signRelease, writeReleaseKey } from '../../agent/build/signing.ts';
import { refusal } from '../support/api.ts';
import type { ApiUpdate, ApiUpdates } from '../support/api-shapes.ts';
import { cliUser } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { holdAnswersToDocument } from '../support/held-answers.ts';
import { connectRawAgent, type RawAgent } from '../support/raw-agent.ts';
import { writeSmallRelease } from '../support/small-release.ts';
import { INVENTORY, STANDING } from '../support/updatable-agent.ts';
import { startWorld, type World } from './world.ts';

let directory: string;
holdAnswersToDocument(['POST /agents/:id/update', 'GET /updates']);
let key: string;
let world: World;
let count = 0;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'homeport-updates-'));
  key = await writeReleaseKey(join(directory, 'release.key'));
  world = await startWorld({ HOMEPORT_RELEASE: join(directory, 'release') });
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});
beforeEach(() => serve());

async function serve(change: Parameters<typeof writeSmallRelease>[1] = {}): Promise<void> {
  await writeSmallRelease(join(directory, 'release'), { version: '0.2.0', ...change });
  await signRelease(join(directory, 'release'), join(directory, 'release.key'));
}

const outcome = (result: 'updated' | 'refused' | 'rolled-back', at = '2026-01-01T00:00:00.000Z') => ({
  ...{ from: '0.1.0', to: '0.2.0', at, result },
  ...(result === 'updated'
    ? {}
    : {
        failure: { code: 'update_rolled_back', message: 'It did not.', hint: 'Mend it.', retryable: false },
      }),
});

/** Says of itself what an agent says at each connection. */
async function tell(agent: RawAgent, change: object = {}): Promise<void> {
  agent.send({ type: 'inventory', inventory: { ...INVENTORY, update: STANDING, ...change } });
  const before = agent.received.filter(({ type }) => type === 'refused').length;
  // Frames are read in order: once this is refused, the inventory is known.
  agent.send({ type: 'frobnicate' });
  await eventually(
    'the inventory is known',
    () => agent.received.filter(({ type }) => type === 'refused').length > before,
  );
}

async function agent(change: object = {}): Promise<RawAgent> {
  count += 1;
  const made = await connectRawAgent(world.api, `agent ${count}`);
  await tell(made, change);
  return made;
}

const ask = (it: RawAgent) => world.api.post<ApiUpdate>(`/agents/${it.id}/update`);
const found = async (it: RawAgent) =>
  (await world.api.get<ApiUpdates>('/updates')).agents.find(({ agentId }) => agentId === it.id);
const inState = (it: RawAgent, state: ApiUpdate['state']) =>
  eventually(`the update is ${state}`, async () => {
    const update = (await found(it))?.update;
    return update?.state === state && update;
  });

/** As an agent that has fetched and checked the build. */
async function taken(it: RawAgent): Promise<void> {
  await ask(it);
  const { id, request } = await it.message('request');
  expect(request).toEqual({ kind: 'update', version: '0.2.0' });
  it.send({ type: 'reply', id, result: { ok: true, value: {} } });
  await inState(it, 'applying');
}

describe('an update', () => {
  test('is offered to agents that are older than what is served and signed', async () => {
    await using old = await agent();
    await using even = await agent({ version: '0.2.0' });
    expect(await world.api.get<ApiUpdates>('/updates')).toMatchObject({
      served: { version: '0.2.0', key },
      failure: null,
    });
    expect([(await found(old))?.available, (await found(even))?.available]).toEqual(['0.2.0', null]);
  });

  test('is over once the host says that the new build has proved itself, and audited', async () => {
    await using it = await agent();
    await taken(it);
    await tell(it, { version: '0.2.0', update: { ...STANDING, pending: '0.2.0' } });
    expect((await found(it))?.update?.state).toBe('applying');
    await tell(it, { version: '0.2.0', update: { ...STANDING, last: outcome('updated') } });
    expect(await inState(it, 'succeeded')).toMatchObject({ failure: null, fromVersion: '0.1.0' });
    const audit = await world.api.get<{ action: string; actor: object; details: object }[]>('/audit?limit=2');
    expect(audit).toMatchObject([
      { action: 'agent.updated', actor: { kind: 'agent', id: it.id }, details: { to: '0.2.0' } },
      { action: 'agent.update', actor: { kind: 'api-key' }, details: { from: '0.1.0', to: '0.2.0' } },
    ]);
  });

  test('failed where the host took it back, and may be asked for again', async () => {
    await using it = await agent();
    await taken(it);
    await tell(it, { update: { ...STANDING, last: outcome('rolled-back') } });
    expect(await inState(it, 'failed')).toMatchObject({ failure: { code: 'update_rolled_back' } });
    await ask(it);
    // What it tells of the one before says nothing about this one.
    await tell(it, { update: { ...STANDING, pending: '0.2.0', last: outcome('rolled-back') } });
    expect((await found(it))?.update?.state).toBe('fetching');
  });

  test('failed where the agent was started anew and knows nothing of it', async () => {
    await using it = await agent();
    await taken(it);
    await tell(it);
    expect(await inState(it, 'failed')).toMatchObject({ failure: { hint: 'Ask for it again.' } });
  });

  test('that the agent refuses keeps its reason, in the audit log too', async () => {
    await using it = await agent();
    await ask(it);
    const { id } = await it.message('request');
    const failure = { code: 'update_untrusted', message: 'Who are you?', hint: 'Sign.', retryable: false };
    it.send({ type: 'reply', id, result: { ok: false, failure } });
    expect(await inState(it, 'failed')).toMatchObject({ failure });
    const [entry] = await world.api.get<{ action: string; details: object }[]>('/audit?limit=1');
    expect(entry).toMatchObject({ action: 'agent.update-failed', details: { code: 'update_untrusted' } });
  });
});

describe('an agent is not even asked', () => {
  test.for<[string, string, object, (() => Promise<void>)?]>([
    ['while it runs what is served', 'update_not_newer', { version: '0.2.0' }],
    ['while it runs something newer', 'update_not_newer', { version: '0.2.1' }],
    ['if it is older than the question', 'unknown_message', { requests: ['doctor'] }],
    [
      'while what is served is not signed',
      'update_not_possible',
      {},
      () => rm(join(directory, 'release/release.json.sig')),
    ],
    [
      'while nothing is built',
      'update_not_possible',
      {},
      () => rm(join(directory, 'release'), { recursive: true }),
    ],
    [
      'to become what could not speak to this control plane',
      'protocol_mismatch',
      {},
      () => serve({ protocol: { min: 8, max: 9 } }),
    ],
  ])('%s', async ([, code, change, spoil]) => {
    await using it = await agent(change);
    await spoil?.();
    expect((await refusal(ask(it))).failure.code).toBe(code);
    expect(it.received.filter(({ type }) => type === 'request')).toEqual([]);
    expect((await found(it))?.update).toBeNull();
  });

  test('while it is away, twice at once, or unknown', async () => {
    const it = await agent();
    await ask(it);
    expect((await refusal(ask(it))).failure.code).toBe('conflict');
    await it[Symbol.asyncDispose]();
    await inState(it, 'failed');
    expect((await refusal(ask(it))).failure.code).toBe('agent_offline');
    expect((await refusal(world.api.post('/agents/nobody/update'))).failure.code).toBe('not_found');
  });
});

describe('homeport agents update', () => {
  test('lists, updates and waits for the end; what the agent refuses is its exit code', async () => {
    await using user = await cliUser(world.api);
    await using it = await agent();
    const name = `agent ${count}`;
    const listed = await user.run(['agents', 'update']);
    expect(listed.stdout).toMatch(new RegExp(`${name} +online +0\\.1\\.0 +0\\.2\\.0 +–`));
    const asked = user.run(['agents', 'update', name]);
    const { id } = await it.message('request');
    it.send({ type: 'reply', id, result: { ok: true, value: {} } });
    await inState(it, 'applying');
    await tell(it, { version: '0.2.0', update: { ...STANDING, last: outcome('updated') } });
    expect(await asked).toMatchObject({ exitCode: 0, stdout: `${name}: 0.1.0 → 0.2.0: done` });
    await using other = await agent();
    const refused = user.run(['agents', 'update', `agent ${count}`, '--json']);
    const question = await other.message('request');
    const failure = { code: 'policy_denied', message: 'Not here.', hint: 'Ask.', retryable: false };
    other.send({ type: 'reply', id: question.id, result: { ok: false, failure } });
    const { exitCode, stderr, stdout } = await refused;
    expect([exitCode, stderr]).toEqual([3, 'homeport: Not here. (policy_denied)\nAsk.']);
    expect(JSON.parse(stdout)).toMatchObject({ state: 'failed', failure });
  });
});
