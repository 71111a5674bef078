import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Api } from '../support/api.ts';
import { addServer, backUp, protect } from '../support/protect.ts';
import { createShop } from '../support/shop.ts';
import { readKit } from '../vault-format/reader.ts';
import { type Stage, startStage } from './stage.ts';
import { tell } from './story.ts';

/** The kit with which backups outlive the control plane, from the first minute to the day it is asked for again. */
let stage: Stage;
let api: Api;
let vaultId: string;

beforeAll(async () => {
  stage = await startStage();
  api = await stage.controlPlane.claim();
  vaultId = (await api.get<{ id: string }[]>('/vaults'))[0]!.id;
});
afterAll(() => stage?.stop());

const { button, expectClean, goTo, heading, look } = tell(() => stage);

/** Presses the button and gives what the browser saved. */
async function save(): Promise<{ name: string; text: string }> {
  const { page } = stage;
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    button('Download recovery kit').click(),
  ]);
  const parts: Buffer[] = [];
  for await (const part of await download.createReadStream()) parts.push(part as Buffer);
  return { name: download.suggestedFilename(), text: Buffer.concat(parts).toString('utf8') };
}

test('nobody without a session or key gets a kit', async () => {
  const url = `${stage.controlPlane.url}/api/v1/vaults/${vaultId}/recovery-kit`;
  expect((await fetch(url, { method: 'POST' })).status).toBe(401);
  const headers = { authorization: `Bearer ${api.key}` };
  expect((await fetch(url, { headers })).status).toBe(404);
  const foreign = url.replace(vaultId, crypto.randomUUID());
  expect((await fetch(foreign, { method: 'POST', headers })).status).toBe(404);
});

test('the first steps are not over with the first backup: the kit is asked for', async () => {
  const { page, postgres } = stage;
  await stage.signIn();
  await page.getByRole('heading', { name: 'First steps' }).waitFor();
  await page.getByText('Whoever has the kit and the vault’s files can read every backup.').waitFor();
  const agent = await stage.agent('db-host', api);
  await createShop(postgres, 'shop', 500);
  const { id } = await addServer(api, agent, { name: 'shop-server', server: postgres });
  await backUp(api, (await protect(api, id, 'shop')).id);
  await page.getByText('Make the first backup (done)').waitFor();
  await page.getByText('Save the recovery kit', { exact: true }).waitFor();
  await look('first-steps-kit');
});

test('saved there, it is the vault’s kit, and the step is done', async () => {
  const { page } = stage;
  const { name, text } = await save();
  expect(name).toBe(`homeport-recovery-kit-${vaultId.slice(0, 8)}.txt`);
  expect(readKit(text)).toMatchObject({ vaultId, identity: expect.stringMatching(/^AGE-SECRET-KEY-1/) });
  expect(text).toContain(`control-plane: ${stage.controlPlane.url}\n`);
  await page.getByRole('heading', { name: 'First steps' }).waitFor({ state: 'detached' });
});

test.each(['Settings', 'Vaults'])('%s says when, and gives it again', async (name) => {
  const { page } = stage;
  await goTo(name);
  await heading(name).waitFor();
  const section = page.getByRole('region', { name: 'Recovery kit' });
  await section.getByText('Last downloaded').waitFor();
  await section.getByText('Whoever has the kit and the vault’s files can read every backup.').waitFor();
  await look(`${name.toLowerCase()}-kit`);
  expect(readKit((await save()).text).vaultId).toBe(vaultId);
});

test('the audit log tells who took it', async () => {
  await goTo('Audit log');
  await heading('Audit log').waitFor();
  await stage.page.getByText('Recovery kit downloaded').first().waitFor();
});

test('axe finds nothing, and the console is silent', expectClean);
