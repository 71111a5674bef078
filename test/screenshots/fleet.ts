import pg from 'pg';
import type { Stage } from '../browser/stage.ts';
import type { Api } from '../support/api.ts';
import type { ApiDatabase, ApiJob } from '../support/api-shapes.ts';
import { eventually } from '../support/eventually.ts';
import { startMariadb } from '../support/mariadb.ts';
import { createMariadbShop } from '../support/mariadb-shop.ts';
import type { TestPostgres } from '../support/postgres.ts';
import { addServer, backUp, protect, restore } from '../support/protect.ts';
import { changeShop, createShop } from '../support/shop.ts';

/** What there is to be seen beside the pages whose addresses everybody knows. */
export interface Fleet {
  /** Nobody has opened it. */
  invitationLink: string;
  /** What else is worth a picture, with its path. */
  pages: [name: string, path: string][];
  stop(): Promise<void>;
}

/** Hosts and databases with everything that a page can show: protected, at risk, out of reach, under way. */
export async function furnish(stage: Stage): Promise<Fleet> {
  const { controlPlane, postgres } = stage;
  const api = await controlPlane.claim();
  const mariadb = await startMariadb();
  const harbour = await stage.agent('harbour', api);
  const lighthouse = await stage.agent('lighthouse', api);
  await api.patch(`/agents/${harbour.id}`, { labels: ['team=shop', 'site=hamburg'] });
  const shops = await addServer(api, harbour, { name: 'shop-cluster', server: postgres });
  const wiki = await addServer(api, lighthouse, { name: 'wiki-db', server: mariadb });
  const [shop, ledger] = await fill(api, shops.id, postgres);
  await createMariadbShop(mariadb, 'wiki', 2_000);
  await backUp(api, (await protect(api, wiki.id, 'wiki')).id);
  await protect(api, wiki.id, 'mysql');
  const { snapshot } = await backUp(api, shop.id);
  const plan = { targetDatabase: 'shop last week' };
  const restored = await restore(api, snapshot.id, { serverId: shops.id, plan });
  await postgres.query('DROP DATABASE ledger');
  const failed = await api.finished((await backUpLater(api, ledger)).id);
  const { url: invitationLink } = await api.post<{ url: string }>('/invitations', {
    standing: { role: 'operator', labels: ['team=shop'] },
  });
  const schedule = { timing: { kind: 'daily', at: '02:30' }, timeZone: 'Europe/Berlin', spreadMinutes: 60 };
  await api.post('/policies', { name: 'Nightly', schedule, everywhere: true, drill: { everyDays: 30 } });
  await api.post('/policies', { name: 'Shops by day', schedule, labels: ['team=shop'] });
  await api.post('/api-keys', { name: 'nightly report', scopes: ['restore'] });
  await api.post('/enrolment-tokens', { name: 'warehouse' });
  await lighthouse.kill();
  const { job: running, release } = await held(api, shop, postgres);
  return {
    invitationLink,
    pages: [
      ['database-history', `/databases/${shop.id}`],
      ['job-running', `/jobs/${running.id}`],
      ['job-failed', `/jobs/${failed.id}`],
      ['job-restored', `/jobs/${restored.id}`],
    ],
    stop: async () => {
      await release();
      await mariadb.stop();
    },
  };
}

const backUpLater = (api: Api, { id }: ApiDatabase) => api.post<ApiJob>(`/databases/${id}/backup`);

/** Databases of a shop, with a few days of backups. */
async function fill(
  api: Api,
  serverId: string,
  postgres: TestPostgres,
): Promise<[shop: ApiDatabase, ledger: ApiDatabase]> {
  await createShop(postgres, 'shop', 20_000);
  const shop = await protect(api, serverId, 'shop');
  await backUp(api, shop.id);
  await changeShop(postgres, 'shop');
  const others: ApiDatabase[] = [];
  for (const name of ['ledger', 'warehouse', 'a database with quite a long name, for the narrow screens']) {
    await createShop(postgres, name, 1_000);
    const database = await protect(api, serverId, name);
    await backUp(api, database.id);
    others.push(database);
  }
  return [shop, others[0] as ApiDatabase];
}

/** A backup that waits for a table, so that it is seen under way. */
async function held(api: Api, shop: ApiDatabase, postgres: TestPostgres) {
  const { host, password, port, superuser } = postgres;
  const holder = new pg.Client({ host, port, password, user: superuser, database: 'shop' });
  await holder.connect();
  await holder.query('BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE');
  const job = await backUpLater(api, shop);
  await eventually('the backup runs', async () => {
    return (await api.get<ApiJob>(`/jobs/${job.id}`)).state === 'running';
  });
  return { job, release: () => holder.end() };
}
