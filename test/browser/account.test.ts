import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ageSessions } from '../support/age-sessions.ts';
import { OWNER } from '../support/control-plane.ts';
import { totpOf } from '../support/totp.ts';
import { type Stage, startStage } from './stage.ts';
import { tell } from './story.ts';

/** Somebody’s own account: second factor, password, sessions, and being asked once more. */
let stage: Stage;
let secret: string;
let backupCode: string;

beforeAll(async () => {
  stage = await startStage();
  await stage.controlPlane.claim();
});
afterAll(() => stage?.stop());

const { button, dialog, expectClean, goTo, heading, look } = tell(() => stage);
const goToAccount = () => stage.page.getByRole('link', { name: /^Your account/ }).click();

async function signInOn(page: Page, second: () => string): Promise<void> {
  await page.goto(`${stage.controlPlane.url}/login`);
  await page.getByLabel('E-mail address').fill(OWNER.email);
  await page.getByLabel('Password').fill(OWNER.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByLabel('Code of your authenticator app').waitFor();
  const code = second();
  if (!/^\d{6}$/.test(code)) await page.getByRole('button', { name: 'Use a backup code' }).click();
  await page.getByLabel(/^(Code of your|Backup code)/).fill(code);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
}

test('a second factor is turned on with an authenticator app', async () => {
  await stage.signIn();
  await goToAccount();
  await heading('Your account').waitFor();
  await look('account');
  await button('Turn on').click();
  await stage.page.getByLabel('Your password').fill('not it');
  await button('Go on').click();
  await stage.page.getByText('The password is wrong.').waitFor();
  await stage.page.getByLabel('Your password').fill(OWNER.password);
  await button('Go on').click();
  await stage.page.getByRole('img', { name: 'Picture for the authenticator app' }).waitFor();
  secret = (await stage.page.getByRole('region', { name: 'Key for the app' }).textContent()) ?? '';
  await look('two-factor');
  await stage.page.getByLabel('Code', { exact: true }).fill(totpOf(secret));
  await dialog().getByRole('button', { name: 'Turn on' }).click();
  const codes = await stage.page.getByRole('region', { name: 'Backup codes' }).textContent();
  backupCode = codes?.split('\n')[0]?.trim() ?? '';
  await look('backup-codes');
  await button('I have saved them').click();
  await stage.page.getByText('On: signing in asks for a code').waitFor();
});

test('signing in asks for a code then; a backup code does as well', async () => {
  const elsewhere = await stage.anotherPage();
  await signInOn(elsewhere, () => totpOf(secret));
  const lost = await stage.anotherPage();
  await signInOn(lost, () => backupCode);
  await stage.page.reload();
  const rows = stage.page.getByRole('table', { name: 'Sessions' }).getByRole('row');
  await rows.nth(3).waitFor();
  await look('account-sessions');
  await button('Sign out everywhere else').click();
  await rows.nth(3).waitFor({ state: 'detached' });
  await lost.reload();
  await lost.getByRole('heading', { name: 'Sign in to Homeport' }).waitFor();
});

test('what opens every backup asks once more after a while, and then goes on by itself', async () => {
  const db = new Database(join(stage.controlPlane.data, 'homeport.sqlite'));
  ageSessions(db);
  db.close();
  await goTo('Settings');
  await button('Download recovery kit').click();
  await dialog().getByText('You signed in a while ago').waitFor();
  await look('sign-in-again');
  await stage.page.getByLabel('Password').fill(OWNER.password);
  await button('Go on').click();
  await stage.page.getByLabel('Code of your authenticator app').fill(totpOf(secret));
  const download = stage.page.waitForEvent('download');
  await button('Go on').click();
  expect((await download).suggestedFilename()).toContain('kit');
  await dialog().waitFor({ state: 'detached' });
});

test('the password is changed', async () => {
  await goToAccount();
  await stage.page.getByLabel('Password you have now').fill(OWNER.password);
  await stage.page.getByLabel('New password').fill('another battery');
  await button('Change password').click();
  await stage.page.getByText('Changed.').waitFor();
});

test('nothing was wrong with any page', () => expectClean());
