import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { signRelease, writeReleaseKey } from '../../agent/build/signing.ts';
import { nothingHere } from '../../agent/update/updater.ts';
import { writeSmallRelease } from '../support/small-release.ts';
import { type Stage, startStage } from './stage.ts';
import { tell } from './story.ts';

/** From a build that nobody signed to an agent that says why it does not take one that is signed. */
let stage: Stage;
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'homeport-update-'));
  await writeSmallRelease(directory, { version: '0.2.0' });
  stage = await startStage({ HOMEPORT_RELEASE: directory });
  await stage.agent('db-host', await stage.controlPlane.claim());
});
afterAll(async () => {
  await stage?.stop();
  await rm(directory, { recursive: true, force: true });
});

const { button, expectClean, goTo, look } = tell(() => stage);

test('a build that is not signed: agents are installed from it, not updated, and the page says so', async () => {
  await stage.signIn();
  await goTo('Agents');
  await stage.page.getByText('is not signed: it can be installed, but no agent takes it').waitFor();
  expect(await stage.page.getByText('update available').count()).toBe(0);
  await look('agents-unsigned');
});

test('once it is signed, the update is offered', async () => {
  const keyFile = join(directory, '..', `${Date.now()}.key`);
  await writeReleaseKey(keyFile);
  await signRelease(directory, keyFile);
  await rm(keyFile);
  const { page } = stage;
  await page.reload();
  await page.getByText('update available').waitFor();
  expect(await page.getByText('is not signed').count()).toBe(0);
  await page.getByRole('link', { name: 'db-host' }).click();
  await button('Update to 0.2.0').waitFor();
  await look('agent-update');
});

test('an agent that runs from a checkout does not take it, and says what to do instead', async () => {
  const { page } = stage;
  await button('Update to 0.2.0').click();
  await page.getByText(/^Not updated to 0\.2\.0/).waitFor();
  // It says something else where these tests run in a container.
  await page.getByText(nothingHere().failure.message).waitFor();
  await page.getByText('update_not_possible').waitFor();
  await look('agent-update-refused');
});

test('who asked, and what the agent said, is in the audit log', async () => {
  const { page } = stage;
  await goTo('Audit log');
  await page.getByText('Update of an agent asked for').first().waitFor();
  await page.getByText('Agent not updated').first().waitFor();
});

test('axe finds nothing on any of them, and the console is silent', expectClean);
