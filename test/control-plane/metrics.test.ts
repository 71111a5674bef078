import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { databases } from '../../control-plane/db/schema/fleet.ts';
import { fillFleet, idOf } from '../support/big-fleet.ts';
import { output } from '../support/command.ts';
import { type ReadFamily, readExposition } from '../support/exposition.ts';
import { addPerson } from '../support/people.ts';
import { startWorld, type World } from './world.ts';

let world: World;
let text: string;
let families: Map<string, ReadFamily>;
const NOW = Date.now();
const SIZE = { agents: 10, databases: 100, snapshotsEach: 3, jobsEach: 2, audit: 0 };
const ODD = 'a "quoted" \\ name\nof two lines';

/** What a key with these scopes gets. */
async function scrape(scopes: string[], path = '/metrics'): Promise<Response> {
  const { key } = await world.api.post<{ key: string }>('/api-keys', { name: 'scraper', scopes });
  return fetch(`${world.url}${path}`, { headers: { authorization: `Bearer ${key}` } });
}

beforeAll(async () => {
  world = await startWorld();
  const [vault] = await world.api.get<{ id: string }[]>('/vaults');
  fillFleet(world.db, { vaultId: vault?.id ?? '', size: SIZE, now: NOW });
  const odd = {
    id: idOf('odd', 1),
    serverId: idOf('server', 0),
    name: ODD,
    createdAt: NOW,
    protectedAt: NOW,
  };
  world.db.insert(databases).values(odd).run();
  const answer = await scrape(['metrics']);
  expect([answer.status, answer.headers.get('content-type')]).toEqual([
    200,
    'text/plain; version=0.0.4; charset=utf-8',
  ]);
  text = await answer.text();
  families = readExposition(text);
});
afterAll(() => world?.[Symbol.asyncDispose]());

const samplesOf = (name: string) => families.get(name)?.samples ?? [];
const measured = (name: string, labels: Record<string, string> = {}) =>
  samplesOf(name).find((one) => Object.entries(labels).every(([key, value]) => one.labels[key] === value))
    ?.value;

describe('what Prometheus reads', () => {
  test('is well formed for promtool and follows its conventions', async () => {
    expect(await output(['promtool', 'check', 'metrics'], text)).toEqual({ output: '', code: 0 });
    for (const [name, { help, type }] of families) {
      if (!name.startsWith('homeport_')) continue;
      expect([name, type === 'counter', help.endsWith('.')]).toEqual([name, name.endsWith('_total'), true]);
    }
    expect([...families.keys()].filter((name) => name.startsWith('homeport_')).length).toBeGreaterThan(15);
  });

  test('tells the age of the newest good backup of each protected database, +Inf where there is none', () => {
    const ages = samplesOf('homeport_database_backup_age_seconds');
    // Of a hundred, two were stopped and one is known by its jobs alone; one was added here.
    expect(ages).toHaveLength(98);
    const age = (n: number) =>
      measured('homeport_database_backup_age_seconds', { database_id: idOf('database', n) }) ?? 0;
    expect(age(50)).toBeGreaterThanOrEqual(50);
    expect(age(50)).toBeLessThan(50 + 600);
    // The newest one of a database failed: the one before it counts, of the day before.
    expect(age(1)).toBeGreaterThan(24 * 3600);
    expect(age(5)).toBe(Number.POSITIVE_INFINITY);
    const failed = samplesOf('homeport_database_backup_failed_timestamp_seconds');
    expect(failed.map(({ labels }) => labels.code)).toEqual(Array(3).fill('server_unreachable'));
    expect(measured('homeport_database_backup_age_seconds', { database: ODD })).toBe(
      Number.POSITIVE_INFINITY,
    );
  });

  test('agrees with the overview', async () => {
    const overview = await world.api.get<{ databases: { protected: number }; agents: { total: number } }>(
      '/overview',
    );
    expect(measured('homeport_databases', { condition: 'good' })).toBe(overview.databases.protected);
    expect(measured('homeport_agents', { state: 'offline' })).toBe(overview.agents.total);
    expect(samplesOf('homeport_agent_online')).toHaveLength(overview.agents.total);
    const [vault] = await world.api.get<{ snapshotCount: number; storedBytes: number }[]>('/vaults');
    expect(measured('homeport_vault_snapshots')).toBe(vault?.snapshotCount);
    expect(measured('homeport_vault_stored_bytes')).toBe(vault?.storedBytes);
  });

  test('has process and event loop, and what runs', () => {
    expect(measured('process_resident_memory_bytes')).toBeGreaterThan(1e7);
    expect(families.has('nodejs_eventloop_lag_seconds')).toBe(true);
    expect(measured('homeport_build_info', { node: process.versions.node })).toBe(1);
  });
});

describe('who may read it', () => {
  test('a key with the scope metrics, and that key nothing else', async () => {
    expect((await scrape(['metrics'], '/api/v1/metrics')).status).toBe(200);
    for (const path of ['/api/v1/databases', '/api/v1/me', '/api/v1/overview'])
      expect([path, (await scrape(['metrics'], path)).status]).toEqual([path, 403]);
  });

  test('not everybody, no other key, nobody who sees a part of the fleet', async () => {
    expect((await fetch(`${world.url}/metrics`)).status).toBe(401);
    expect((await scrape(['view', 'fleet', 'operate'])).status).toBe(403);
    const limited = await addPerson(world, { role: 'admin', labels: ['team=shop'] });
    expect((await limited.api.fetch('/metrics')).status).toBe(403);
  });
});
