import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Api } from '../support/api.ts';
import { addServer, backUp, protect } from '../support/protect.ts';
import { createShop } from '../support/shop.ts';
import { type Stage, startStage } from './stage.ts';
import { tell } from './story.ts';

/** An owner who lets somebody else in, step by step, and that somebody’s own browser. */
let stage: Stage;
let api: Api;
let other: Page;

beforeAll(async () => {
  stage = await startStage();
  const { controlPlane, postgres } = stage;
  api = await controlPlane.claim();
  const shopHost = await stage.agent('shop-host', api);
  await stage.agent('other-host', api);
  await createShop(postgres, 'shop', 50);
  const { id } = await addServer(api, shopHost, { name: 'shop-server', server: postgres });
  await backUp(api, (await protect(api, id, 'shop')).id);
  other = await stage.anotherPage();
});
afterAll(() => stage?.stop());

const { button, dialog, expectClean, goTo, look } = tell(() => stage);
const joiner = { name: 'Grace Guest', email: 'grace@example.org', password: 'correct horse' };

const navigation = async () =>
  (await other.getByRole('navigation', { name: 'Main' }).getByRole('link').allTextContents()).map((text) =>
    text.trim(),
  );
const theirs = (name: string | RegExp) => other.getByRole('button', { name, exact: true });
const goThere = (name: string) =>
  other.getByRole('navigation', { name: 'Main' }).getByRole('link', { name }).click();

test('the owner invites somebody as an operator who may restore', async () => {
  await stage.signIn();
  await goTo('Users');
  await stage.page.getByText('Olive Owner').first().waitFor();
  await look('users');
  await button('Invite').click();
  await stage.page.getByLabel('For whom').fill('Grace of the shop');
  await dialog()
    .getByRole('radio', { name: /^Operator/ })
    .check();
  await dialog().getByRole('checkbox', { name: 'Restore' }).check();
  await look('invite');
  await button('Make a link').click();
  await stage.page.getByText('whoever opens it first becomes Operator, may restore').waitFor();
  await look('invitation-link');
});

test('with the link they make an account of their own', async () => {
  const link = (await dialog().locator('code, pre').first().textContent())?.trim() ?? '';
  await button('Done').click();
  await stage.page.getByText('Grace of the shop', { exact: true }).waitFor();
  await other.goto(link);
  await other.getByText('Olive Owner invites you. Operator:').waitFor();
  await other.getByLabel('Name').fill(joiner.name);
  await other.getByLabel('E-mail address').fill(joiner.email);
  await other.getByLabel('Password').fill(joiner.password);
  await theirs('Create account').click();
  await other.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
  // The owner's page notices by itself.
  await stage.page.getByRole('table', { name: 'Users' }).getByText(joiner.email).waitFor();
  await other.goto(link);
  await other.getByText('This link does not work').waitFor();
});

test('they see what they may do, and no control for what they may not', async () => {
  await other.goto(stage.controlPlane.url);
  await other.getByText('Your database is protected.').waitFor();
  expect(await navigation()).toEqual([
    'Overview',
    'Databases',
    'Servers',
    'Agents',
    'Policies',
    'Jobs',
    'Vaults',
    'Settings',
  ]);
  await goThere('Databases');
  await other.getByRole('link', { name: 'shop', exact: true }).click();
  await theirs('Back up now').waitFor();
  await other.getByRole('link', { name: 'Restore snapshot 1' }).waitFor();
  expect(await other.getByRole('link', { name: /^Download/ }).count()).toBe(0);
  expect(await theirs('Stop protecting').count()).toBe(0);
  await goThere('Vaults');
  await other.getByText('Signing key').waitFor();
  expect(await theirs('Add vault').count()).toBe(0);
  expect(await theirs(/recovery kit/).count()).toBe(0);
  await goThere('Settings');
  await other.getByText('Key fingerprint').waitFor();
  expect(await theirs(/recovery kit/).count()).toBe(0);
  await other.goto(`${stage.controlPlane.url}/users`);
  await other.getByText('Your account is not allowed to').first().waitFor();
});

test('the owner gives an agent a label and limits them to it; their open page follows', async () => {
  await other.goto(`${stage.controlPlane.url}/agents`);
  await other.getByRole('link', { name: 'other-host' }).waitFor();
  await goTo('Agents');
  await stage.page.getByRole('link', { name: 'shop-host' }).click();
  await button('Labels').click();
  await stage.page.getByLabel('Labels', { exact: true }).fill('team=shop');
  await look('agent-labels');
  await button('Save labels').click();
  await stage.page.getByText('team=shop', { exact: true }).waitFor();
  await goTo('Users');
  await button('Change Grace Guest').click();
  await dialog()
    .getByRole('radio', { name: /^Viewer/ })
    .check();
  await dialog().getByLabel('Only agents with certain labels').check();
  await dialog().getByLabel('Labels', { exact: true }).fill('team=shop');
  await look('user-change');
  await button('Save').click();
  await stage.page.getByText('agents with team=shop', { exact: true }).waitFor();
  await other.getByRole('link', { name: 'other-host' }).waitFor({ state: 'detached' });
  await other.getByRole('link', { name: 'shop-host' }).waitFor();
  await goThere('Databases');
  await other.getByRole('link', { name: 'shop', exact: true }).click();
  await other.getByRole('link', { name: 'Restore snapshot 1' }).waitFor();
  expect(await theirs('Back up now').count()).toBe(0);
});

test('a recovery link lets them choose a new password', async () => {
  await button('Recovery link for Grace Guest').click();
  await button('Make a link').click();
  await stage.page.getByText('chooses a new password').waitFor();
  const link = (await dialog().locator('code, pre').first().textContent())?.trim() ?? '';
  await button('Done').click();
  await other.goto(link);
  await other.getByText('Welcome back, Grace Guest').waitFor();
  await other.getByLabel('Password').fill('another horse');
  await theirs('Set password').click();
  await other.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
});

test('an API key is given only what it needs', async () => {
  await goTo('Settings');
  await button('New key').click();
  await dialog().getByLabel('Name').fill('nightly');
  await dialog().getByLabel('Back up, cancel, test connections').check();
  await look('api-key-new');
  await button('Create key').click();
  await stage.page.getByText('Copy the key now').waitFor();
  await button('Done').click();
  const [made] = await api.get<{ name: string; scopes: string[] }[]>('/api-keys');
  expect(made).toMatchObject({ name: 'nightly', scopes: ['view', 'operate'] });
  await look('api-keys');
});

test('whoever is removed is out', async () => {
  await goTo('Users');
  await button('Remove Grace Guest').click();
  await stage.page.getByLabel('Type “Grace Guest” to confirm').fill('Grace Guest');
  await button('Remove user').click();
  await dialog().waitFor({ state: 'detached' });
  expect(await stage.page.getByText(joiner.email).count()).toBe(0);
  await other.goto(stage.controlPlane.url);
  await other.getByRole('heading', { name: 'Sign in to Homeport' }).waitFor();
  await goTo('Audit log');
  for (const act of [
    'User removed',
    'Invitation accepted',
    'Rights of a user changed',
    'Labels of an agent',
  ]) {
    await stage.page.getByText(act).first().waitFor();
  }
});

test('the audit log is searched, and what is found is taken away', async () => {
  const { page } = stage;
  const rows = page.getByRole('table', { name: 'Audit log' }).getByRole('row');
  await page.getByLabel('What about').selectOption('user');
  await page.getByText('Server added').first().waitFor({ state: 'detached' });
  await page.getByLabel('Search people and things').fill('grace');
  await rows.filter({ hasText: 'Invitation accepted' }).waitFor();
  await look('audit-filtered');
  const downloading = page.waitForEvent('download');
  await page.getByRole('link', { name: 'Export' }).click();
  const lines = (await readFile(await (await downloading).path(), 'utf8')).trimEnd().split('\n');
  const acts = lines.map((line) => (JSON.parse(line) as { action: string }).action);
  expect(acts).toContain('user.join');
  expect(acts.every((act) => act.startsWith('user.'))).toBe(true);
  await page.getByLabel('To', { exact: true }).fill('2020-01-01');
  await page.getByText('No entry matches.').waitFor();
});

test('nothing was wrong with any page', () => expectClean());
