import { readFile } from 'node:fs/promises';
import type { EngineDriver } from '../../../../agent/engines/driver.ts';
import { postgresDriver } from '../../../../agent/engines/postgres/driver.ts';
import { engineContract } from '../../../contract/engine.ts';
import { fingerprint } from '../../../support/fingerprint.ts';
import { startPostgres } from '../../../support/postgres.ts';

engineContract('PostgreSQL', async () => {
  const postgres = await startPostgres();
  const sample = 'wide';
  await postgres.query('CREATE ROLE wide_owner; CREATE ROLE wide_reader LOGIN');
  await postgres.query(`CREATE DATABASE ${sample}`);
  await postgres.query(await readFile('test/support/wide-schema.sql', 'utf8'), sample);
  return {
    driver: postgresDriver() as EngineDriver,
    server: {
      connection: { host: postgres.host, port: postgres.port, user: postgres.superuser, tls: 'prefer' },
      password: postgres.password,
    },
    sample,
    databases: async () =>
      (await postgres.query('SELECT datname FROM pg_database ORDER BY 1')).map((row) => String(row.datname)),
    contents: (database) => fingerprint((sql) => postgres.query(sql, database)),
    change: async (database) =>
      void (await postgres.query(
        'INSERT INTO shop.unlogged VALUES (9); UPDATE shop.customers SET email = id || $$@changed$$ WHERE id < 5',
        database,
      )),
    drop: async (database) => void (await postgres.query(`DROP DATABASE "${database}"`)),
    [Symbol.asyncDispose]: () => postgres.stop(),
  };
});
