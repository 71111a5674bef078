import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Api } from '../support/api.ts';
import type { ApiDatabase } from '../support/api-shapes.ts';
import { addServer, protect } from '../support/protect.ts';
import { type Stage, startStage } from './stage.ts';
import { tell } from './story.ts';

/** One thing done with many databases: picked by hand, by range, or all that a search finds. */
let stage: Stage;
let api: Api;
const NAMES = ['alpha', 'beta', 'delta', 'gamma', 'omega'];

beforeAll(async () => {
  stage = await startStage();
  api = await stage.controlPlane.claim();
  const agent = await stage.agent('db-host', api);
  const server = await addServer(api, agent, { name: 'harbour', server: stage.postgres });
  for (const name of NAMES) {
    await stage.postgres.query(`CREATE DATABASE ${name}`);
    await stage.postgres.query('CREATE TABLE t (id int PRIMARY KEY)', name);
    await protect(api, server.id, name);
  }
}, 120_000);
afterAll(() => stage?.stop());

const { button, dialog, expectClean, goTo, heading, look } = tell(() => stage);
const box = (name: string) => stage.page.getByRole('checkbox', { name: `Pick ${name} on harbour` });
const bar = () => stage.page.getByRole('region', { name: 'Picked databases' });
const act = (name: string) => bar().getByRole('button', { name, exact: true }).click();
const databases = () => api.get<(ApiDatabase & { selection: unknown })[]>('/databases');

test('rows are picked one by one, and by range with Shift', async () => {
  await stage.signIn();
  await goTo('Databases');
  await heading('Databases').waitFor();
  expect(await bar().count()).toBe(0);
  await box('alpha').click();
  await bar().getByText('1 database picked').waitFor();
  await box('gamma').click({ modifiers: ['Shift'] });
  await bar().getByText('4 databases picked').waitFor();
  await box('beta').press('Space');
  await bar().getByText('3 databases picked').waitFor();
  await look('databases-picked');
});

test('they are backed up; one that cannot be is named with its reason, and stops no other', async () => {
  const { page, postgres } = stage;
  const { host, password, port, superuser } = postgres;
  const holder = new pg.Client({ host, port, password, user: superuser, database: 'delta' });
  await holder.connect();
  try {
    // A backup that waits for this table is still there when the next is asked for.
    await holder.query('BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE');
    const delta = (await databases()).find(({ name }) => name === 'delta');
    await api.post(`/databases/${delta?.id}/backup`);
    await act('Back up now');
    await dialog().getByRole('button', { name: 'Back up', exact: true }).click();
    await dialog().getByText('2 of 3 done, 1 refused.').waitFor();
    await dialog().getByRole('region', { name: 'delta' }).getByText('queued or running').first().waitFor();
    await look('dialog-many-refused');
    await button('Close').last().click();
  } finally {
    await holder.end();
  }
  await bar().waitFor({ state: 'detached' });
  await page.getByRole('row', { name: /alpha/ }).getByText('Protected', { exact: true }).waitFor();
  await page.getByRole('row', { name: /gamma/ }).getByText('Protected', { exact: true }).waitFor();
});

test('all that a search finds, but for one, get the same choice of rows', async () => {
  const { page } = stage;
  await page.getByLabel('Search databases').fill('a');
  await box('omega').click();
  await act('Pick all 5');
  await bar().getByText('5 databases picked').waitFor();
  await box('alpha').click();
  await bar().getByText('4 databases picked').waitFor();
  await act('Choose rows');
  await dialog().getByLabel('But not of').fill('public.t');
  await look('dialog-many-rows');
  await button('Save').click();
  await dialog().getByText('4 of 4 done.').waitFor();
  await button('Close').last().click();
  const chosen = (await databases()).filter(({ selection }) => selection !== null);
  expect(chosen.map(({ name }) => name)).toEqual(NAMES.filter((name) => name !== 'alpha'));
});

test('protection of many ends once their number is typed', async () => {
  const { page } = stage;
  await box('beta').click();
  await box('omega').click();
  await act('Stop protecting');
  const end = dialog().getByRole('button', { name: 'Stop protecting', exact: true });
  expect(await end.isDisabled()).toBe(true);
  await dialog().getByLabel('Type “2 databases” to confirm').fill('2 databases');
  await look('dialog-many-stop');
  await end.click();
  await dialog().getByText('2 of 2 done.').waitFor();
  await button('Close').last().click();
  // They have no snapshot: nothing of them is left to be listed.
  await page.getByRole('row', { name: /beta/ }).waitFor({ state: 'detached' });
  expect((await databases()).map(({ name }) => name)).toEqual(['alpha', 'delta', 'gamma']);
});

test('each is in the audit log by itself', async () => {
  await goTo('Audit log');
  await heading('Audit log').waitFor();
  const stopped = stage.page.getByRole('row', {
    name: /Protection stopped/,
  });
  await stopped.first().waitFor();
  expect(await stopped.count()).toBe(2);
});

test('axe finds nothing, and the console is silent', expectClean);
