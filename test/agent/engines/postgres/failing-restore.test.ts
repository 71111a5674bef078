import { chown, mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { StreamOpener } from '../../../../agent/engines/driver.ts';
import {
  type Captured,
  capture,
  failureOf,
  opener,
  operation,
  restoreInput,
} from '../../../contract/captured.ts';
import { fingerprint } from '../../../support/fingerprint.ts';
import { startPostgres, type TestPostgres } from '../../../support/postgres.ts';
import { mountTmpfs } from '../../../support/tmpfs.ts';
import { databases, driver, login } from './world.ts';

/** All that a failed restore may not have changed on a server. */
async function state(postgres: TestPostgres, target: string) {
  return {
    databases: await databases(postgres),
    target: await postgres.query(
      `SELECT d.oid, d.*, shobj_description(d.oid, 'pg_database') FROM pg_database d WHERE datname = $1`,
      'postgres',
      [target],
    ),
    roles: await postgres.query('SELECT rolname FROM pg_roles ORDER BY 1'),
    contents: await fingerprint((sql) => postgres.query(sql, target)),
  };
}

describe('a statement that fails last', () => {
  let postgres: TestPostgres;
  let dump: Captured;
  beforeAll(async () => {
    postgres = await startPostgres();
    await postgres.query('CREATE DATABASE shop');
    // The index was unique when it was made; what its function answers has changed since.
    await postgres.query(
      `CREATE TABLE modulus (n int); INSERT INTO modulus VALUES (1000);
       CREATE FUNCTION bucket(int) RETURNS int IMMUTABLE LANGUAGE plpgsql
         AS 'BEGIN RETURN $1 % (SELECT n FROM public.modulus); END';
       CREATE TABLE rows (a int, b text); INSERT INTO rows SELECT g, repeat('x', 100) FROM generate_series(1, 900) g;
       CREATE UNIQUE INDEX zz_last ON rows (bucket(a)); UPDATE modulus SET n = 10`,
      'shop',
    );
    dump = await capture(driver, login(postgres), 'shop');
    await postgres.query('CREATE DATABASE target');
    await postgres.query(`CREATE TABLE live (a int); INSERT INTO live VALUES (1), (2)`, 'target');
  });
  afterAll(() => postgres?.stop());

  test.each([
    ['new', 'fresh'],
    ['swap', 'target'],
    ['in-place', 'target'],
  ] as const)('makes a restore fail: %s', async (mode, targetDatabase) => {
    const before = await state(postgres, 'target');
    const input = restoreInput(dump, { mode, targetDatabase });
    const failure = await failureOf(driver.restore(login(postgres), input, operation()));
    expect(failure).toMatchObject({
      code: 'restore_sql_error',
      message: expect.stringContaining('could not create unique index "zz_last"'),
      detail: expect.stringContaining('is duplicated'),
    });
    expect(await state(postgres, 'target')).toEqual(before);
  });
});

describe('a database server whose disk is full', () => {
  let from: TestPostgres;
  let to: TestPostgres;
  let disk: AsyncDisposable;
  let scratch: string;
  let dump: Captured;
  beforeAll(async () => {
    [from, to] = await Promise.all([startPostgres(), startPostgres()]);
    scratch = await mkdtemp(join(tmpdir(), 'homeport-disk-'));
    const [roomy, small] = [join(scratch, 'roomy'), join(scratch, 'small')];
    await mkdir(roomy);
    disk = await mountTmpfs(small, 8);
    const account = await stat(from.directory);
    for (const path of [scratch, roomy, small]) await chown(path, account.uid, account.gid);
    await from.query(`CREATE TABLESPACE small LOCATION '${roomy}'`);
    await to.query(`CREATE TABLESPACE small LOCATION '${small}'`);
    await from.query('CREATE DATABASE shop');
    await from.query(
      `CREATE TABLE big TABLESPACE small AS SELECT g, repeat(md5(g::text), 20) AS b FROM generate_series(1, 20000) g`,
      'shop',
    );
    dump = await capture(driver, login(from), 'shop');
    await to.query('CREATE DATABASE shop');
    await to.query(`CREATE TABLE live (a int); INSERT INTO live VALUES (1)`, 'shop');
  });
  afterAll(async () => {
    await Promise.all([from?.stop(), to?.stop()]);
    await disk?.[Symbol.asyncDispose]();
    await rm(scratch, { recursive: true, force: true });
  });

  test.each(['swap', 'in-place'] as const)(
    'makes a restore fail as that, and the target stays as it was: %s',
    async (mode) => {
      const before = await state(to, 'shop');
      const input = restoreInput(dump, { mode, targetDatabase: 'shop' });
      expect(await failureOf(driver.restore(login(to), input, operation()))).toMatchObject({
        code: 'disk_full',
        message: expect.stringContaining('No space left on device'),
        hint: expect.stringContaining('Free space'),
      });
      expect(await state(to, 'shop')).toEqual(before);
    },
  );

  test('in place, also where the transaction has failed before the archive’s end is given to pg_restore', async () => {
    const before = await state(to, 'shop');
    const failed = async () => {
      const sessions = `SELECT 1 FROM pg_stat_activity WHERE state = 'idle in transaction (aborted)'`;
      return (await to.query(sessions)).length;
    };
    const open: StreamOpener = async function* (name) {
      const parts = await Array.fromAsync(opener(dump)(name));
      for (const [at, part] of parts.entries()) {
        if (name === 'dump' && at === parts.length - 1) await expect.poll(failed).toBe(1);
        yield part;
      }
    };
    const input = restoreInput(dump, { mode: 'in-place', targetDatabase: 'shop' }, open);
    const failure = await failureOf(driver.restore(login(to), input, operation()));
    expect(failure).toMatchObject({ code: 'disk_full', hint: expect.stringContaining('is as it was') });
    expect(await state(to, 'shop')).toEqual(before);
  });
});
