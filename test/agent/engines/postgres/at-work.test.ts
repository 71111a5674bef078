import { expect, test } from 'vitest';
import { watchWork } from '../../../../agent/engines/postgres/at-work.ts';
import { connect, type PostgresServer } from '../../../../agent/engines/postgres/connect.ts';
import { startPostgres } from '../../../support/postgres.ts';
import { login } from './world.ts';

test('a server at work counts as progress; one that waits for a lock does not', async () => {
  await using postgres = await startPostgres();
  await postgres.query('CREATE TABLE t (i int)');
  const server = login(postgres) as PostgresServer;
  const operation = new AbortController();
  const { signal } = operation;
  await using watching = await connect(server, 'postgres', signal);
  await using holder = await connect(server, 'postgres', signal);
  await using worker = await connect(server, 'postgres', signal);
  await holder.run('BEGIN; LOCK TABLE public.t');
  const waiting = worker.run('SELECT count(*) FROM public.t').catch(() => {});
  const lockWaits = `SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'`;
  while ((await watching.rows(lockWaits)).length === 0);

  const looks = { all: 0, working: 0 };
  const working = Promise.withResolvers<void>();
  const context = {
    signal,
    log: () => undefined,
    phase: () => undefined,
    working() {
      looks.working += 1;
      working.resolve();
    },
  };
  const counted = {
    ...watching,
    async rows<Row extends object>(sql: string, values?: unknown[]) {
      looks.all += 1;
      return watching.rows<Row>(sql, values);
    },
  };
  await using _ = watchWork(counted, 'postgres', { context, everyMs: 20 });
  while (looks.all < 3) await watching.rows('SELECT 1');
  expect(looks.working).toBe(0);
  const busy = holder.run('SELECT pg_sleep(600)').catch(() => {});
  await working.promise;
  operation.abort();
  await Promise.all([busy, waiting]);
});
