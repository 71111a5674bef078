import { ACCESS } from '../../../control-plane/auth/access.ts';
import type { Fleet } from './fleet.ts';
import type { Place } from './world.ts';

/** Routes that are read elsewhere: one has no end. */
const ELSEWHERE = new Set(['GET /events']);

/** Every route of the table that reads, about real things: a new one is asked without being named here. */
export async function readEverything(
  { home: { api }, answers }: Place,
  { agent, database, job, server, snapshot, vaultId }: Fleet & { vaultId: string },
): Promise<void> {
  const ids: Record<string, string> = {
    agents: agent.id,
    databases: database.id,
    jobs: job.id,
    servers: server.id,
    snapshots: snapshot.id,
    vaults: vaultId,
  };
  for (const route of Object.keys(ACCESS).filter((one) => one.startsWith('GET ') && !ELSEWHERE.has(one))) {
    const path = route.slice('GET '.length);
    const id = ids[path.split('/')[1] ?? ''];
    if (path.includes(':id') && id === undefined) throw new Error(`Nothing real is known for ${route}.`);
    await expectRead(api.fetch(path.replace(':id', id ?? '')), route);
  }
  for (const { id } of await api.get<{ id: string }[]>('/jobs?limit=200')) await api.get(`/jobs/${id}`);
  await pages(api.url);
  await answers.settled();
}

async function expectRead(pending: Promise<Response>, route: string): Promise<void> {
  const response = await pending;
  if (response.status !== 200) throw new Error(`${route} → ${response.status} ${await response.text()}`);
  await response.arrayBuffer();
}

/** What anybody gets without signing in, and the page with its scripts. */
async function pages(url: string): Promise<void> {
  const html = await (await fetch(`${url}/settings`)).text();
  for (const [, path] of html.matchAll(/(?:src|href)="(\/[^"]+)"/g)) await (await fetch(url + path)).text();
  for (const path of ['/healthz', '/readyz', '/metrics', '/nowhere', '/api/v1/nowhere', '/install.sh'])
    await (await fetch(url + path)).text();
}
