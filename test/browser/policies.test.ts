import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Api } from '../support/api.ts';
import type { ApiDatabase } from '../support/api-shapes.ts';
import { addServer, protect } from '../support/protect.ts';
import { type Stage, startStage } from './stage.ts';
import { tell } from './story.ts';

/** Databases that are backed up by themselves: a policy is made, reaches them, is chosen and removed. */
let stage: Stage;
let api: Api;

beforeAll(async () => {
  stage = await startStage();
  api = await stage.controlPlane.claim();
  const agent = await stage.agent('db-host', api);
  const server = await addServer(api, agent, { name: 'harbour', server: stage.postgres });
  for (const name of ['shop', 'blog']) {
    await stage.postgres.query(`CREATE DATABASE ${name}`);
    await protect(api, server.id, name);
  }
}, 120_000);
afterAll(() => stage?.stop());

const { button, dialog, expectClean, goTo, heading, look } = tell(() => stage);
const row = (name: string) => stage.page.getByRole('row', { name });

test('a policy is added once the next times look right', async () => {
  await stage.signIn();
  await goTo('Policies');
  await heading('Policies').waitFor();
  await stage.page.getByText('No policy yet').waitFor();
  await look('policies-none');
  await button('Add policy').first().click();
  await dialog().getByLabel('Name').fill('Each minute');
  await dialog().getByText('Cron expression').click();
  await dialog().getByLabel('Expression', { exact: true }).fill('61 * * * *');
  await dialog()
    .getByText(/is no cron expression of five fields/)
    .waitFor();
  await dialog().getByLabel('Expression', { exact: true }).fill('* * * * *');
  await dialog().getByRole('listitem').nth(4).waitFor();
  await dialog().getByLabel('Time zone').fill('Europe/Berlin');
  await dialog().getByLabel('For everything').check();
  await look('dialog-policy');
  await dialog().getByRole('button', { name: 'Save' }).click();
  await row('Each minute').getByText('* * * * * (Europe/Berlin)').waitFor();
  await row('Each minute').getByText('2 databases').waitFor();
  await look('policies');
});

test('backups begin by themselves, on pages that are open', async () => {
  const { page } = stage;
  await goTo('Databases');
  await page.getByRole('link', { name: 'shop' }).click();
  await page.getByText(/Next backup .* by the policy Each minute, which is for everything/).waitFor();
  // The minute comes, and the page says so without being loaded again.
  await page.getByText('Protected', { exact: true }).waitFor({ timeout: 90_000 });
  const [job] = await api.get<{ requestedBy: string }[]>('/jobs?limit=1');
  expect(job?.requestedBy).toBe('Policy Each minute');
  await look('database-scheduled');
});

test('what is chosen nearer decides', async () => {
  const { page } = stage;
  const schedule = page.getByRole('region', { name: 'Schedule' });
  await schedule.getByLabel('Policy').selectOption('By hand only');
  await schedule.getByText('It is backed up by hand only: so it was chosen.').waitFor();
  await goTo('Agents');
  await page.getByRole('link', { name: 'db-host' }).click();
  const nightly = { timing: { kind: 'daily', at: '02:30' }, timeZone: 'UTC' };
  await api.post('/policies', { name: 'Nightly', schedule: nightly });
  await page.getByRole('region', { name: 'Schedule' }).getByLabel('Policy').selectOption('Nightly');
  await goTo('Policies');
  await row('Nightly').getByText('1 database', { exact: true }).waitFor();
  await row('Each minute').getByText('0 databases').waitFor();
});

test('one is chosen for many databases at once', async () => {
  const { page } = stage;
  await goTo('Databases');
  await page.getByRole('checkbox', { name: 'Pick shop on harbour' }).check();
  await page.getByRole('checkbox', { name: 'Pick blog on harbour' }).check();
  await button('Choose policy').click();
  await dialog().getByLabel('Policy').selectOption('Nightly');
  await dialog().getByRole('button', { name: 'Save' }).click();
  await dialog().getByText('2 of 2 done.').waitFor();
  await button('Close').last().click();
  const databases = await api.get<(ApiDatabase & { schedule: object })[]>('/databases');
  for (const { schedule } of databases)
    expect(schedule).toMatchObject({ policyName: 'Nightly', source: 'database' });
});

test('a policy is changed, and removed by its name', async () => {
  const { page } = stage;
  await goTo('Policies');
  await button('Change Nightly').click();
  await dialog().getByText('On days of the week').click();
  await dialog().getByLabel('Monday').check();
  await dialog().getByRole('button', { name: 'Add a blackout' }).click();
  await look('dialog-policy-blackout');
  await dialog().getByRole('button', { name: 'Save' }).click();
  await row('Nightly').getByText('Monday, Sunday at 02:30 (UTC)').waitFor();
  await button('Remove Nightly').click();
  await dialog().getByLabel('Type “Nightly” to confirm').fill('Nightly');
  await dialog().getByRole('button', { name: 'Remove' }).click();
  await row('Nightly').waitFor({ state: 'detached' });
  await row('Each minute').getByText('2 databases').waitFor();
  await goTo('Audit log');
  for (const words of ['Policy added', 'Policy chosen', 'Policy changed', 'Policy removed'])
    await page.getByText(words).first().waitFor();
});

test('axe finds nothing, and the console is silent', expectClean);
