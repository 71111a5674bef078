import { readdir, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Api } from '../support/api.ts';
import type { ApiDatabase } from '../support/api-shapes.ts';
import { addServer, backUp, protect } from '../support/protect.ts';
import { type Stage, startStage } from './stage.ts';
import { tell } from './story.ts';

/** Snapshots that stay and go: rules and their preview, pins, notes, deleting by hand, freeing space. */
let stage: Stage;
let api: Api;
let shop: ApiDatabase;

beforeAll(async () => {
  stage = await startStage();
  api = await stage.controlPlane.claim();
  const agent = await stage.agent('db-host', api);
  const server = await addServer(api, agent, { name: 'harbour', server: stage.postgres });
  await stage.postgres.query('CREATE DATABASE shop');
  await stage.postgres.query(
    'CREATE TABLE orders AS SELECT n, md5(n::text) FROM generate_series(1, 20000) n',
    'shop',
  );
  shop = await protect(api, server.id, 'shop');
  for (let n = 0; n < 4; n += 1) await backUp(api, shop.id);
}, 120_000);
afterAll(() => stage?.stop());

const { button, dialog, expectClean, goTo, heading, look } = tell(() => stage);
const row = (name: string) => stage.page.getByRole('row', { name });
const openSnapshot = async (sequence: number) => {
  await goTo('Databases');
  await stage.page.getByRole('link', { name: 'shop' }).click();
  await row(`Number ${sequence}`).getByRole('link').first().click();
  await heading(/^shop, /).waitFor();
};

test('the form says what rules would delete before they are saved', async () => {
  await stage.signIn();
  await goTo('Policies');
  await button('Add policy').first().click();
  await dialog().getByLabel('Name').fill('Tidy');
  await dialog().getByText('Keep by rules').click();
  await dialog().getByLabel('For everything').check();
  const preview = dialog().getByRole('region', { name: 'What would be deleted' });
  await preview.getByText('Deletes 1 of 4 snapshots of 1 database, in 7 days').waitFor();
  await preview.getByText(/^shop number 1, /).waitFor();
  await look('dialog-policy-retention');
  for (const rule of ['The newest', 'One a day', 'One a week', 'One a month'])
    await dialog().getByLabel(rule).fill('0');
  await dialog().getByText('must keep something: set at least one rule to 1 or more').waitFor();
  await dialog().getByLabel('The newest').fill('2');
  await preview.getByText('Deletes 2 of 4 snapshots of 1 database, in 7 days').waitFor();
  await dialog().getByRole('button', { name: 'Save' }).click();
  await row('Tidy').getByText('Keeps the newest 2').waitFor();
});

test('a snapshot says when it goes, and stays once it is pinned', async () => {
  const { page } = stage;
  await openSnapshot(1);
  const card = page.getByRole('region', { name: 'How long it stays' });
  await card.getByText(/Deleted in 7 days: the policy of its database does not keep it/).waitFor();
  await card.getByLabel('Note').fill('before the migration');
  await card.getByRole('button', { name: 'Save note' }).click();
  await look('snapshot-expiring');
  await card.getByRole('button', { name: 'Pin', exact: true }).click();
  await card.getByText('Kept: pinned.').waitFor();
  await openSnapshot(4);
  await page.getByText('Kept: the newest, among the newest.').waitFor();
  await goTo('Databases');
  await page.getByRole('link', { name: 'shop' }).click();
  await row('Number 1').getByText('before the migration').waitFor();
  await row('Number 1').getByText('Pinned').waitFor();
  await row('Number 2').getByText('Deleted in 7 days').waitFor();
  await look('database-expiring');
});

test('one is deleted by hand, with its database’s name', async () => {
  await openSnapshot(4);
  await button('Delete').click();
  await dialog().getByLabel('Type “shop” to confirm').fill('shop');
  await dialog().getByRole('button', { name: 'Delete' }).click();
  await dialog().getByText('It is the newest snapshot of a database that is backed up.').waitFor();
  await dialog().getByRole('button', { name: 'Cancel' }).click();
  await openSnapshot(3);
  await button('Delete').click();
  await dialog().getByLabel('Type “shop” to confirm').fill('shop');
  await look('dialog-delete-snapshot');
  await dialog().getByRole('button', { name: 'Delete' }).click();
  await heading('shop').waitFor();
  await row('Number 3').waitFor({ state: 'detached' });
  const left = await api.get<{ sequence: number }[]>(`/snapshots?databaseId=${shop.id}`);
  expect(left.map(({ sequence }) => sequence)).toEqual([4, 2, 1]);
});

test('space is freed, and the vault says how much', async () => {
  const { page } = stage;
  await goTo('Vaults');
  await button('Free space now in Default').click();
  await page
    .getByRole('region', { name: 'Space of Default' })
    .getByText(/ in \d packs?$/)
    .waitFor();
  await look('vault-freed');
  await goTo('Audit log');
  for (const words of ['Snapshot noted', 'Snapshot pinned', 'Snapshot deleted', 'Freeing of space begun'])
    await page.getByText(words).first().waitFor();
});

test('what a check finds damaged is marked, and not restored', async () => {
  const { page } = stage;
  const vaults = join(stage.controlPlane.data, 'vaults');
  const packs = (await readdir(vaults, { recursive: true })).filter((name) =>
    /packs\/..\/\w{64}$/.test(name),
  );
  for (const name of packs) await truncate(join(vaults, name), 100);
  await goTo('Vaults');
  await page.getByLabel('By itself').selectOption('every 7 days');
  await button('Check all files of Default').click();
  const findings = page.getByRole('region', { name: 'Check of Default' });
  await findings.getByText(packs[0]?.split('/').at(-1) ?? '').waitFor();
  await openSnapshot(4);
  await page.getByText('something this snapshot needs is damaged or lost').waitFor();
  expect(await page.getByRole('link', { name: 'Restore', exact: true }).count()).toBe(0);
  await look('snapshot-damaged');
  const [vault] = await api.get<{ checkEveryDays: number }[]>('/vaults');
  expect(vault?.checkEveryDays).toBe(7);
  await backUp(api, shop.id);
  await goTo('Databases');
  await page.getByRole('link', { name: 'shop' }).click();
  await row('Number 5').getByRole('link', { name: 'Restore snapshot 5' }).waitFor();
  await row('Number 4').getByText('Damaged').waitFor();
});

test('axe finds nothing, and the console is silent', expectClean);
