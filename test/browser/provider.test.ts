import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ageSessions } from '../support/age-sessions.ts';
import { type OpenIdProvider, startOpenIdProvider } from '../support/openid-provider.ts';
import { type Stage, startStage } from './stage.ts';
import { tell } from './story.ts';

/** An owner sets a sign-in provider up; somebody joins through it, comes again, and proves who they are. */
let stage: Stage;
let provider: OpenIdProvider;
let other: Page;
let invitation: string;

beforeAll(async () => {
  stage = await startStage({ HOMEPORT_LOCAL_ENDPOINTS: 'allow' });
  const { url } = stage.controlPlane;
  // Another site than ours, as it is in life: cookies cross from there as they do everywhere.
  provider = await startOpenIdProvider([`${url}/api/auth/oidc/callback`], 'localhost');
  provider.people.set('grace', { name: 'Grace Hopper', email: 'grace@example.org', email_verified: true });
  provider.people.set('ada', { name: 'Ada', email: 'ada@example.org', email_verified: true });
  const api = await stage.controlPlane.claim();
  const standing = { role: 'admin', extraRights: ['delete'] };
  invitation = (await api.post<{ url: string }>('/invitations', { standing })).url;
  await stage.agent('lost-host', api);
  other = await stage.anotherPage();
});
afterAll(async () => {
  await stage?.stop();
  await provider?.stop();
});

const { button, dialog, expectClean, goTo, look } = tell(() => stage);
const theirs = (name: string) => other.getByRole('button', { name, exact: true });

/** At the provider’s own page. */
async function signInThere(page: Page, login: string): Promise<void> {
  await page.getByPlaceholder('Enter any login').fill(login);
  await page.getByPlaceholder('and password').fill('any');
  await page.getByRole('button', { name: 'Sign-in' }).click();
}

test('the owner sets it up in the settings, after it has answered', async () => {
  await stage.signIn();
  await goTo('Settings');
  await button('Set up a provider').click();
  const field = (name: string) => dialog().getByLabel(name, { exact: true });
  await field('Name').fill('Works');
  await field('Issuer').fill(`${provider.issuer}/somewhere`);
  await field('Client id').fill(provider.clientId);
  await field('Client secret').fill(provider.clientSecret);
  await button('Test and save').click();
  await dialog().getByText('Works cannot be asked').waitFor();
  await look('sign-in-provider-refused');
  await field('Issuer').fill(provider.issuer);
  await dialog().getByLabel('Let people in without an invitation').check();
  await field('E-mail domains (optional)').fill('example.com');
  await look('sign-in-provider-form');
  await button('Test and save').click();
  await dialog().waitFor({ state: 'detached' });
  await stage.page.getByText('addresses at example.com').waitFor();
  await look('sign-in-provider');
  await button('Change the sign-in provider').click();
  expect(await field('Client secret (optional)').inputValue()).toBe('');
  await dialog().getByLabel('Let people in without an invitation').uncheck();
  await button('Test and save').click();
  await stage.page.getByText('Nobody without an invitation').waitFor();
});

test('somebody joins through it with an invitation', async () => {
  await other.goto(invitation);
  await theirs('Continue with Works').click();
  await signInThere(other, 'grace');
  await other.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
  await other.getByRole('link', { name: /^Your account/ }).click();
  await other.getByText('You have none, and sign in with a connected account').waitFor();
  await theirs('Disconnect Works').click();
  await other.getByText('This is the only way in to your account.').waitFor();
});

test('they sign out, and in with it; somebody whom nobody knows does not', async () => {
  await theirs('Sign out').click();
  await other.getByRole('heading', { name: 'Sign in to Homeport' }).waitFor();
  await theirs('Continue with Works').click();
  await other.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
  const stranger = await stage.anotherPage();
  await stranger.goto(`${stage.controlPlane.url}/agents`);
  await stranger.getByRole('button', { name: 'Continue with Works' }).click();
  await signInThere(stranger, 'ada');
  await stranger.getByText('Nobody here is connected with your account at Works.').waitFor();
  await stranger.reload();
  await stranger.getByRole('heading', { name: 'Sign in to Homeport' }).waitFor();
  expect(await stranger.getByText('Nobody here is connected').count()).toBe(0);
  await stranger.close();
});

test('they prove once more that it is them, and what they began goes on', async () => {
  const db = new Database(join(stage.controlPlane.data, 'homeport.sqlite'));
  ageSessions(db);
  db.close();
  await other.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Agents' }).click();
  await other.getByRole('link', { name: 'lost-host' }).click();
  await theirs('Revoke').click();
  await other.getByLabel('Type “lost-host” to confirm').fill('lost-host');
  await other.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
  await other.getByText('Is it you?').waitFor();
  expect(await other.getByLabel('Password').count()).toBe(0);
  const opened = other.waitForEvent('popup');
  await theirs('Continue with Works').click();
  const window = await opened;
  const closed = window.waitForEvent('close');
  await signInThere(window, 'grace');
  await other.getByText('revoked').first().waitFor();
  await closed;
});

test('the owner connects an account of their own, and signs in with it', async () => {
  const { page } = stage;
  await page.getByRole('link', { name: /^Your account/ }).click();
  await button('Connect Works').click();
  // The session is as old as theirs.
  await dialog().getByLabel('Password').fill('correct horse battery');
  await button('Go on').click();
  await signInThere(page, 'ada');
  await button('Disconnect Works').waitFor();
  await look('connected-account');
  await button('Sign out').click();
  await look('login-provider');
  await button('Continue with Works').click();
  await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
  await goTo('Settings');
  await page.getByText('2 users').waitFor();
  await button('Remove the sign-in provider').click();
  await dialog().getByText('One user has no other way in').waitFor();
  await look('sign-in-provider-remove');
});

test('nothing was wrong with any page', () => expectClean());
