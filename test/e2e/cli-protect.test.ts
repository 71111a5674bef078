import { expect, test } from 'vitest';
import type { ApiDatabase, ApiJob } from '../support/api-shapes.ts';
import { sharedShop } from './cli-world.ts';

const shop = sharedShop();
const json = async <T>(...args: string[]) => {
  const answer = await shop().user.run([...args, '--json']);
  expect(answer, args.join(' ')).toMatchObject({ exitCode: 0 });
  return JSON.parse(answer.stdout) as T;
};

test('discover: the server is found, and known by its id', async () => {
  const { servers } = await json<{ servers: object[] }>('discover', 'first');
  const { port } = shop().postgres;
  expect(servers).toContainEqual(expect.objectContaining({ port, serverId: shop().server.id }));
  const { exitCode, stdout } = await shop().user.run(['discover', 'first']);
  expect({ exitCode, stdout }).toMatchObject({ exitCode: 0, stdout: expect.stringContaining(`:${port}`) });
  expect((await shop().user.run(['discover', 'second'])).exitCode).toBe(4);
});

test('add-agent: a token’s command on standard output, the rest beside it', async () => {
  const { user } = shop();
  const { exitCode, stderr, stdout } = await user.run(['add-agent', 'newcomer', '--expires-in-minutes', '5']);
  expect({ exitCode, stderr }).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('works once') });
  expect(stdout).toMatch(/^agent\/homeport-agent enrol --url '\S+' <<'TOKEN'\nhpe_\S+\nTOKEN\n/);
  const open = await shop().homeport.api.get<{ name: string }[]>('/enrolment-tokens');
  expect(open).toContainEqual(expect.objectContaining({ name: 'newcomer' }));
  expect(await json('add-agent')).toMatchObject({ via: 'checkout', token: expect.stringMatching(/^hpe_/) });
  expect((await user.run(['add-agent', '--expires-in-minutes', 'never'])).exitCode).toBe(2);
});

test('selection: tried out, saved, shown, taken back; one that would break backups is refused', async () => {
  const { user } = shop();
  const saved = async () =>
    (await shop().homeport.api.get<{ selection: unknown }>(`/databases/${shop().database.id}`)).selection;
  const dry = await user.run(['selection', 'shop', '--exclude', 'public.orders', '--dry-run']);
  expect(dry).toMatchObject({ exitCode: 0, stdout: '', stderr: expect.stringContaining('public.orders') });
  expect(await saved()).toBeNull();
  const set = await user.run(['selection', 'shop', '--exclude', 'public.orders', 'public.no_*']);
  expect(set).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('public.orders, public.no_*') });
  expect(set.stderr).toContain('warning: ');
  expect(await saved()).toEqual({ include: [], exclude: ['public.orders', 'public.no_*'] });
  const broken = await user.run(['selection', 'shop', '--exclude', 'public.customers']);
  expect(broken).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('blocker: ') });
  expect(await json('selection', 'shop')).toMatchObject({
    selection: { exclude: ['public.orders', 'public.no_*'] },
  });
  expect((await user.run(['selection', 'shop', '--everything', '--include', 'x'])).exitCode).toBe(2);
  expect((await user.run(['selection', 'shop', '--dry-run'])).exitCode).toBe(2);
  await shop().agent.stop();
  await shop().agent.offline();
  const untried = await user.run(['selection', 'shop', '--everything']);
  expect(untried).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('Not tried out: ') });
  expect(await saved()).toBeNull();
});

test('retry: a job like one that was cancelled, and no other', async () => {
  const { agent, database, homeport, user } = shop();
  await agent.stop();
  await agent.offline();
  const { id } = await homeport.api.post<ApiJob>(`/databases/${database.id}/backup`);
  expect((await user.run(['retry', id])).exitCode).toBe(1);
  expect((await user.run(['cancel', id])).exitCode).toBe(0);
  const again = await json<ApiJob>('retry', id);
  expect(again).toMatchObject({ kind: 'backup', databaseId: database.id, state: 'queued' });
  expect(again.id).not.toBe(id);
  agent.start();
  await agent.online();
  expect((await user.run(['job', again.id, '--wait'])).exitCode).toBe(0);
  expect((await user.run(['retry', again.id])).exitCode).toBe(1);
});

test('auto-protect and unprotect: what was ended by its name stays ended', async () => {
  const { homeport, server, user } = shop();
  const names = async () =>
    (await homeport.api.get<(ApiDatabase & { protected: boolean })[]>(`/databases?serverId=${server.id}`))
      .filter((one) => one.protected)
      .map(({ name }) => name);
  const on = await user.run(['auto-protect', 'main', 'on']);
  expect(on).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('as it appears') });
  expect(await names()).toContain('postgres');
  expect((await user.run(['auto-protect', 'main', 'maybe'])).exitCode).toBe(2);
  const unprotect = (...args: string[]) => user.run(['unprotect', 'main/postgres', ...args]);
  expect(await unprotect()).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('--confirm postgres'),
  });
  expect((await unprotect('--confirm', 'shop')).exitCode).toBe(2);
  expect(await names()).toContain('postgres');
  expect(await unprotect('--confirm', 'postgres')).toMatchObject({ exitCode: 0 });
  expect((await user.run(['auto-protect', 'main', 'on'])).exitCode).toBe(0);
  expect(await names()).toEqual(['shop']);
  expect(await json('auto-protect', 'main', 'off')).toMatchObject({ id: server.id, autoProtect: null });
});
