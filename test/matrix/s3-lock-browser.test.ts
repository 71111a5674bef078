import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Stage, startStage } from '../browser/stage.ts';
import { tell } from '../browser/story.ts';
import type { Api } from '../support/api.ts';
import { addServer, backUp, protect } from '../support/protect.ts';
import { type S3Server, startS3Server } from '../support/s3.ts';
import { createShop } from '../support/shop.ts';

/** A vault that locks, by clicking: a bucket that cannot, one that can, and what is said of its lock afterwards. */
let stage: Stage;
let api: Api;
let s3: S3Server;
let databaseId: string;
beforeAll(async () => {
  s3 = await startS3Server();
  await s3.bucket('plain');
  await s3.lockable('locking');
  stage = await startStage({ HOMEPORT_LOCAL_ENDPOINTS: 'allow' });
  api = await stage.controlPlane.claim();
  const agent = await stage.agent('db-host', api);
  await createShop(stage.postgres, 'shop', 2000);
  const { id } = await addServer(api, agent, { name: 'harbour', server: stage.postgres });
  databaseId = (await protect(api, id, 'shop')).id;
}, 180_000);
afterAll(async () => {
  await stage?.stop();
  await s3?.stop();
});

const { button, dialog, expectClean, goTo, look } = tell(() => stage);
const field = (name: string) => dialog().getByRole('textbox', { name });
const lock = () => dialog().getByLabel('Lock backups');
const days = () => dialog().getByLabel('For days');
const vault = () => stage.page.getByRole('region', { name: 'Vault locked' });

test('the form says what each kind of lock means, and asks for its days only then', async () => {
  await stage.signIn();
  await goTo('Vaults');
  await button('Add vault').click();
  await field('Name of the vault').fill('locked');
  await field('Endpoint').fill(`http://127.0.0.1:${s3.port}`);
  await field('Bucket').fill('plain');
  await dialog().getByRole('checkbox', { name: 'Bucket in the path' }).check();
  await field('Access key').fill('AKIDTEST');
  await dialog().getByLabel('Secret key').fill('secret');
  expect(await days().count()).toBe(0);
  await lock().selectOption('Yes, governance');
  await dialog().getByText('s3:BypassGovernanceRetention').waitFor();
  await lock().selectOption('Yes, compliance');
  await dialog().getByText('not even the owner of the account').waitFor();
  await days().fill('14');
  await look('bucket-lock-form');
});

test('a bucket without Object Lock is named, and what was typed stays', async () => {
  await button('Test and create').click();
  await dialog().getByText('has no Object Lock').waitFor();
  await dialog().getByText('Make a bucket with Object Lock enabled').waitFor();
  expect(await days().inputValue()).toBe('14');
});

test('one with it becomes a vault that tells how it locks', async () => {
  await field('Bucket').fill('locking');
  await button('Test and create').click();
  await dialog().waitFor({ state: 'detached' });
  await vault().getByText('14 days from each backup on, compliance').waitFor();
  await look('vaults-locked');
  await vault().getByRole('button', { name: 'Use for new backups' }).click();
  await vault().getByText('Go here').waitFor();
});

test('a snapshot in it says until when it is locked', async () => {
  const { snapshot } = await backUp(api, databaseId);
  await goTo('Databases');
  await stage.page.getByRole('link', { name: 'shop' }).click();
  await stage.page.getByText('Locked', { exact: true }).waitFor();
  await look('snapshots-locked');
  await stage.page.getByRole('table', { name: 'Snapshots' }).getByRole('link').first().click();
  await stage.page.getByText('Locked until').waitFor();
  const shown = stage.page.locator(`time[datetime="${snapshot.lockedUntil}"]`);
  expect(await shown.count()).toBe(1);
  await look('snapshot-locked');
});

test('the form for another key begins with the lock that there is, and a key that can lift it is told of', async () => {
  await goTo('Vaults');
  await vault().getByRole('button', { name: 'Change access' }).click();
  expect(await lock().inputValue()).toBe('compliance');
  expect(await days().inputValue()).toBe('14');
  await field('Access key').fill('AKIDTEST');
  await dialog().getByLabel('Secret key').fill('secret');
  await lock().selectOption('Yes, governance');
  await days().fill('1');
  await button('Test and save').click();
  await dialog().waitFor({ state: 'detached' });
  await vault()
    .getByText('1 day from each backup on, governance; the vault’s own access key can lift it')
    .waitFor();
});

test('axe finds nothing, and the console is silent', expectClean);
