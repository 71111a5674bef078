import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { StreamOpener } from '../../../../agent/engines/driver.ts';
import { connect, type PostgresServer } from '../../../../agent/engines/postgres/connect.ts';
import { transactionOf } from '../../../../agent/engines/postgres/sessions.ts';
import { outcomeOf } from '../../../../agent/engines/postgres/transaction.ts';
import { capture, failureOf, opener, operation, restoreInput } from '../../../contract/captured.ts';
import { startPostgres, type TestPostgres } from '../../../support/postgres.ts';
import { driver, login } from './world.ts';

let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await startPostgres();
  await postgres.query('CREATE TABLE t (a int)');
});
afterAll(() => postgres?.stop());

const signal = new AbortController().signal;
const run = { database: 'postgres', applicationName: 'homeport restore 1' };
/** Begins a transaction as a restore would, and gives its number. */
async function begun(session: Awaited<ReturnType<typeof connect>>): Promise<string> {
  await session.run(
    `SET application_name = '${run.applicationName}'; BEGIN; INSERT INTO public.t VALUES (1)`,
  );
  const [row] = await session.rows<{ id: string }>('SELECT pg_current_xact_id()::text AS id');
  return row?.id ?? '';
}

describe('what became of a transaction', () => {
  test('that goes on: it is ended, and so aborted', async () => {
    await using worker = await connect(login(postgres) as PostgresServer, 'postgres', signal);
    const transaction = await begun(worker);
    await using session = await connect(login(postgres) as PostgresServer, 'postgres', signal);
    expect(await outcomeOf(session, { ...run, transaction }, signal)).toBe('aborted');
    expect(await postgres.query('SELECT * FROM t')).toEqual([]);
    expect((await failureOf(worker.rows('SELECT 1'))).code).toBe('server_gone');
  });

  test('that was committed, though nobody was told', async () => {
    let transaction: string;
    {
      await using worker = await connect(login(postgres) as PostgresServer, 'postgres', signal);
      transaction = await begun(worker);
      await worker.run('COMMIT');
    }
    await using session = await connect(login(postgres) as PostgresServer, 'postgres', signal);
    expect(await outcomeOf(session, { ...run, transaction }, signal)).toBe('committed');
    expect(await outcomeOf(session, run, signal)).toBe('aborted');
  });
});

test('who takes the name of a restore’s session is neither believed nor ended', async () => {
  await postgres.query(`CREATE ROLE mimic LOGIN PASSWORD 'pw'`);
  await using other = await connect(
    login(postgres, { user: 'mimic' }, 'pw') as PostgresServer,
    'postgres',
    signal,
  );
  await other.run(`SET application_name = '${run.applicationName} 3'`);
  await using session = await connect(login(postgres) as PostgresServer, 'postgres', signal);
  const late = AbortSignal.timeout(500);
  await expect(transactionOf(session, { ...run, signal: late })).rejects.toThrow();
  expect(await outcomeOf(session, run, signal)).toBe('aborted');
  expect(await other.rows('SELECT 1 AS a')).toEqual([{ a: 1 }]);
});

test('a cancel that meets the COMMIT is reported as what happened: the restore is done', async () => {
  await postgres.query('CREATE DATABASE late');
  await postgres.query('CREATE TABLE t (a int); INSERT INTO t VALUES (1)', 'late');
  const dump = await capture(driver, login(postgres), 'late');
  await postgres.query('DELETE FROM t', 'late');
  const stop = new AbortController();
  const context = operation(stop.signal);
  // Statistics are gathered after the COMMIT.
  const phase = (name: string) => {
    if (name === 'gathering statistics') stop.abort();
  };
  const input = restoreInput(dump, { mode: 'in-place', targetDatabase: 'late' });
  const report = await driver.restore(login(postgres), input, { ...context, phase });
  expect(report).toMatchObject({ database: 'late', mode: 'in-place' });
  expect(await postgres.query('SELECT a FROM t', 'late')).toEqual([{ a: 1 }]);
});

describe('a server that dies', () => {
  /** Restores in place a table and an index that takes its time, and kills the server once it runs `statement`. */
  async function killedAt(statement: string) {
    await using doomed = await startPostgres();
    await doomed.query(
      `CREATE FUNCTION slow(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.01); RETURN $1; END';
       CREATE TABLE big AS SELECT g, repeat('x', 1000) AS a FROM generate_series(1, 500) g; CREATE INDEX ON big (slow(g))`,
    );
    const dump = await capture(driver, login(doomed), 'postgres');
    const killed = Promise.withResolvers<void>();
    const kill = async () => {
      while (
        (await doomed.query('SELECT 1 FROM pg_stat_activity WHERE query LIKE $1', 'postgres', [statement]))
          .length === 0
      );
      await doomed.kill();
      killed.resolve();
    };
    const open: StreamOpener = async function* (name) {
      if (name !== 'dump') return yield* opener(dump)(name);
      yield* opener(dump)(name);
      if (statement.startsWith('COPY')) await killed.promise;
    };
    const input = restoreInput(dump, { mode: 'in-place', targetDatabase: 'postgres' }, open);
    const [failure] = await Promise.all([
      failureOf(driver.restore(login(doomed), input, operation())),
      kill(),
    ]);
    return failure;
  }

  test('before the last byte: nothing was committed, which is said', async () => {
    expect(await killedAt('COPY public.big%')).toMatchObject({
      code: 'server_gone',
      hint: expect.stringContaining('“postgres” is as it was.'),
    });
  });

  test('after it: how to find out is said', async () => {
    expect(await killedAt('CREATE INDEX%')).toMatchObject({
      code: 'connection_refused',
      hint: expect.stringMatching(/one transaction.*pg_xact_status\('\d+'\)/),
    });
  });
});

test('a backup of one account, restored by another, keeps the owners it had', async () => {
  await postgres.query(`CREATE ROLE keeper; CREATE ROLE taker LOGIN PASSWORD 'pw' IN ROLE keeper`);
  await postgres.query('CREATE DATABASE kept OWNER keeper');
  await postgres.query('SET ROLE keeper; CREATE TABLE theirs (a int); INSERT INTO theirs VALUES (1)', 'kept');
  const taker = login(postgres, { user: 'taker' }, 'pw');
  const dump = await capture(driver, taker, 'kept');
  const owners = async (database: string) =>
    (await postgres.query(`SELECT tableowner FROM pg_tables WHERE tablename = 'theirs'`, database))[0]
      ?.tableowner;
  await driver.restore(login(postgres), restoreInput(dump, { targetDatabase: 'kept 2' }), operation());
  expect(await owners('kept 2')).toBe('keeper');
  // And the other way round: one without CREATEDB, in place, from a superuser’s backup.
  const whole = await capture(driver, login(postgres), 'kept');
  await driver.restore(
    taker,
    restoreInput(whole, { mode: 'in-place', targetDatabase: 'kept 2' }),
    operation(),
  );
  expect(await owners('kept 2')).toBe('keeper');
});
