import { afterAll, beforeAll, expect, test } from 'vitest';
import { OWNER } from '../support/control-plane.ts';
import { type Stage, startStage } from './stage.ts';
import { tell } from './story.ts';

/** A passkey made and used with an authenticator of the browser's own; they want an address with a name. */
let stage: Stage;
let url: string;
let verifies: (yes: boolean) => Promise<unknown>;

beforeAll(async () => {
  stage = await startStage({}, 'localhost');
  await stage.controlPlane.claim();
  url = stage.controlPlane.url.replace('127.0.0.1', 'localhost');
  const devTools = await stage.page.context().newCDPSession(stage.page);
  await devTools.send('WebAuthn.enable');
  const { authenticatorId } = await devTools.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      ...{ protocol: 'ctap2', transport: 'internal', automaticPresenceSimulation: true },
      ...{ hasResidentKey: true, hasUserVerification: true, isUserVerified: true },
    },
  });
  verifies = (isUserVerified) =>
    devTools.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified });
});
afterAll(() => stage?.stop());

const { button, dialog, expectClean, heading, look } = tell(() => stage);

test('one is added to the account', async () => {
  const { page } = stage;
  await page.goto(url);
  await page.getByLabel('E-mail address').fill(OWNER.email);
  await page.getByLabel('Password').fill(OWNER.password);
  await look('login-passkey');
  await button('Sign in').click();
  await heading('Overview').waitFor();
  await page.getByRole('link', { name: /^Your account/ }).click();
  await button('Add a passkey').click();
  await page.getByLabel('Name').fill('Work laptop');
  await look('passkey-add');
  await button('Add passkey').click();
  await dialog().waitFor({ state: 'detached' });
  await button('Remove Work laptop').waitFor();
  await look('passkeys');
});

test('it opens the account without a password', async () => {
  await button('Sign out').click();
  await heading('Sign in to Homeport').waitFor();
  await button('Use a passkey').click();
  await heading('Overview').waitFor();
});

test('a device that does not verify who holds it does not', async () => {
  const { page } = stage;
  await button('Sign out').click();
  await heading('Sign in to Homeport').waitFor();
  await verifies(false);
  await button('Use a passkey').click();
  await page
    .getByRole('alert')
    .getByText(/passkey/)
    .first()
    .waitFor();
  await verifies(true);
  await button('Use a passkey').click();
  await heading('Overview').waitFor();
});

test('one that is removed opens nothing any more', async () => {
  const { page } = stage;
  await page.getByRole('link', { name: /^Your account/ }).click();
  await button('Remove Work laptop').click();
  await page.getByText('No passkey yet').waitFor();
  await button('Sign out').click();
  await heading('Sign in to Homeport').waitFor();
  await button('Use a passkey').click();
  await page.getByText('This passkey was not accepted.').waitFor();
  const log = await (await stage.controlPlane.createApi('reader')).get<{ action: string }[]>('/audit');
  expect(log.map(({ action }) => action)).toEqual(
    expect.arrayContaining(['user.add-passkey', 'user.remove-passkey', 'user.sign-in-refused']),
  );
});

test('nothing was wrong with any page', () => expectClean());
