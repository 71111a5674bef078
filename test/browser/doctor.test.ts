import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Agent } from '../support/agent.ts';
import type { Api } from '../support/api.ts';
import { addServer } from '../support/protect.ts';
import { type Stage, startStage } from './stage.ts';
import { tell } from './story.ts';

/** From a server whose password was changed to the check that says so, and back. */
let stage: Stage;
let api: Api;
let agent: Agent;
let file: string;
let text: string;

beforeAll(async () => {
  stage = await startStage();
  api = await stage.controlPlane.claim();
  agent = await stage.agent('db-host', api);
  const { id } = await addServer(api, agent, { name: 'main', server: stage.postgres });
  file = join(agent.state, 'servers', `${id}.json`);
  text = await readFile(file, 'utf8');
});
afterAll(() => stage?.stop());

const { button, expectClean, goTo, look } = tell(() => stage);
const list = (name: string) => stage.page.getByRole('list', { name, exact: true });

test('the agent’s page offers the checks', async () => {
  await stage.signIn();
  await goTo('Agents');
  await stage.page.getByRole('link', { name: 'db-host' }).click();
  await stage.page.getByRole('heading', { name: 'Doctor' }).waitFor();
  await button('Run the checks').waitFor();
  await look('agent-doctor');
});

test('they say what is wrong and what to do about it', async () => {
  const { page, postgres } = stage;
  await writeFile(file, text.replace(postgres.password, 'a-wrong-secret'));
  await button('Run the checks').click();
  const wrong = list('What is not well');
  await wrong.getByText(/^Failed:/).waitFor();
  const said = await wrong.textContent();
  expect(said).toContain('main: PostgreSQL at 127.0.0.1');
  expect(said).toMatch(/password/i);
  // The test's state directory is open to others: the command that closes it has its own copy button.
  await wrong.getByRole('region', { name: 'To paste: State directory' }).waitFor();
  await button('Copy report').waitFor();
  expect(await page.locator('body').textContent()).not.toContain('a-wrong-secret');
  await page.getByText(/checks are well$/).click();
  await list('What is well').getByText('Handshake with the control plane').waitFor();
  await look('agent-doctor-report');
});

test('once mended, they say so', async () => {
  await writeFile(file, text);
  await button('Run the checks again').click();
  await stage.page.getByText(/^Failed:/).waitFor({ state: 'detached' });
  await stage.page.getByText(/checks are well$/).click();
  await list('What is well').getByText('main: PostgreSQL').waitFor();
  expect(await stage.page.getByText(/^Failed:/).count()).toBe(0);
});

test('who asked is in the audit log', async () => {
  const { page } = stage;
  await goTo('Audit log');
  await page.getByText('Agent examined').first().waitFor();
});

test('an agent that is away says how to look on its host', async () => {
  const { page } = stage;
  await goTo('Agents');
  await page.getByRole('link', { name: 'db-host' }).click();
  await agent.kill();
  await page.getByText('This agent is offline').waitFor();
  await page.getByRole('region', { name: 'Command that looks for what is wrong' }).waitFor();
  expect(await button('Run the checks').count()).toBe(0);
  await look('agent-doctor-offline');
});

test('axe finds nothing on any of them, and the console is silent', expectClean);
