import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { ApiJob } from '../support/api-shapes.ts';
import { checksums } from '../support/checksums.ts';
import { startHomeport } from '../support/harness.ts';
import { createNoise } from '../support/noise.ts';
import { startPostgres } from '../support/postgres.ts';
import { addServer, backUp, protect, restore } from '../support/protect.ts';
import { createShop } from '../support/shop.ts';
import { mountTmpfs } from '../support/tmpfs.ts';
import { privilegedTest } from './world.ts';

privilegedTest('a full disk at the store fails the backup clearly and harms no older snapshot', async () => {
  const data = await mkdtemp(join(tmpdir(), 'homeport-full-'));
  await using postgres = await startPostgres();
  await createShop(postgres, 'shop', 3000);
  await createNoise(postgres, 'noise', 60);
  await mkdir(join(data, 'vaults'));
  {
    await using _ = await mountTmpfs(join(data, 'vaults'), 20);
    await using homeport = await startHomeport({ controlPlane: { data } });
    const { api } = homeport;
    const agent = await homeport.agent('host');
    const server = await addServer(api, agent, { name: 'db', server: postgres });
    const small = await backUp(api, (await protect(api, server.id, 'shop')).id);
    const large = await protect(api, server.id, 'noise');
    const job = await api.finished((await api.post<ApiJob>(`/databases/${large.id}/backup`)).id);
    expect(job).toMatchObject({ state: 'failed', failure: { code: 'disk_full' } });
    expect(await api.get(`/snapshots?databaseId=${large.id}`)).toEqual([]);
    await restore(api, small.snapshot.id, { serverId: server.id, plan: { targetDatabase: 'back' } });
    expect(await checksums(postgres, 'back')).toEqual(await checksums(postgres, 'shop'));
  }
  await rm(data, { recursive: true, force: true });
});
