import { randomBytes } from 'node:crypto';
import { expect } from 'vitest';
import { refusal } from '../../support/api.ts';
import { eventually } from '../../support/eventually.ts';
import { freePort } from '../../support/ports.ts';
import type { Place } from './world.ts';

interface ApiVault {
  id: string;
  name: string;
  isDefault: boolean;
  check: { finishedAt: string | null } | null;
  replica: { state: string } | null;
}

/** Vaults elsewhere with keys of their own, replicas, moves, checks, and stores that refuse. */
export async function vaultStory(place: Place): Promise<{ vaultId: string }> {
  const { canaries, home, sftp } = place;
  const { api } = home;
  const [first] = await api.get<ApiVault[]>('/vaults');
  canaries.plant('private key of an SFTP user', sftp.privateKey);
  const password = canaries.plant('SFTP password', 'canary+sftp/pw #1');
  const store = sftp.options('vault', { password });
  const made = await api.post<ApiVault>('/vaults', { name: 'away', store });
  await api.put(`/vaults/${made.id}/store`, { store });
  await refusedStores(place, made.id);
  await api.post(`/vaults/${made.id}/use`);
  await recoveryKit(place, made.id);
  await api.post(`/vaults/${made.id}/collect`, { giveUpForgotten: true, confirm: 'away' });
  await api.put(`/vaults/${made.id}/check`, { everyDays: 7 });
  await replicas(place, made.id);
  await api.post(`/vaults/${first?.id}/use`);
  return { vaultId: first?.id ?? '' };
}

async function recoveryKit({ canaries, home: { api } }: Place, id: string): Promise<void> {
  const headers = { authorization: `Bearer ${api.key}` };
  const kit = await fetch(`${api.url}/api/v1/vaults/${id}/recovery-kit`, { method: 'POST', headers });
  const identity = /^identity: (\S+)$/m.exec(await kit.text())?.[1] ?? '';
  canaries.plant('identity of a vault', identity, 'POST /api/v1/vaults/:id/recovery-kit');
}

/** Keys for stores that do not take them, or are not there. */
async function refusedStores({ canaries, home: { api }, sftp }: Place, id: string): Promise<void> {
  const passphrase = canaries.plant('passphrase of a private key', 'canary passphrase!');
  const wrong = canaries.plant('wrong SFTP password', 'canary-wrong-sftp');
  for (const change of [{ passphrase }, { password: wrong, privateKey: undefined }]) {
    const store = sftp.options('vault', change);
    expect((await refusal(api.put(`/vaults/${id}/store`, { store }))).status).toBe(503);
  }
  const secretAccessKey = canaries.plant('secret key of a bucket', randomBytes(30).toString('base64'));
  const endpoint = `http://127.0.0.1:${await freePort()}`;
  const keys = { accessKeyId: 'AKIAEXAMPLE', secretAccessKey };
  const bucket = { kind: 's3', bucket: 'backups', endpoint, ...keys };
  expect((await refusal(api.post('/vaults', { name: 'bucket', store: bucket }))).status).toBe(503);
  const malformed = { ...bucket, secretAccessKey: { is: secretAccessKey } };
  expect((await refusal(api.post('/vaults', { name: 'bucket', store: malformed }))).status).toBe(400);
}

async function replicas(place: Place, id: string): Promise<void> {
  const { canaries, home, replicaPath, sftp, webdav } = place;
  const { api } = home;
  canaries.plant('password of a WebDAV server', webdav.password);
  canaries.plant('the same, as rclone keeps it', webdav.obscured);
  const section = (pass: string) =>
    [
      ...['[dav]', 'type = webdav', `url = http://127.0.0.1:${webdav.port}`, 'vendor = other'],
      ...[`user = ${webdav.user}`, `pass = ${pass}`, ''],
    ].join('\n');
  const elsewhere = (pass: string) => ({
    store: { kind: 'rclone', path: 'copy', remote: { type: 'other', section: section(pass) } },
  });
  expect((await refusal(api.put(`/vaults/${id}/replica`, elsewhere(webdav.password)))).status).toBe(503);
  await api.put(`/vaults/${id}/replica`, elsewhere(webdav.obscured));
  const state = async () => (await api.get<ApiVault[]>('/vaults')).find((one) => one.id === id);
  await eventually('the replica has everything', async () => (await state())?.replica?.state === 'current');
  await api.post('/self-backup');
  await api.post(`/vaults/${id}/check`);
  await eventually('the check is over', async () => (await state())?.check?.finishedAt != null);
  await api.delete(`/vaults/${id}/replica`, { confirm: 'away' });
  await api.put(`/vaults/${id}/replica`, { store: { kind: 'local', path: replicaPath } });
  // Without its store the vault cannot move yet.
  sftp.kill();
  await api.post(`/vaults/${id}/move`, { confirm: 'away' });
  await api.delete(`/vaults/${id}/move`);
  await sftp.start();
}
