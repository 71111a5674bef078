import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Agent } from '../support/agent.ts';
import type { Api } from '../support/api.ts';
import type { ApiSnapshot } from '../support/api-shapes.ts';
import { addServer, backUp, protect } from '../support/protect.ts';
import { createShop } from '../support/shop.ts';
import { type Stage, startStage } from './stage.ts';
import { tell } from './story.ts';

/** A host is lost with its agent; somebody at the web UI lets another one go on. */
let stage: Stage;
let api: Api;
let lost: Agent;
let databaseId: string;

beforeAll(async () => {
  stage = await startStage();
  const { controlPlane, postgres } = stage;
  api = await controlPlane.claim();
  lost = await stage.agent('db-host', api);
  await createShop(postgres, 'shop', 2000);
  const { id } = await addServer(api, lost, { name: 'harbour', server: postgres });
  databaseId = (await protect(api, id, 'shop')).id;
  await backUp(api, databaseId);
  await addServer(api, lost, { name: 'jetty', server: postgres });
});
afterAll(() => stage?.stop());

const { button, dialog, expectClean, goTo, heading, look } = tell(() => stage);
const COMMAND = 'Command that enrols the agent';

test('an agent that is online is replaced only by its typed name', async () => {
  const { page } = stage;
  await stage.signIn();
  await goTo('Agents');
  await page.getByRole('link', { name: 'db-host' }).click();
  await button('Replace').click();
  await dialog().getByText('This agent is online. It is cut off').waitFor();
  expect(await dialog().getByRole('button', { name: 'Show the command' }).isDisabled()).toBe(true);
  await dialog().getByLabel('Type “db-host” to confirm').fill('db-host');
  await look('dialog-replace-online');
  await button('Show the command').click();
  await dialog().getByLabel(COMMAND).waitFor();
  await button('Withdraw the token').click();
  await dialog().waitFor({ state: 'detached' });
});

test('of one that is lost the place is taken by the command that is shown', async () => {
  const { page } = stage;
  await lost.kill();
  await rm(lost.state, { recursive: true });
  await page.getByText('If its host is lost, “Replace” lets').waitFor();
  await look('agent-offline');
  await button('Replace').click();
  await dialog().getByText('2 servers with 1 protected database').waitFor();
  await dialog().getByLabel('Name of the new agent').fill('new-host');
  await look('dialog-replace');
  await button('Show the command').click();
  const command = (await dialog().getByLabel(COMMAND).textContent()) ?? '';
  expect(command).toContain(`--successor-of 'db-host'`);
  await look('dialog-replace-command');
  const child = await stage.paste('new-host', command);
  await child.printed(/has taken the place of “db-host”/);
  await dialog().getByText('new-host is connected').waitFor();
  await look('dialog-replace-arrived');
  await page.getByRole('link', { name: 'Enter the passwords' }).click();
  await heading('new-host').waitFor();
});

test('what waits is listed with one field each; what is saved was seen to work', async () => {
  const { page, postgres } = stage;
  await page.getByRole('heading', { name: '2 servers waiting for credentials' }).waitFor();
  await page.getByText('In the place of').waitFor();
  await page.getByRole('link', { name: 'Waits as harbour' }).waitFor();
  const harbour = page.getByRole('form', { name: 'Credentials of harbour' });
  await harbour.getByLabel('Password of harbour').fill('wrong');
  await harbour.getByRole('button', { name: 'Log in and save' }).click();
  await page.getByRole('alert').getByText('access_denied').waitFor();
  await look('agent-waiting');
  await harbour.getByLabel('Password of harbour').fill(postgres.password);
  await harbour.getByRole('button', { name: 'Log in and save' }).click();
  await page.getByRole('heading', { name: '1 server waiting for credentials' }).waitFor();
  await page.getByText('Enter it on the agent’s host instead').click();
  const line = await page.getByLabel('Command that enters jetty on the host').textContent();
  expect(line).toMatch(
    /^agent\/homeport-agent server add jetty --id [0-9a-f-]{36} --engine postgresql --host /,
  );
  await page.getByRole('row', { name: /jetty.*Waits for credentials/ }).waitFor();
  await look('agent-waiting-one');
  await page.getByRole('table', { name: 'Servers' }).getByRole('link', { name: 'jetty' }).click();
  await heading('jetty').waitFor();
  await page.getByRole('form', { name: 'Credentials of jetty' }).waitFor();
  expect(await button('Test connection').count()).toBe(0);
  await look('server-waiting');
});

test('the database goes on with the history it had', async () => {
  const { page } = stage;
  await goTo('Databases');
  await page.getByRole('link', { name: 'shop', exact: true }).click();
  await button('Back up now').click();
  await page.getByRole('link', { name: 'Restore snapshot 2' }).waitFor();
  await page.getByRole('link', { name: 'Restore snapshot 1' }).waitFor();
  const snapshots = await api.get<ApiSnapshot[]>(`/snapshots?databaseId=${databaseId}`);
  expect(snapshots.map(({ sequence }) => sequence)).toEqual([2, 1]);
});

test('the lost agent says who took its place, and the audit log who did what', async () => {
  const { page } = stage;
  await goTo('Agents');
  await page.getByRole('row', { name: /db-host.*Replaced by new-host.*Revoked/ }).waitFor();
  await look('agents-replaced');
  await page.getByRole('link', { name: 'db-host' }).click();
  await page.getByText('It was replaced by').waitFor();
  expect(await button('Replace').count()).toBe(0);
  await look('agent-replaced');
  await goTo('Audit log');
  await page.getByRole('row', { name: /Agent replaced db-host/ }).waitFor();
  const rows = await page.getByRole('table', { name: 'Audit log' }).textContent();
  expect(rows).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}-/);
});

test('axe finds nothing, and the console is silent', () => expectClean());
