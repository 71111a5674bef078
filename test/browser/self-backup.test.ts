import { rename } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Api } from '../support/api.ts';
import { type Stage, startStage } from './stage.ts';
import { tell } from './story.ts';

/** Homeport backs itself up by a button, and says so where it cannot. */
let stage: Stage;
let api: Api;
beforeAll(async () => {
  stage = await startStage();
  api = await stage.controlPlane.claim();
});
afterAll(() => stage?.stop());

const { button, expectClean, goTo, look } = tell(() => stage);
const card = () => stage.page.getByRole('region', { name: 'Backup of Homeport itself', exact: true });

test('an owner backs Homeport up with a button', async () => {
  await stage.signIn();
  await goTo('Settings');
  await card().getByText('None yet').waitFor();
  await button('Back up now').click();
  await card()
    .getByText(/^control-plane\/\d{8}T\d{6}Z-.*\.age$/)
    .waitFor();
  const { last } = await api.get<{ last: { name: string } }>('/self-backup');
  expect(await card().textContent()).toContain(last.name);
  await look('self-backup');
});

test('where it cannot, the card and the overview say why', async () => {
  const [vault] = await api.get<{ path: string }[]>('/vaults');
  await rename(vault!.path, `${vault!.path}.away`);
  await button('Back up now').click();
  await card()
    .getByText(/Mount the disk/)
    .first()
    .waitFor();
  await look('self-backup-failed');
  await goTo('Overview');
  await card()
    .getByText(/The last backup of Homeport itself failed/)
    .waitFor();
  await look('self-backup-warning');
  await rename(`${vault!.path}.away`, vault!.path);
  await goTo('Settings');
  await button('Back up now').click();
  await card()
    .getByText(/Mount the disk/)
    .first()
    .waitFor({ state: 'detached' });
  await goTo('Overview');
  await card().waitFor({ state: 'detached' });
});

test('axe finds nothing on any of them, and the console is silent', expectClean);
