import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { signRelease, writeReleaseKey } from '../../agent/build/signing.ts';
import { refusal } from '../support/api.ts';
import type { ApiRollout, ApiUpdates } from '../support/api-shapes.ts';
import { cliUser } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { holdAnswersToDocument } from '../support/held-answers.ts';
import { writeSmallRelease } from '../support/small-release.ts';
import { type UpdatableAgent, updatableAgent } from '../support/updatable-agent.ts';
import { startWorld, type World } from './world.ts';

let directory: string;
holdAnswersToDocument(['POST /rollouts', 'POST /rollouts/:id/stop', 'GET /updates']);

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'homeport-rollouts-'));
  await writeSmallRelease(join(directory, 'release'), { version: '0.2.0' });
  await writeReleaseKey(join(directory, 'release.key'));
  await signRelease(join(directory, 'release'), join(directory, 'release.key'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

/** A control plane with this many agents that are older than what it serves. */
async function fleet(size: number): Promise<{ world: World; agents: UpdatableAgent[] } & AsyncDisposable> {
  const world = await startWorld({ HOMEPORT_RELEASE: join(directory, 'release') });
  const agents: UpdatableAgent[] = [];
  for (let at = 1; at <= size; at += 1) agents.push(await updatableAgent(world.api, `agent ${at}`));
  return {
    world,
    agents,
    async [Symbol.asyncDispose]() {
      for (const one of agents) await one.raw[Symbol.asyncDispose]();
      await world[Symbol.asyncDispose]();
    },
  };
}

const latest = async ({ api }: World) => (await api.get<ApiUpdates>('/updates')).rollout;
const states = ({ batches }: ApiRollout) => batches.map((batch) => batch.map(({ state }) => state));
const untilStates = (world: World, wanted: ReturnType<typeof states>) =>
  eventually(`the states are ${JSON.stringify(wanted)}`, async () => {
    const rollout = await latest(world);
    return rollout !== null && JSON.stringify(states(rollout)) === JSON.stringify(wanted) && rollout;
  });

describe('a rollout', () => {
  test('asks one agent, then the others batch by batch', async () => {
    await using it = await fleet(4);
    const { agents, world } = it;
    const canary = agents[2]?.raw.id;
    const begun = await world.api.post<ApiRollout>('/rollouts', { canary, batchSize: 2 });
    expect(begun).toMatchObject({ state: 'running', version: '0.2.0' });
    expect(begun.batches.map((batch) => batch.map(({ name }) => name))).toEqual([
      ['agent 3'],
      ['agent 1', 'agent 2'],
      ['agent 4'],
    ]);
    await agents[2]?.asked();
    expect(agents.filter(({ wasAsked }) => wasAsked()).length).toBe(1);
    expect((await refusal(world.api.post('/rollouts', {}))).failure.code).toBe('conflict');
    await agents[2]?.succeed();
    await Promise.all([agents[0]?.asked(), agents[1]?.asked()]);
    expect(agents[3]?.wasAsked()).toBe(false);
    await agents[0]?.succeed();
    await untilStates(world, [['succeeded'], ['succeeded', 'fetching'], ['waiting']]);
    await agents[1]?.succeed();
    await agents[3]?.asked();
    await agents[3]?.succeed();
    const ended = await untilStates(world, [['succeeded'], ['succeeded', 'succeeded'], ['succeeded']]);
    await eventually('it has ended', async () => (await latest(world))?.state === 'succeeded');
    expect(ended.failure).toBeNull();
    const audit = await world.api.get<{ action: string }[]>('/audit?limit=50');
    expect(audit.map(({ action }) => action).filter((action) => action.startsWith('rollout.'))).toEqual([
      'rollout.succeeded',
      'rollout.begin',
    ]);
  });

  test('ends at the first failure, and says whose', async () => {
    await using it = await fleet(3);
    const { agents, world } = it;
    await world.api.post('/rollouts', {});
    await agents[0]?.asked();
    await agents[0]?.refuse('update_untrusted');
    const ended = await untilStates(world, [['failed'], ['waiting', 'waiting']]);
    expect(ended).toMatchObject({ state: 'stopped', failure: { code: 'update_untrusted' } });
    expect(ended.failure?.message).toContain('“agent 1” was not updated');
    expect(agents.filter(({ wasAsked }) => wasAsked()).length).toBe(1);
  });

  test('passes over who is not connected when its turn comes, and may be stopped', async () => {
    await using it = await fleet(4);
    const { agents, world } = it;
    const { id } = await world.api.post<ApiRollout>('/rollouts', { batchSize: 2 });
    await agents[0]?.asked();
    await agents[1]?.raw[Symbol.asyncDispose]();
    await eventually('it is seen to be away', async () => {
      const { agents: seen } = await world.api.get<ApiUpdates>('/updates');
      return seen.find(({ name }) => name === 'agent 2')?.state === 'offline';
    });
    await agents[0]?.succeed();
    await agents[2]?.asked();
    await untilStates(world, [['succeeded'], ['skipped', 'fetching'], ['waiting']]);
    expect(await world.api.post(`/rollouts/${id}/stop`)).toMatchObject({ state: 'stopped', failure: null });
    await agents[2]?.succeed();
    await untilStates(world, [['succeeded'], ['skipped', 'succeeded'], ['waiting']]);
    expect(agents[3]?.wasAsked()).toBe(false);
    expect((await refusal(world.api.post(`/rollouts/${id}/stop`))).failure.code).toBe('conflict');
    expect((await refusal(world.api.post('/rollouts/nothing/stop'))).failure.code).toBe('not_found');
  });

  test('leaves out agents that cannot or may not be updated; with none left it is refused', async () => {
    await using it = await fleet(0);
    const { world } = it;
    for (const change of [
      { version: '0.2.0' },
      { policy: { restore: 'allow', update: 'deny' } },
      { update: { possible: false, key: null, pending: null, last: null } },
      { requests: [] },
    ])
      it.agents.push(await updatableAgent(world.api, `not this one ${JSON.stringify(change)}`, change));
    expect((await refusal(world.api.post('/rollouts', {}))).failure.code).toBe('update_not_possible');
  });

  test('is not stuck where nothing of it could be written for a while', async () => {
    await using it = await fleet(2);
    const { agents, world } = it;
    const { id } = await world.api.post<ApiRollout>('/rollouts', {});
    await agents[0]?.asked();
    const trouble = `BEFORE UPDATE ON rollouts BEGIN SELECT RAISE(ABORT, 'the disk is full'); END`;
    world.db.run(`CREATE TRIGGER trouble ${trouble}`);
    await agents[0]?.succeed();
    await untilStates(world, [['succeeded'], ['waiting']]);
    expect((await refusal(world.api.post('/rollouts', {}))).failure.code).toBe('conflict');
    world.db.run('DROP TRIGGER trouble');
    await agents[1]?.asked();
    await agents[1]?.succeed();
    await eventually('it has ended', async () => (await latest(world))?.state === 'succeeded');
    expect((await latest(world))?.id).toBe(id);
  });

  test('homeport agents update --all waits for the end', async () => {
    await using it = await fleet(2);
    const { agents, world } = it;
    await using user = await cliUser(world.api);
    const waiting = user.run(['agents', 'update', '--all', '--canary', 'agent 2']);
    await agents[1]?.asked();
    await agents[1]?.succeed();
    await agents[0]?.asked();
    await agents[0]?.refuse('policy_denied');
    const { exitCode, stderr, stdout } = await waiting;
    expect(exitCode).toBe(3);
    expect(stdout).toMatch(/canary +agent 2 +succeeded\n2 +agent 1 +failed\nVersion 0\.2\.0: stopped/);
    expect(stderr).toContain('“agent 1” was not updated, so no other agent is');
    expect((await user.run(['agents', 'update', 'agent 1', '--all'])).exitCode).toBe(2);
  });
});
