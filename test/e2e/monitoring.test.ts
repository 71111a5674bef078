import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Agent } from '../support/agent.ts';
import type { ApiDatabase, ApiJob } from '../support/api-shapes.ts';
import { bareEnvironment, type Child, ROOT, startChild } from '../support/child.ts';
import { output } from '../support/command.ts';
import { eventually } from '../support/eventually.ts';
import { readExposition } from '../support/exposition.ts';
import { freePort } from '../support/ports.ts';
import { addServer, backUp, protect } from '../support/protect.ts';
import { createShop } from '../support/shop.ts';
import { sharedHomeport, sharedPostgres } from './world.ts';

const homeport = sharedHomeport();
const postgres = sharedPostgres();
let agent: Agent;
let database: ApiDatabase;
let job: ApiJob;
let key: string;
let prometheus: Child;
let port: number;

const inRoot = (path: string) => readFile(join(ROOT, path), 'utf8');

/** The example of docs/monitoring.md. */
async function example(): Promise<string> {
  return (
    /```yaml\n# \/etc\/prometheus[^\n]*\n([\s\S]*?)```/.exec(await inRoot('docs/monitoring.md'))?.[1] ?? ''
  );
}

/** The example, for the control plane of this test: another address, no TLS, asked more often. */
async function configuration(): Promise<string> {
  const { host } = new URL(homeport().controlPlane.url);
  return (await example())
    .replace('scheme: https', 'scheme: http')
    .replace('backups.example.org', host)
    .replace('60s', '1s')
    .replace('/etc/prometheus/homeport.key', join(homeport().directory, 'prometheus/homeport.key'));
}

beforeAll(async () => {
  await createShop(postgres(), 'shop', 1000);
  agent = await homeport().agent('watched');
  const server = await addServer(homeport().api, agent, { name: 'db', server: postgres() });
  database = await protect(homeport().api, server.id, 'shop');
  job = (await backUp(homeport().api, database.id)).job;
  const asked = { name: 'prometheus', scopes: ['metrics'] };
  key = (await homeport().api.post<{ key: string }>('/api-keys', asked)).key;
  const folder = join(homeport().directory, 'prometheus');
  await mkdir(folder);
  await writeFile(join(folder, 'homeport.key'), key, { mode: 0o600 });
  await writeFile(join(folder, 'homeport-alerts.yml'), await inRoot('deploy/prometheus/homeport-alerts.yml'));
  const config = join(folder, 'prometheus.yml');
  await writeFile(config, await configuration());
  const checked = await output(['promtool', 'check', 'config', config]);
  expect([checked.code, checked.output]).toEqual([0, expect.stringContaining('5 rules found')]);
  port = await freePort();
  const listen = `--web.listen-address=127.0.0.1:${port}`;
  prometheus = startChild({
    name: 'prometheus',
    command: ['prometheus', `--config.file=${config}`, `--storage.tsdb.path=${folder}/data`, listen],
    env: bareEnvironment(),
    logDirectory: folder,
  });
});
afterAll(() => prometheus?.end());

async function query(
  expression: string,
): Promise<{ metric: Record<string, string>; value: [number, string] }[]> {
  const url = `http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(expression)}`;
  const answer = (await (await fetch(url)).json()) as {
    status: string;
    error?: string;
    data: { result: [] };
  };
  if (answer.status !== 'success') throw new Error(`${expression}: ${answer.error}`);
  return answer.data.result;
}

describe('a real Prometheus, configured as documented', () => {
  test('reads the age of the backup', async () => {
    const expression = `homeport_database_backup_age_seconds{database_id="${database.id}"}`;
    const found = await eventually('Prometheus has scraped', async () =>
      query(expression).then(
        ([one]) => one,
        () => undefined, // until it listens
      ),
    );
    expect(found.metric).toMatchObject({ database: 'shop', server: 'db', agent: 'watched', job: 'homeport' });
    expect(Number(found.value[1])).toBeLessThan(100);
    expect(await query('up{job="homeport"}')).toMatchObject([{ value: [expect.anything(), '1'] }]);
    const ended = 'homeport_jobs_ended_total{kind="backup",state="succeeded"}';
    expect((await query(ended))[0]?.value[1]).toBe('1');
    expect((await query('homeport_agent_online'))[0]?.value[1]).toBe('1');
  });

  test('answers every query of the dashboard, each of which asks for what is exported', async () => {
    const headers = { authorization: `Bearer ${key}` };
    const text = await (await fetch(`${homeport().controlPlane.url}/metrics`, { headers })).text();
    const names = new Set(
      [...readExposition(text).values()].flatMap(({ samples }) => samples.map(({ name }) => name)),
    );
    // One that is there only while a backup has failed.
    names.add('homeport_database_backup_failed_timestamp_seconds');
    const { panels } = JSON.parse(await inRoot('deploy/grafana/homeport.json')) as {
      panels: { title: string; targets: { expr: string }[] }[];
    };
    const expressions = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
    expect(expressions.length).toBeGreaterThan(15);
    for (const expression of expressions) {
      const asked = expression.match(/\b(homeport|nodejs|process)_\w+/g) ?? [];
      expect([expression, asked.length]).not.toEqual([expression, 0]);
      expect([expression, asked.filter((name) => !names.has(name))]).toEqual([expression, []]);
      await query(expression);
    }
  });

  test('has the alerts of the example, none of which is for nothing', async () => {
    const rules = (await (await fetch(`http://127.0.0.1:${port}/api/v1/rules`)).json()) as {
      data: { groups: { rules: { name: string; health: string; state: string }[] }[] };
    };
    const all = rules.data.groups.flatMap((group) => group.rules);
    expect(all.map(({ name }) => name)).toContain('HomeportBackupTooOld');
    expect(all.filter(({ state }) => state !== 'inactive')).toEqual([]);
  });
});

test('the example that is documented is the file that is shipped', async () => {
  expect(await inRoot('deploy/prometheus/prometheus.yml')).toContain(await example());
});

test('the log of either side tells the job’s way by its id', async () => {
  const linesOf = (child: Child) =>
    child
      .output()
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as { jobId?: string; msg: string });
  const atAgent = linesOf(agent.process());
  const atControlPlane = linesOf(homeport().controlPlane.process());
  const told = (lines: typeof atAgent) => lines.filter(({ jobId }) => jobId === job.id).map(({ msg }) => msg);
  expect(told(atAgent)).toEqual(['job started', 'job ended']);
  expect(told(atControlPlane)).toEqual(['an attempt began', 'an attempt ended']);
  const about = [...atAgent, ...atControlPlane].filter(({ msg }) => /\b(job|attempt|lease)\b/.test(msg));
  expect(about.filter(({ jobId }) => jobId === undefined)).toEqual([]);
});

test('it is ready, and not while its store is gone', async () => {
  const { data, url } = homeport().controlPlane;
  const ready = await fetch(`${url}/readyz`);
  expect([ready.status, await ready.json()]).toEqual([200, { ready: true, database: true, store: true }]);
  expect(await homeport().controlPlane.cli('healthy', '--ready')).toContain('is ready');
  const vault = (await homeport().api.get<{ path: string }[]>('/vaults'))[0]?.path ?? '';
  expect(vault).toContain(data);
  await rename(vault, `${vault}.away`);
  try {
    const told = await eventually('it says so', async () => {
      const answer = await fetch(`${url}/readyz`);
      return answer.status === 503 ? ((await answer.json()) as unknown) : undefined;
    });
    expect(told).toEqual({ ready: false, database: true, store: false });
    await expect(homeport().controlPlane.cli('healthy', '--ready')).rejects.toThrow(/not ready/);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  } finally {
    await rename(`${vault}.away`, vault);
  }
});
