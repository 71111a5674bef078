import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Api } from '../support/api.ts';
import type { ApiDatabase } from '../support/api-shapes.ts';
import { addServer, backUp, protect } from '../support/protect.ts';
import { type Stage, startStage } from './stage.ts';
import { tell } from './story.ts';

/** Backups that are tried out: by hand, by a policy, and with a question of one's own. */
let stage: Stage;
let api: Api;
let database: ApiDatabase;

beforeAll(async () => {
  stage = await startStage();
  api = await stage.controlPlane.claim();
  const agent = await stage.agent('db-host', api);
  const server = await addServer(api, agent, { name: 'harbour', server: stage.postgres });
  await stage.postgres.query('CREATE DATABASE shop');
  await stage.postgres.query('CREATE TABLE orders AS SELECT generate_series(1, 1200) AS id', 'shop');
  database = await protect(api, server.id, 'shop');
  await backUp(api, database.id);
}, 120_000);
afterAll(() => stage?.stop());

const { button, dialog, expectClean, goTo, heading, look } = tell(() => stage);
const drills = () => stage.page.getByRole('region', { name: 'Drills' });

test('a database that was never drilled says so, and is drilled', async () => {
  const { page } = stage;
  await stage.signIn();
  await heading('Overview').waitFor();
  await page.getByText(/1 database was never drilled: nobody has tried whether its backup/).waitFor();
  await goTo('Databases');
  await page.getByRole('link', { name: 'shop' }).click();
  await drills()
    .getByText(/^Never drilled/)
    .waitFor();
  await look('database-never-drilled');
  await drills().getByRole('button', { name: 'Drill now' }).click();
  await drills().getByText('Drill passed').waitFor({ timeout: 60_000 });
  await drills().getByText('1,200 in 1 table').waitFor();
  expect(await drills().getByRole('button', { name: 'Drill now' }).isEnabled()).toBe(true);
  await look('database-drilled');
  await drills().getByRole('link', { name: 'The snapshot' }).click();
  await page.getByText('Drill passed').waitFor();
  await look('snapshot-drilled');
});

test('a policy drills by itself', async () => {
  const { page } = stage;
  await goTo('Policies');
  await button('Add policy').first().click();
  await dialog().getByLabel('Name').fill('Nightly');
  await dialog().getByLabel('Drills').selectOption('Each so many days');
  await dialog().getByLabel('Days from one drill to the next').fill('3');
  await dialog().getByLabel('For everything').check();
  await look('dialog-policy-drills');
  await dialog().getByRole('button', { name: 'Save' }).click();
  await page.getByRole('row', { name: 'Nightly' }).getByText('1 database').waitFor();
  await goTo('Databases');
  await page.getByRole('link', { name: 'shop' }).click();
  await drills()
    .getByText(/By its policy every 3 days\. Next in (2|3) days/)
    .waitFor();
});

test('an assertion that does not hold fails the drill, and puts the database at risk', async () => {
  const { page } = stage;
  await drills().getByRole('button', { name: 'Assertions' }).click();
  await dialog().getByRole('button', { name: 'Add an assertion' }).click();
  await dialog().getByLabel('Name').fill('Somebody bought much');
  await dialog().getByLabel('Query').fill('SELECT max(id) > 5000 FROM orders');
  await look('dialog-assertions');
  await dialog().getByRole('button', { name: 'Save' }).click();
  await drills().getByText('1 assertion of your own is checked.').waitFor();
  await drills().getByRole('button', { name: 'Drill now' }).click();
  await drills().getByText('Drill failed').waitFor({ timeout: 60_000 });
  await drills().getByText('The query gives false or 0.', { exact: true }).waitFor();
  await page.getByText('At risk', { exact: true }).waitFor();
  await look('database-drill-failed');
  await drills().getByRole('link', { name: 'Its log' }).click();
  await page.getByRole('region', { name: 'What the drill found' }).waitFor();
  await look('job-drill-failed');
  await goTo('Overview');
  await page
    .getByRole('cell', { name: 'The last drill failed: its snapshot is not good.', exact: true })
    .waitFor();
  await goTo('Audit log');
  for (const words of ['Drill asked for', 'Assertions changed'])
    await page.getByText(words).first().waitFor();
});

test('axe finds nothing, and the console is silent', expectClean);
