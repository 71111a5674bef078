import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { capture, failureOf, operation, restoreInput } from '../../../contract/captured.ts';
import { startPostgres, type TestPostgres } from '../../../support/postgres.ts';
import { driver, login } from './world.ts';

let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres?.stop());

const superuser = () => ({
  host: postgres.host,
  port: postgres.port,
  user: 'postgres',
  password: postgres.password,
});

describe('swap and sessions', () => {
  test('clients that reconnect at once do not keep the names from being exchanged', async () => {
    await postgres.query('CREATE DATABASE stormy');
    const dump = await capture(driver, login(postgres), 'stormy');
    let going = true;
    const storm = Array.from({ length: 4 }, async () => {
      while (going) await postgres.query('SELECT pg_sleep(2)', 'stormy').catch(() => {});
    });
    const held = `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = 'stormy'`;
    await expect.poll(async () => (await postgres.query(held))[0].n).toBeGreaterThan(0);
    const plan = { mode: 'swap', targetDatabase: 'stormy', endSessions: true } as const;
    const report = await driver.restore(login(postgres), restoreInput(dump, plan), operation());
    going = false;
    await postgres.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname LIKE 'stormy%'`,
    );
    await Promise.all(storm);
    expect(
      await postgres.query(`SELECT 1 FROM pg_database WHERE datname = $1`, 'postgres', [report.keptAs]),
    ).toHaveLength(1);
  });

  test('sessions that the account may not end make the swap fail, with what to grant', async () => {
    await postgres.query(`CREATE ROLE mender LOGIN CREATEDB PASSWORD 'pw'`);
    await postgres.query('CREATE DATABASE held OWNER mender');
    const mender = login(postgres, { user: 'mender' }, 'pw');
    const dump = await capture(driver, mender, 'held');
    const held = new pg.Client({ ...superuser(), database: 'held' });
    await held.connect();
    const plan = { mode: 'swap', targetDatabase: 'held', endSessions: true, owners: 'none' } as const;
    const failure = await failureOf(driver.restore(mender, restoreInput(dump, plan), operation()));
    expect(failure.code).toBe('privilege_missing');
    expect((await held.query('SELECT 1 AS still')).rows).toEqual([{ still: 1 }]);
    await held.end();
    expect(await postgres.query(`SELECT datname FROM pg_database WHERE datname LIKE 'held_%'`)).toEqual([]);
  });

  test('a database in use is refused, or its sessions are ended where that was allowed', async () => {
    await postgres.query('CREATE DATABASE busy');
    const dump = await capture(driver, login(postgres), 'busy');
    const client = new pg.Client({ ...superuser(), database: 'busy' });
    const ended = new Promise<void>((resolve) => client.once('end', () => resolve()));
    client.on('error', () => {});
    await client.connect();
    const plan = { mode: 'swap', targetDatabase: 'busy' } as const;
    const failure = await failureOf(driver.restore(login(postgres), restoreInput(dump, plan), operation()));
    expect(failure).toMatchObject({ code: 'database_in_use', message: expect.stringContaining('1 session') });
    expect((await client.query('SELECT 1 AS still')).rows).toEqual([{ still: 1 }]);
    expect(await postgres.query(`SELECT datname FROM pg_database WHERE datname LIKE 'busy_%'`)).toEqual([]);
    await driver.restore(login(postgres), restoreInput(dump, { ...plan, endSessions: true }), operation());
    await ended;
    expect(
      await postgres.query(`SELECT datname FROM pg_database WHERE datname LIKE 'busy_before_%'`),
    ).toHaveLength(1);
  });
});
