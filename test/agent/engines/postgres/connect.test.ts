import { afterEach, expect, test, vi } from 'vitest';
import { connect } from '../../../../agent/engines/postgres/connect.ts';
import { startPostgres } from '../../../support/postgres.ts';
import { startTcpProxy } from '../../../support/tcp-proxy.ts';

afterEach(() => {
  vi.useRealTimers();
});

test('the limit on connecting does not end a session that a long dump needs', async () => {
  await using postgres = await startPostgres();
  const { host, port, superuser, password } = postgres;
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
  const server = { connection: { host, port, user: superuser, tls: 'off' as const }, password };
  await using session = await connect(server, 'postgres', new AbortController().signal);
  await vi.advanceTimersByTimeAsync(24 * 60 * 60 * 1000);
  expect(await session.rows('SELECT 1 AS one')).toEqual([{ one: 1 }]);
});

test('a session has no time limits, whatever the database sets', async () => {
  await using postgres = await startPostgres();
  await postgres.query(`CREATE DATABASE hasty`);
  // Long enough for the statement that takes it back, on a busy machine too.
  await postgres.query(`ALTER DATABASE hasty SET statement_timeout = 500; ALTER DATABASE hasty SET lock_timeout = 500;
    ALTER DATABASE hasty SET idle_in_transaction_session_timeout = 500`);
  const { host, port, superuser, password } = postgres;
  const server = { connection: { host, port, user: superuser, tls: 'off' as const }, password };
  await using session = await connect(server, 'hasty', new AbortController().signal);
  await session.run('SELECT pg_sleep(0.7)');
  expect(
    await session.rows(
      `SELECT name, setting FROM pg_settings WHERE setting <> '0' AND name IN
         ('statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout')`,
    ),
  ).toEqual([]);
});

test('aborting the operation cuts its session', async () => {
  await using postgres = await startPostgres();
  const { host, port, superuser, password } = postgres;
  const operation = new AbortController();
  const server = { connection: { host, port, user: superuser, tls: 'off' as const }, password };
  const session = await connect(server, 'postgres', operation.signal);
  const query = session.rows('SELECT pg_sleep(60)');
  operation.abort(new Error('stop'));
  await expect(query).rejects.toMatchObject({ failure: { code: 'cancelled' } });
});

test('a session on a server that went out of reach ends all the same', async () => {
  await using postgres = await startPostgres();
  await using proxy = await startTcpProxy(postgres);
  const { superuser, password } = postgres;
  const connection = { host: '127.0.0.1', port: proxy.port, user: superuser, tls: 'off' as const };
  const { signal } = new AbortController();
  const session = await connect({ connection, password }, 'postgres', signal);
  proxy.halfOpen();
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const ended = session[Symbol.asyncDispose]();
  await vi.advanceTimersByTimeAsync(5_000);
  await ended;
});
