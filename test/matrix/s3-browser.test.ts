import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Stage, startStage } from '../browser/stage.ts';
import { tell } from '../browser/story.ts';
import type { Api } from '../support/api.ts';
import { type S3Server, startS3Server } from '../support/s3.ts';

/** A vault in a bucket, by clicking: a slip, the test of the bucket, new backups there, another key. */
let stage: Stage;
let api: Api;
let s3: S3Server;
beforeAll(async () => {
  s3 = await startS3Server();
  await s3.bucket('backups');
  stage = await startStage({ HOMEPORT_LOCAL_ENDPOINTS: 'allow' });
  api = await stage.controlPlane.claim();
}, 180_000);
afterAll(async () => {
  await stage?.stop();
  await s3?.stop();
});

const { button, dialog, expectClean, goTo, heading, look } = tell(() => stage);
const field = (label: string) => dialog().getByLabel(label, { exact: false }).first();

test('the form asks for what a bucket needs', async () => {
  await stage.signIn();
  await goTo('Vaults');
  await button('Add vault').click();
  await field('Name of the vault').fill('offsite');
  await field('Endpoint').fill(`http://127.0.0.1:${s3.port}`);
  await dialog().getByRole('textbox', { name: 'Bucket' }).fill('backup');
  await dialog().getByRole('textbox', { name: 'Folder' }).fill('/homeport/');
  await dialog().getByRole('checkbox', { name: 'Bucket in the path' }).check();
  await field('Access key').fill('AKIDTEST');
  await field('Secret key').fill('secret');
  await look('bucket-form');
});

test('a bucket that is not there is named, and what was typed stays', async () => {
  await button('Test and create').click();
  await dialog().getByText('Make the bucket, or correct its name').waitFor();
  await look('bucket-refused');
  expect(await field('Secret key').inputValue()).toBe('secret');
});

test('put right, it is a vault, which new backups can go to', async () => {
  const { page } = stage;
  await dialog().getByRole('textbox', { name: 'Bucket' }).fill('backups');
  await button('Test and create').click();
  const vault = page.getByRole('region', { name: 'Vault offsite' });
  await vault.getByText(`s3://backups/homeport at 127.0.0.1:${s3.port}`).waitFor();
  await vault.getByText('Go to another vault').waitFor();
  // moto’s server does not prove checksums, and the test of the bucket has seen that.
  await vault.getByText('Through the control plane').waitFor();
  await look('vaults-bucket');
  await vault.getByRole('button', { name: 'Use for new backups' }).click();
  await vault.getByText('Go here').waitFor();
  const vaults = await api.get<{ name: string; isDefault: boolean }[]>('/vaults');
  expect(vaults.find(({ isDefault }) => isDefault)?.name).toBe('offsite');
  expect(await s3.keys('backups')).toContain('homeport/vault.json');
});

test('another key is tested and saved; the keys are never filled in', async () => {
  const { page } = stage;
  await page.getByRole('button', { name: 'Change access' }).click();
  expect(await field('Secret key').inputValue()).toBe('');
  expect(await dialog().getByRole('textbox', { name: 'Bucket' }).isDisabled()).toBe(true);
  await field('Access key').fill('AKIDOTHER');
  await field('Secret key').fill('other');
  await look('bucket-access');
  await button('Test and save').click();
  await dialog().waitFor({ state: 'detached' });
});

test('the audit log tells of all three', async () => {
  await goTo('Audit log');
  await heading('Audit log').waitFor();
  for (const act of ['Vault made', 'Vault chosen for new backups', 'Access to a vault’s store changed'])
    await stage.page.getByText(act).first().waitFor();
});

test('axe finds nothing, and the console is silent', expectClean);
