import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Api } from '../support/api.ts';
import { addServer, backUp, protect } from '../support/protect.ts';
import { createShop } from '../support/shop.ts';
import { type Stage, startStage } from './stage.ts';
import { tell } from './story.ts';

/** A second copy of the vault, by clicking: a slip, the copy, a check, the move there, and forgetting the old place. */
let stage: Stage;
let api: Api;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'homeport-nas-'));
  await mkdir(join(folder, 'copy'));
  await mkdir(join(folder, 'letters'));
  await writeFile(join(folder, 'letters', 'letter.txt'), 'dear');
  stage = await startStage();
  api = await stage.controlPlane.claim();
  const agent = await stage.agent('db-host', api);
  await createShop(stage.postgres, 'shop', 2000);
  const { id } = await addServer(api, agent, { name: 'harbour', server: stage.postgres });
  await backUp(api, (await protect(api, id, 'shop')).id);
}, 120_000);
afterAll(async () => {
  await stage?.stop();
  await rm(folder, { recursive: true, force: true });
});

const { button, dialog, expectClean, goTo, heading, look } = tell(() => stage);
const replica = () => stage.page.getByRole('region', { name: 'Replica of Default' });
const act = (name: string) => replica().getByRole('button', { name }).click();

test('a directory with other files is refused, and what was typed stays', async () => {
  await stage.signIn();
  await goTo('Vaults');
  await act('Add a replica');
  await dialog().getByRole('textbox', { name: 'Directory' }).fill(join(folder, 'letters'));
  await look('replica-form');
  await button('Test and save').click();
  await dialog().getByText('is not empty, and holds no vault').waitFor();
  expect(await dialog().getByRole('textbox', { name: 'Directory' }).inputValue()).toBe(
    join(folder, 'letters'),
  );
});

test('an empty one takes a copy of everything', async () => {
  await dialog().getByRole('textbox', { name: 'Directory' }).fill(join(folder, 'copy'));
  await button('Test and save').click();
  await dialog().waitFor({ state: 'detached' });
  await replica().getByText('Has everything').waitFor();
  await replica().getByText('1 of 1').waitFor();
  await look('vaults-replica');
  expect(await readdir(join(folder, 'copy'))).toContain('recover.mjs');
});

test('the snapshot says that it is in the replica', async () => {
  await goTo('Databases');
  await stage.page.getByRole('link', { name: 'shop' }).click();
  await stage.page.getByText('In the replica').waitFor();
  await look('snapshots-replica');
});

test('a check says what it found', async () => {
  await goTo('Vaults');
  const check = stage.page.getByRole('region', { name: 'Check of Default' });
  await check.getByRole('button', { name: 'Check all files' }).click();
  await check.getByText('Last check').waitFor();
  await look('vaults-check');
});

test('the vault moves there once its name is typed, and the old place can be forgotten', async () => {
  await act('Move the vault there');
  await dialog().getByLabel('Type “Default” to confirm').fill('Default');
  await look('dialog-move-vault');
  await dialog().getByRole('button', { name: 'Move' }).click();
  await dialog().waitFor({ state: 'detached' });
  const vault = stage.page.getByRole('region', { name: 'Vault Default' });
  await replica().getByText('data/vaults').waitFor();
  await vault.getByText(join(folder, 'copy')).waitFor();
  await act('Forget the replica');
  await dialog().getByLabel('Type “Default” to confirm').fill('Default');
  await look('dialog-forget-replica');
  await dialog().getByRole('button', { name: 'Forget' }).click();
  await replica().getByRole('button', { name: 'Add a replica' }).waitFor();
});

test('the audit log tells of it all', async () => {
  await goTo('Audit log');
  await heading('Audit log').waitFor();
  const acts = ['Replica of a vault set', 'Check of a vault begun', 'Vault moved', 'Replica forgotten'];
  for (const one of acts) await stage.page.getByText(one).first().waitFor();
});

test('axe finds nothing, and the console is silent', expectClean);
