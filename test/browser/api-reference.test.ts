import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Api } from '../support/api.ts';
import { eventually } from '../support/eventually.ts';
import { registeredRoutes } from '../support/routes.ts';
import { type Stage, startStage } from './stage.ts';
import { tell } from './story.ts';

/** Somebody who writes a script: from the settings to a command that works. */
let stage: Stage;
let api: Api;

beforeAll(async () => {
  stage = await startStage();
  api = await stage.controlPlane.claim();
});
afterAll(() => stage?.stop());

const { expectClean, goTo, heading, look } = tell(() => stage);
const search = () => stage.page.getByLabel('Search routes');
/** The line of a route, which opens it. */
const line = (method: string, path: string) =>
  stage.page
    .locator('summary')
    .filter({ hasText: new RegExp(`^${method}${path.replaceAll(/[{}]/g, '\\$&')}[A-Z]`) });

test('the settings lead to every route, in its group', async () => {
  await stage.signIn();
  await goTo('Settings');
  await stage.page.getByRole('link', { name: 'API reference' }).click();
  await heading('API reference').waitFor();
  await line('GET', '/agents').waitFor();
  expect(await stage.page.locator('main details').count()).toBe(registeredRoutes().length);
  await look('api-reference');
});

test('a route opens by keyboard to what it asks for, takes and answers', async () => {
  const { page } = stage;
  const restore = line('POST', '/snapshots/{id}/restore');
  await restore.focus();
  await page.keyboard.press('Enter');
  await page.getByText('view, restore', { exact: true }).waitFor();
  await page.getByText('Name of the target, typed out exactly.').waitFor();
  await page.getByRole('heading', { name: 'Answer 202' }).waitFor();
  const plan = page
    .locator('summary')
    .filter({ hasText: /^plan RestorePlan/ })
    .first();
  await plan.focus();
  await page.keyboard.press('Enter');
  await page.getByText('"new" | "swap" | "in-place"').first().waitFor();
  await look('api-reference-open');
  await page.keyboard.press('Enter');
});

test('a search leaves the routes that match', async () => {
  await stage.page.keyboard.press('Escape');
  await search().fill('recovery kit');
  await eventually('one is left', async () => (await stage.page.locator('main details').count()) === 1);
  await line('POST', '/vaults/{id}/recovery-kit').waitFor();
  await search().fill('no such route');
  await stage.page.getByText('No route matches.').waitFor();
  await search().fill('');
});

test('an example does what it says', async () => {
  const { page } = stage;
  for (const [method, path] of [
    ['GET', '/overview'],
    ['POST', '/enrolment-tokens'],
  ] as const) {
    await line(method, path).click();
    const example = await page.getByRole('region', { name: `Example for ${method} ${path}` }).textContent();
    const { stdout } = await promisify(execFile)('bash', ['-c', example ?? ''], {
      env: { ...process.env, KEY: api.key },
    });
    expect(JSON.parse(stdout)).toBeTypeOf('object');
    expect(example).not.toContain(api.key);
  }
  expect(await api.get('/enrolment-tokens')).toHaveLength(1);
});

test('the palette finds the page', async () => {
  const { page } = stage;
  await goTo('Overview');
  await heading('Overview').waitFor();
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox', { name: /Page, database/ }).fill('api ref');
  await page.keyboard.press('Enter');
  await heading('API reference').waitFor();
  await expectClean();
});
