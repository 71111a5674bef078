import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { ApiSnapshot } from '../support/api-shapes.ts';
import { checksums } from '../support/checksums.ts';
import { OWNER } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { startHomeport } from '../support/harness.ts';
import { startPostgres } from '../support/postgres.ts';
import { addServer, backUp, protect, restore } from '../support/protect.ts';
import { changeShop, createShop } from '../support/shop.ts';

interface State {
  last: { name: string; place: string } | null;
}

async function kitOf(url: string, key: string, vaultId: string): Promise<string> {
  const headers = { authorization: `Bearer ${key}` };
  const answer = await fetch(`${url}/api/v1/vaults/${vaultId}/recovery-kit`, { method: 'POST', headers });
  return answer.text();
}

async function signIn(url: string): Promise<number> {
  const { email, password } = OWNER;
  const answer = await fetch(`${url}/api/auth/sign-in/email`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: url },
    body: JSON.stringify({ email, password }),
  });
  return answer.status;
}

test('a control plane that was lost with all its data comes back from the vault’s files and the kit', async () => {
  await using postgres = await startPostgres();
  await createShop(postgres, 'shop', 5_000);
  const homeport = await startHomeport();
  onTestFinished(() => homeport.stop());
  const { api, controlPlane } = homeport;
  const { data } = controlPlane;
  const agent = await homeport.agent('db-host');
  const server = await addServer(api, agent, { name: 'main', server: postgres });
  const { id } = await protect(api, server.id, 'shop');
  const schedule = { timing: { kind: 'daily', at: '02:30' }, timeZone: 'UTC' };
  await api.post('/policies', { name: 'Nightly', schedule, everywhere: true });
  const contents = [await checksums(postgres, 'shop')];
  const snapshots: ApiSnapshot[] = [(await backUp(api, id)).snapshot];
  const { last } = await api.post<State>('/self-backup');
  await changeShop(postgres, 'shop');
  contents.push(await checksums(postgres, 'shop'));
  snapshots.push((await backUp(api, id)).snapshot);
  const [vault] = await api.get<{ id: string; path: string }[]>('/vaults');
  const aside = await mkdtemp(join(tmpdir(), 'homeport-kit-'));
  onTestFinished(() => rm(aside, { recursive: true, force: true }));
  const kit = join(aside, 'kit.txt');
  await writeFile(kit, await kitOf(api.url, api.key, vault!.id), { mode: 0o600 });

  await controlPlane.kill();
  const files = join(aside, 'files');
  await rename(join(data, 'vaults'), files);
  await rm(data, { recursive: true });
  await mkdir(data, { mode: 0o700 });

  // What lies in the store tells nothing of users, agents and databases, and no key.
  const sealed = await readFile(join(files, vault!.id, last!.name), 'latin1');
  for (const word of ['db-host', 'shop', OWNER.email, 'PRIVATE KEY', 'SQLite format', 'Nightly'])
    expect(sealed).not.toContain(word);

  const from = join(files, vault!.id);
  const said = await controlPlane.cli('restore-self', '--kit', kit, '--from', from);
  expect(said).toContain('agents come back by themselves');
  expect((await readdir(data)).toSorted()).toEqual(['homeport.sqlite', 'keys', 'lock.sqlite']);
  await expect(controlPlane.cli('restore-self', '--kit', kit, '--from', from)).rejects.toThrow(
    /is not empty/,
  );
  await rename(files, join(data, 'vaults'));
  await controlPlane.start();

  await eventually('the agent is back', async () => {
    const [one] = await api.get<{ state: string }[]>('/agents');
    return one?.state === 'online' || undefined;
  });
  expect(await signIn(controlPlane.url)).toBe(200);
  expect((await api.get<{ name: string }[]>('/policies')).map(({ name }) => name)).toEqual(['Nightly']);
  const back = await api.get<ApiSnapshot[]>('/snapshots');
  expect(back.map((one) => one.id)).toEqual(snapshots.map((one) => one.id).toReversed());
  for (const [index, snapshot] of snapshots.entries()) {
    const name = `shop_${index}`;
    await restore(api, snapshot.id, { serverId: server.id, plan: { targetDatabase: name } });
    expect(await checksums(postgres, name)).toEqual(contents[index]);
  }
  expect((await backUp(api, id)).snapshot.sequence).toBe(3);
});
