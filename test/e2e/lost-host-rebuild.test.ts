import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { DATABASE_FILE } from '../../control-plane/db/open.ts';
import type { Agent } from '../support/agent.ts';
import type { Api } from '../support/api.ts';
import type { ApiDatabase, ApiServer, ApiSnapshot } from '../support/api-shapes.ts';
import { eventually } from '../support/eventually.ts';
import type { Homeport } from '../support/harness.ts';
import { backUp, sealedFor } from '../support/protect.ts';
import { recoveryDesk } from '../support/recovery.ts';
import { burnDown, shopWorld, successor } from './lost-host-world.ts';

const downloaded = async (api: Api, { id }: ApiSnapshot) =>
  Buffer.from(await (await api.fetch(`/snapshots/${id}/download`)).arrayBuffer());

test('an agent and its successor sign one timeline, for recover.mjs and after a rebuild too', async () => {
  const { agent, api, database, homeport, postgres, server, snapshots } = await shopWorld({ orders: 5_000 });
  await burnDown(agent);
  const next = await successor(homeport, agent);
  const sealed = await sealedFor(api, next, { serverId: server.id, server: postgres, name: 'main' });
  await api.put(`/servers/${server.id}`, { agentId: next.id, name: 'main', engine: 'postgresql', sealed });
  const third = (await backUp(api, database.id)).snapshot;
  await bothSignersAreRead(api, [...snapshots, third]);
  await rebuildAndGoOn(homeport, { next, server, database });
});

/** By download, and with nothing but the vault's files and the kit; the last of the one, the first of the other. */
async function bothSignersAreRead(api: Api, snapshots: ApiSnapshot[]): Promise<void> {
  const [vault] = await api.get<{ id: string; path: string }[]>('/vaults');
  const headers = { authorization: `Bearer ${api.key}` };
  const kit = await fetch(`${api.url}/api/v1/vaults/${vault?.id}/recovery-kit`, { method: 'POST', headers });
  await using desk = await recoveryDesk(vault?.path ?? '', await kit.text());
  const { code, stdout } = await desk.recover('--kit', 'kit.txt', 'list');
  expect(code).toBe(0);
  for (const { id, sequence } of snapshots)
    expect(stdout).toMatch(new RegExp(`^${id}  .*  main/shop #${sequence}  postgresql`, 'm'));
  for (const snapshot of snapshots.slice(1)) {
    const got = await desk.recover(
      '--kit',
      'kit.txt',
      'get',
      snapshot.id,
      '--out',
      `${snapshot.sequence}.dump`,
    );
    expect(got, got.stderr).toMatchObject({ code: 0 });
    const recovered = await readFile(join(desk.path, `${snapshot.sequence}.dump`));
    expect(recovered.equals(await downloaded(api, snapshot))).toBe(true);
  }
}

/** The control plane's database is lost as well. */
async function rebuildAndGoOn(
  { controlPlane }: Homeport,
  { database, next, server }: { next: Agent; server: ApiServer; database: ApiDatabase },
): Promise<void> {
  await next.stop();
  await controlPlane.stop();
  for (const suffix of ['', '-wal', '-shm'])
    await rm(join(controlPlane.data, DATABASE_FILE + suffix), { force: true });
  await controlPlane.cli('vault', 'rebuild');
  await controlPlane.start();
  const api = await controlPlane.createApi('after');
  const timeline = await api.get<ApiSnapshot[]>(`/snapshots?databaseId=${database.id}`);
  expect(timeline.map(({ sequence }) => sequence).toSorted()).toEqual([1, 2, 3]);
  next.start();
  await eventually('the successor is back with its server', async () => {
    const { agentId, agentState, awaitsCredentialsSince, removedFromAgent } = await api.get<
      ApiServer & { agentState: string }
    >(`/servers/${server.id}`);
    return agentId === next.id && agentState === 'online' && !awaitsCredentialsSince && !removedFromAgent;
  });
  const { snapshot } = await backUp(api, database.id);
  expect(snapshot.sequence).toBe(4);
  expect(snapshot.storedBytes).toBeLessThan(timeline[0]!.rawBytes / 5);
}
