import { afterAll, beforeAll, expect, test } from 'vitest';
import { createAudit } from '../../control-plane/audit.ts';
import { cliUser } from '../support/cli.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { documented } from '../vault-format/documents.ts';
import { startWorld, type World } from './world.ts';

let world: World;
interface Entry {
  id: number;
  action: string;
  actor: { name: string };
}

beforeAll(async () => {
  world = await startWorld();
  const clock = createFakeClock();
  const audit = createAudit(world.db, clock);
  const by = (name: string) => ({ kind: 'user' as const, id: name, name });
  for (let n = 0; n < 1200; n += 1) {
    const target = { kind: 'job', id: String(n), name: `backup of shop_${n}` };
    audit({ actor: by(n % 2 ? 'Ada' : 'Grace'), action: n % 3 ? 'job.cancel' : 'user.sign-in', target });
    clock.advance(1000);
  }
  audit({ actor: by('50%_Off'), action: 'api-key.create' });
  // Names are chosen by others.
  audit({ actor: by('\u009b2Jgone'), action: 'agent.rename' });
});
afterAll(() => world[Symbol.asyncDispose]());

const list = (query: string) => world.api.get<Entry[]>(`/audit?limit=500&${query}`);

test('is searched by kind, by names and by time; what looks like a pattern is text', async () => {
  expect(new Set((await list('kind=user')).map(({ action }) => action))).toEqual(new Set(['user.sign-in']));
  expect(await list('kind=use')).toEqual([]);
  expect((await list('q=shop_1199')).length).toBe(1);
  expect((await list('q=grace')).every(({ actor }) => actor.name === 'Grace')).toBe(true);
  expect((await list('q=50%25_o')).map(({ actor }) => actor.name)).toEqual(['50%_Off']);
  expect(await list('q=5%25_o')).toEqual([]);
  const [newest] = await list('q=shop_1199');
  const { at } = (newest ?? {}) as { at?: string };
  expect((await list(`since=${at}&kind=user`)).length + (await list(`since=${at}&kind=job`)).length).toBe(1);
  await expect(list('kind=A%25')).rejects.toMatchObject({ status: 400 });
  await expect(list('since=yesterday')).rejects.toMatchObject({ status: 400 });
});

test('is exported whole, one JSON object on each line, and says that it was', async () => {
  const response = await world.api.fetch('/audit/export?kind=job');
  expect(response.headers.get('content-disposition')).toMatch(/filename="homeport-audit-[\d-]{10}\.jsonl"/);
  const entries = (await response.text())
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Entry);
  expect(entries.length).toBe(800);
  const ids = entries.map(({ id }) => id);
  expect(ids).toEqual(ids.toSorted((a, b) => b - a));
  expect((await list('kind=audit')).map(({ action }) => action)).toEqual(['audit.export']);
});

test('homeport audit prints the same', async () => {
  await using user = await cliUser(world.api);
  const { exitCode, stdout } = await user.run(['audit', '--kind', 'user', '--search', 'shop_9']);
  expect(exitCode).toBe(0);
  const names = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).target.name as string);
  expect(names.length).toBe(39);
  expect(names.every((name) => name.includes('shop_9'))).toBe(true);
  const hostile = await user.run(['audit', '--search', 'gone']);
  expect(hostile.stdout).not.toContain('\u009b');
  expect(JSON.parse(hostile.stdout).actor.name).toBe('\u009b2Jgone');
  expect((await user.run(['audit', '--since', 'yesterday'])).exitCode).toBe(2);
  expect((await user.shell(documented('docs/access.md', 'The audit log'))).exitCode).toBe(0);
});
