import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { driverFor } from '../../../../agent/engines/registry.ts';
import { capture, operation, restoreInput } from '../../../contract/captured.ts';
import { fingerprint } from '../../../support/fingerprint.ts';
import { startPostgres } from '../../../support/postgres.ts';

test('every extension on this host and objects hardly anybody has are counted right and come back', async () => {
  await using postgres = await startPostgres();
  await postgres.query('CREATE DATABASE exotic');
  const extensions = `SELECT name FROM pg_available_extensions WHERE name <> 'plpgsql' ORDER BY 1`;
  for (const { name } of await postgres.query(extensions)) {
    await postgres.query(`CREATE EXTENSION IF NOT EXISTS "${name}" CASCADE`, 'exotic');
  }
  for (const line of (await readFile('test/support/exotic-schema.sql', 'utf8')).split('\n')) {
    if (line !== '' && !line.startsWith('--')) await postgres.query(line, 'exotic');
  }
  const driver = driverFor('postgresql');
  const server = {
    connection: { host: postgres.host, port: postgres.port, user: postgres.superuser, tls: 'off' },
    password: postgres.password,
  } as const;
  const dump = await capture(driver, server, 'exotic');
  expect(Object.keys(dump.result.catalog.objectCounts).length).toBeGreaterThan(35);
  await driver.restore(server, restoreInput(dump, { targetDatabase: 'again' }), operation());
  const contents = (database: string) => fingerprint((sql) => postgres.query(sql, database));
  expect(await contents('again')).toEqual(await contents('exotic'));
});
