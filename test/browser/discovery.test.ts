import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Agent } from '../support/agent.ts';
import type { Api } from '../support/api.ts';
import { eventually } from '../support/eventually.ts';
import { type Stage, startStage } from './stage.ts';
import { tell } from './story.ts';

/** From a server nobody told Homeport about to all its databases protected, and those made later. */
let stage: Stage;
let api: Api;
let agent: Agent;
const password = randomBytes(9).toString('hex');

beforeAll(async () => {
  stage = await startStage();
  const { controlPlane, postgres } = stage;
  await postgres.query(`CREATE ROLE homeport SUPERUSER LOGIN PASSWORD '${password}'`);
  await postgres.query('CREATE DATABASE shop');
  await postgres.query('CREATE DATABASE blog');
  api = await controlPlane.claim();
  agent = await stage.agent('db-host', api);
});
afterAll(() => stage?.stop());

const { button, expectClean, goTo, heading, look } = tell(() => stage);
const region = () => stage.page.getByRole('region', { name: 'All databases' });
const protectedTable = () => stage.page.getByRole('table', { name: 'Databases', exact: true });
/** The server of this test, told from others on this host by its port. */
const ours = (act: 'Add' | 'Choose') =>
  new RegExp(`^${act} PostgreSQL .* at 127\\.0\\.0\\.1:${stage.postgres.port}$`);

test('the agent’s page shows what it found on its host', async () => {
  const { page } = stage;
  await stage.signIn();
  await goTo('Agents');
  await page.getByRole('link', { name: 'db-host' }).click();
  await page.getByRole('heading', { name: 'Found on db-host' }).waitFor();
  await page.getByRole('link', { name: ours('Add') }).waitFor();
  await look('agent-found');
  await button('Look again').click();
  await page.getByRole('link', { name: ours('Add') }).waitFor();
});

test('the form offers it first', async () => {
  const { page, postgres } = stage;
  await goTo('Servers');
  await page.getByRole('link', { name: 'Add server' }).first().click();
  await page.getByRole('button', { name: ours('Choose') }).waitFor();
  await look('server-new-found');
  await page.getByRole('button', { name: ours('Choose') }).click();
  expect(await page.getByLabel('Port').inputValue()).toBe(String(postgres.port));
});

test('one click on the agent’s page leaves the password to be typed', async () => {
  const { page } = stage;
  await goTo('Agents');
  await page.getByRole('link', { name: 'db-host' }).click();
  await page.getByRole('link', { name: ours('Add') }).click();
  await heading('Add server').waitFor();
  const field = page.getByLabel('Password', { exact: true });
  await eventually('the cursor is in it', () =>
    field.evaluate((element) => element === document.activeElement),
  );
  await page.keyboard.type(password);
  await look('server-new-filled-in');
  await button('Save server').click();
  await heading(/^db-host/).waitFor();
});

test('it says “added” from then on, without a reload', async () => {
  const { page } = stage;
  await goTo('Agents');
  await page.getByRole('link', { name: 'db-host' }).click();
  const added = new RegExp(`^Added: .*:${stage.postgres.port}$`);
  await page.getByRole('link', { name: added }).click();
  await heading(/^db-host/).waitFor();
});

test('one click protects all databases', async () => {
  const { page } = stage;
  await region().getByText('And those that appear later').waitFor();
  await look('server-choose');
  await button('Protect all databases').click();
  await region().getByText('New databases here are protected by themselves').waitFor();
  for (const name of ['shop', 'blog']) await protectedTable().getByRole('link', { name }).waitFor();
  await page.getByText('No other database on this server').waitFor();
  await look('server-auto-protect');
});

test('a database made later becomes protected without a reload', async () => {
  const { page, postgres } = stage;
  await postgres.query('CREATE DATABASE later');
  await button('Test connection').click();
  await protectedTable().getByRole('link', { name: 'later' }).waitFor();
  // The same when the agent comes back.
  await agent.kill();
  await page.getByText('Offline', { exact: true }).first().waitFor();
  await postgres.query('CREATE DATABASE "while away"');
  agent.start();
  await protectedTable().getByRole('link', { name: 'while away' }).waitFor();
});

test('what is stopped stays so, and the list of servers says that new ones are protected', async () => {
  const { page } = stage;
  await protectedTable().getByRole('link', { name: 'blog' }).click();
  await button('Stop protecting').click();
  await page.getByRole('dialog').getByRole('textbox').fill('blog');
  await page.getByRole('dialog').getByRole('button', { name: 'Stop protecting' }).click();
  await goTo('Servers');
  await page.getByText('All, new ones too').waitFor();
  await look('servers-auto-protect');
  await page.getByRole('link', { name: /^db-host/ }).click();
  await button('Test connection').click();
  await page.getByText('The agent logged in.').waitFor();
  await page.getByText('Left out because they were stopped').waitFor();
  expect(await protectedTable().getByRole('link', { name: 'blog' }).count()).toBe(0);
});

test('a lost account is told on the page, and goes away by itself', async () => {
  const { postgres } = stage;
  await postgres.query('ALTER ROLE homeport NOLOGIN');
  const [server] = await api.get<{ id: string }[]>('/servers');
  await api.put(`/servers/${server?.id}/auto-protect`, { enabled: true });
  await region().getByRole('alert').waitFor();
  await postgres.query('ALTER ROLE homeport LOGIN');
  await button('Test connection').click();
  await region().getByRole('alert').waitFor({ state: 'detached' });
  await button('Choose by hand again').click();
  await button('Protect all databases').waitFor();
});

test('axe finds nothing on any of them, and the console is silent', expectClean);
