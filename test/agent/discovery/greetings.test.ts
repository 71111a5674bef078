import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { identify } from '../../../agent/engines/mysql/identify.ts';
import { ROOT } from '../../support/child.ts';
import { output } from '../../support/command.ts';
import { startMariadb, type TestMariadb } from '../../support/mariadb.ts';

let server: TestMariadb;
beforeAll(async () => {
  server = await startMariadb({
    settings: { max_connect_errors: '3', skip_name_resolve: '0', performance_schema: 'ON' },
  });
});
afterAll(() => server?.stop());

const never = new AbortController().signal;

test('the greeting tells which of the two products it is, and its version', async () => {
  for (const endpoint of [
    { host: '127.0.0.1', port: server.port },
    { path: join(server.directory, 'server.sock') },
  ]) {
    expect(await identify(endpoint, 'mariadb', never)).toEqual({
      version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
    });
    expect(await identify(endpoint, 'mysql', never)).toBeUndefined();
  }
});

test('asking often locks nobody out', async () => {
  const state = await mkdtemp(join(tmpdir(), 'homeport-greetings-'));
  try {
    for (let times = 0; times < 5; times += 1) {
      // A new process remembers no greeting and asks again.
      const agent = [join(ROOT, 'agent/homeport-agent'), '--state', state, 'server', 'discover'];
      const found = await output(agent);
      const ours = found.output.split('\n').filter((line) => line.includes(`:${server.port}`));
      expect(ours).toEqual([expect.stringMatching(/^mariadb \d+\.\d+\.\d+ {2}127\.0\.0\.1:/)]);
    }
  } finally {
    await rm(state, { recursive: true, force: true });
  }
  expect(await server.query('SELECT 1 AS one')).toMatchObject([{ one: 1 }]);
  expect(await server.query('SELECT * FROM performance_schema.host_cache')).toEqual([]);
});

test('where nobody greets, there is no server', async () => {
  expect(await identify({ path: '/nowhere/server.sock' }, 'mysql', never)).toBeUndefined();
  expect(
    await identify({ host: '127.0.0.1', port: server.port }, 'mariadb', AbortSignal.abort()),
  ).toBeUndefined();
});
