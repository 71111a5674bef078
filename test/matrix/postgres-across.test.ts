import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EngineDriver, ServerTarget } from '../../agent/engines/driver.ts';
import { postgresDriver } from '../../agent/engines/postgres/driver.ts';
import { FailureError } from '../../protocol/failure.ts';
import { type Captured, capture, failureOf, operation, restoreInput } from '../contract/captured.ts';
import { fingerprint } from '../support/fingerprint.ts';
import type { TestPostgres } from '../support/postgres.ts';
import { POSTGRES, serverVersion, startPostgresVersion, toolDirectories } from '../support/servers.ts';
import { createWidePostgres } from '../support/wide-schema.ts';

/** A driver with the client tools of some versions, as if no others were installed. */
const driverWith = (...versions: string[]) =>
  postgresDriver({
    toolDirectories: versions.flatMap((version) => toolDirectories(serverVersion('postgresql', version))),
  }) as EngineDriver;
const all = driverWith(...POSTGRES.map((one) => one.version));
const target = (server: TestPostgres): ServerTarget => ({
  connection: { host: server.host, port: server.port, user: server.superuser, tls: 'prefer' },
  password: server.password,
});

describe('PostgreSQL from version to version', () => {
  const servers = new Map<string, TestPostgres>();
  const dumps = new Map<string, Captured>();
  const contents = new Map<string, Record<string, string>>();
  const server = (version: string) => servers.get(version) as TestPostgres;
  const dump = (version: string) => dumps.get(version) as Captured;

  beforeAll(async () => {
    for (const one of POSTGRES) {
      const started = await startPostgresVersion(one);
      servers.set(one.version, started);
      await createWidePostgres(started, 'wide');
      contents.set(one.version, await fingerprint((sql) => started.query(sql, 'wide')));
      dumps.set(one.version, await capture(all, target(started), 'wide'));
    }
  }, 120_000);
  afterAll(() => Promise.all([...servers.values()].map((one) => one.stop())));

  test.each(POSTGRES.map((one) => one.version))('%s is dumped with its own pg_dump', (version) => {
    expect(dump(version).result.tool).toMatch(new RegExp(`^pg_dump ${version}\\.`));
  });

  test.each([
    ['13', '15'],
    ['13', '18'],
    ['15', '17'],
    ['15', '18'],
    ['17', '18'],
  ])('what %s held is in %s', async (from, to) => {
    const name = `from_${from}`;
    const plan = { targetDatabase: name };
    await all.restore(target(server(to)), restoreInput(dump(from), plan), operation());
    const restored = await fingerprint((sql) => server(to).query(sql, name));
    expect(restored).toEqual(contents.get(from));
    await server(to).query(`DROP DATABASE ${name}`);
  });

  test.each([
    ['18', '17'],
    ['18', '13'],
    ['17', '15'],
    ['15', '13'],
  ])(
    'what %s held either is in %s afterwards, or nothing of it is and the reason is named',
    async (from, to) => {
      const name = `back_${from}`;
      const before = await server(to).query('SELECT datname FROM pg_database ORDER BY 1');
      const input = restoreInput(dump(from), { targetDatabase: name });
      const outcome = await all.restore(target(server(to)), input, operation()).catch((error) => error);
      if (outcome instanceof FailureError) {
        // What the older server does not know is named, not what is passed over.
        expect(outcome.failure.code).toBe('restore_sql_error');
        expect(outcome.failure.message).toContain('multirange');
        expect(await server(to).query('SELECT datname FROM pg_database ORDER BY 1')).toEqual(before);
      } else expect(await fingerprint((sql) => server(to).query(sql, name))).toEqual(contents.get(from));
    },
  );

  test('a pg_dump that is older than the server is refused, both versions named', async () => {
    const old = driverWith('15');
    const failure = await failureOf(capture(old, target(server('18')), 'wide'));
    expect(failure).toMatchObject({ code: 'tool_too_old', message: expect.stringMatching(/15\.\d+.*18/) });
  });

  test('a pg_restore that is older than the dump is refused, and nothing is made', async () => {
    const old = driverWith('15');
    const input = restoreInput(dump('18'), { targetDatabase: 'too_new' });
    const failure = await failureOf(old.restore(target(server('15')), input, operation()));
    expect(failure.code).toBe('tool_too_old');
    const made = await server('15').query(`SELECT 1 FROM pg_database WHERE datname ~ 'too_new|homeport'`);
    expect(made).toEqual([]);
  });
});
