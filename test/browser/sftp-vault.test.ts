import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Api } from '../support/api.ts';
import { type SftpServer, startSftpServer } from '../support/sftp.ts';
import { type Stage, startStage } from './stage.ts';
import { tell } from './story.ts';

/** A vault on an SFTP server, by clicking: a slip, the test of the server, new backups there, another key. */
let stage: Stage;
let api: Api;
let sftp: SftpServer;
beforeAll(async () => {
  sftp = await startSftpServer();
  stage = await startStage({ HOMEPORT_LOCAL_ENDPOINTS: 'allow' });
  api = await stage.controlPlane.claim();
}, 180_000);
afterAll(async () => {
  await stage?.stop();
  await sftp?.stop();
});

const { button, dialog, expectClean, goTo, heading, look } = tell(() => stage);
const field = (label: string) => dialog().getByLabel(label, { exact: false }).first();

test('the form asks for what an SFTP server needs, and for its host keys', async () => {
  await stage.signIn();
  await goTo('Vaults');
  await button('Add vault').click();
  await field('Name of the vault').fill('nas');
  await dialog().getByRole('radio', { name: 'SFTP server' }).check();
  await dialog().getByRole('textbox', { name: 'Host', exact: true }).fill('127.0.0.1');
  await field('Port').fill(String(sftp.port));
  await dialog().getByRole('textbox', { name: 'User' }).fill(sftp.user);
  await dialog().getByRole('textbox', { name: 'Private key' }).fill(sftp.privateKey);
  await dialog().getByRole('textbox', { name: 'Folder' }).fill(`${sftp.files}/homeport/`);
  await look('sftp-form');
  await button('Test and create').click();
  expect(await api.get('/vaults')).toHaveLength(1);
});

test('another server’s key is refused, and what was typed stays', async () => {
  const strange = 'AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl';
  await dialog().getByRole('textbox', { name: 'Host keys' }).fill(`ssh-ed25519 ${strange}`);
  await button('Test and create').click();
  await dialog().getByText('shows another host key than the pinned ones').waitFor();
  await look('sftp-refused');
  expect(await dialog().getByRole('textbox', { name: 'Private key' }).inputValue()).toBe(sftp.privateKey);
});

test('with its own keys it is a vault, which new backups can go to', async () => {
  const { page } = stage;
  await dialog().getByRole('textbox', { name: 'Host keys' }).fill(sftp.hostKeys);
  await button('Test and create').click();
  const vault = page.getByRole('region', { name: 'Vault nas' });
  const place = `sftp://${sftp.user}@127.0.0.1:${sftp.port}${sftp.files}/homeport`;
  await vault.getByText(place, { exact: true }).waitFor();
  await vault.getByText('ssh-ed25519 SHA256:').waitFor();
  await vault.getByText(/^[\d.]+ [KMGT]iB of [\d.]+ [KMGT]iB$/).waitFor();
  await look('vaults-sftp');
  await vault.getByRole('button', { name: 'Use for new backups' }).click();
  await vault.getByText('Go here').waitFor();
});

test('another login is tested and saved; keys are never filled in', async () => {
  await stage.page.getByRole('button', { name: 'Change access' }).click();
  expect(await dialog().getByRole('textbox', { name: 'Private key' }).inputValue()).toBe('');
  expect(await dialog().getByRole('textbox', { name: 'Folder' }).isDisabled()).toBe(true);
  expect(await dialog().getByRole('textbox', { name: 'Host keys' }).inputValue()).toContain('ssh-ed25519');
  await button('Test and save').click();
  await dialog().getByText('needs a password or a private key').waitFor();
  await dialog().getByRole('textbox', { name: 'Private key' }).fill(sftp.privateKey);
  await look('sftp-access');
  await button('Test and save').click();
  await dialog().waitFor({ state: 'detached' });
});

test('a section of rclone’s configuration that could reach the host’s own files is refused', async () => {
  await button('Add vault').click();
  await field('Name of the vault').fill('other');
  await dialog().getByRole('radio', { name: 'Something else' }).check();
  const section = dialog().getByRole('textbox', { name: 'Section of rclone' });
  await section.fill('[here]\ntype = alias\nremote = /etc');
  await dialog().getByRole('textbox', { name: 'Folder' }).fill('homeport');
  await button('Test and create').click();
  await dialog().getByText('names another remote, or a program or file').waitFor();
  await look('rclone-refused');
  await button('Cancel').click();
});

test('the audit log tells of it', async () => {
  await goTo('Audit log');
  await heading('Audit log').waitFor();
  for (const act of ['Vault made', 'Vault chosen for new backups', 'Access to a vault’s store changed'])
    await stage.page.getByText(act).first().waitFor();
});

test('axe finds nothing, and the console is silent', expectClean);
