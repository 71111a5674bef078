import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Api } from '../support/api.ts';
import { writeSmallRelease } from '../support/small-release.ts';
import { type Stage, startStage } from './stage.ts';
import { tell } from './story.ts';

/** What “Add agent” shows where the control plane has a built agent; the command itself is run in test/e2e/install. */
let stage: Stage;
let api: Api;
let release: string;

beforeAll(async () => {
  release = await mkdtemp(join(tmpdir(), 'homeport-release-'));
  await writeSmallRelease(release);
  stage = await startStage({ HOMEPORT_RELEASE: release });
  api = await stage.controlPlane.claim();
});
afterAll(async () => {
  await stage?.stop();
  await rm(release, { recursive: true, force: true });
});

const { button, dialog, expectClean, goTo, look } = tell(() => stage);

test('the command installs, and carries the SHA-256 of the script that is served', async () => {
  await stage.signIn();
  await goTo('Agents');
  await button('Add agent').first().click();
  await dialog().getByLabel(/^Name/).fill('db-host');
  await button('Show the command').click();
  const command = await dialog().getByLabel('Command that enrols the agent').textContent();
  await dialog().getByText('installs the agent as a service').waitFor();
  const script = await (await fetch(`${stage.controlPlane.url}/install.sh`)).text();
  expect(command).toContain(`${stage.controlPlane.url}/install.sh`);
  expect(command).toContain(createHash('sha256').update(script).digest('hex'));
  expect(command).toMatch(/\nsudo sh homeport-install\.sh <<'TOKEN'\nhpe_[\w-]+\nTOKEN$/);
  await look('dialog-install-agent');
});

test('it turns green when the agent is connected', async () => {
  await stage.agent('db-host', api);
  await dialog().getByText('db-host is connected').waitFor();
  await dialog().getByRole('link', { name: 'Add a server' }).waitFor();
  await look('dialog-agent-connected');
});

test('axe finds nothing, and the console is silent', expectClean);
