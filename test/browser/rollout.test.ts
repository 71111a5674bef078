import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, test } from 'vitest';
import { signRelease, writeReleaseKey } from '../../agent/build/signing.ts';
import { writeSmallRelease } from '../support/small-release.ts';
import { type UpdatableAgent, updatableAgent } from '../support/updatable-agent.ts';
import { type Stage, startStage } from './stage.ts';
import { tell } from './story.ts';

/** All agents at once: the one that goes first, the one that fails, and who is left as it is. */
let stage: Stage;
let directory: string;
const agents: UpdatableAgent[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'homeport-rollout-'));
  const release = join(directory, 'release');
  await writeSmallRelease(release, { version: '0.2.0' });
  await writeReleaseKey(join(directory, 'release.key'));
  await signRelease(release, join(directory, 'release.key'));
  stage = await startStage({ HOMEPORT_RELEASE: release });
  const api = await stage.controlPlane.claim();
  for (const name of ['athens', 'berlin', 'cairo']) agents.push(await updatableAgent(api, name));
});
afterAll(async () => {
  for (const { raw } of agents) await raw[Symbol.asyncDispose]();
  await stage?.stop();
  await rm(directory, { recursive: true, force: true });
});

const { button, expectClean, goTo, look } = tell(() => stage);
const row = (name: string) =>
  stage.page
    .getByRole('table', { name: 'Agents that are updated' })
    .getByRole('row')
    .filter({ hasText: name });

test('one agent is chosen to go first', async () => {
  await stage.signIn();
  await goTo('Agents');
  await stage.page.getByText('3 agents can be updated.').waitFor();
  await button('Update all to 0.2.0').click();
  await stage.page.getByLabel('Goes first').selectOption('berlin');
  await stage.page.getByLabel('Agents in a batch').fill('1');
  await look('update-all');
  await button('Update').click();
  await agents[1]?.asked();
  await row('berlin').getByText('Fetches and checks the build').waitFor();
  await row('athens').getByText('Waits for its turn').waitFor();
  await button('Stop after this batch').waitFor();
  await look('rollout-running');
});

test('the rest follows, until one fails; whoever has not begun stays as it is', async () => {
  await agents[1]?.succeed();
  await row('berlin').getByText('Updated', { exact: true }).waitFor();
  await agents[0]?.asked();
  await agents[0]?.refuse('update_untrusted');
  await row('athens').getByText('Not updated').waitFor();
  await row('cairo').getByText('Left as it is').waitFor();
  await stage.page.getByText('“athens” was not updated, so no other agent is').waitFor();
  await button('Update all to 0.2.0').waitFor();
  await look('rollout-stopped');
});

test('it is in the audit log', async () => {
  await goTo('Audit log');
  await stage.page.getByText('Update of all agents begun').first().waitFor();
  await stage.page.getByText('Update of all agents stopped at a failure').first().waitFor();
});

test('axe finds nothing on any of them, and the console is silent', expectClean);
