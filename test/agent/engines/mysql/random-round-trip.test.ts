import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { capture, operation, restoreInput } from '../../../contract/captured.ts';
import type { TestMysql } from '../../../support/mysql-family.ts';
import { mysqlFingerprint } from '../../../support/mysql-fingerprint.ts';
import { schemas, statements, type Table } from './random-schema.ts';
import { driver, login, start } from './world.ts';

let server: TestMysql;
beforeAll(async () => {
  server = await start();
}, 60_000);
afterAll(() => server?.stop());

const tally = { tables: 0, refused: 0, rows: 0 };
const refusals: string[] = [];

/** Makes what the server takes of a schema. */
async function make(database: string, tables: readonly Table[]): Promise<void> {
  await server.query(
    `DROP DATABASE IF EXISTS ${database}; CREATE DATABASE ${database} CHARACTER SET utf8mb4`,
  );
  for (const at of tables.keys()) {
    const { create, fill } = statements(tables, at);
    try {
      await server.query(create, database);
      await server.query(fill, database);
      tally.tables += 1;
    } catch (error) {
      tally.refused += 1;
      refusals.push(`${(error as Error).message}`);
    }
  }
}

const fingerprint = (database: string) => mysqlFingerprint((sql) => server.query(sql, database));

test('random tables and rows come back as they were', async () => {
  const property = fc.asyncProperty(schemas, async (tables) => {
    await make('made', tables);
    const dump = await capture(driver, login(server), 'made');
    await server.query('DROP DATABASE IF EXISTS restored');
    await driver.restore(login(server), restoreInput(dump, { targetDatabase: 'restored' }), operation());
    const before = await fingerprint('made');
    expect(await fingerprint('restored')).toEqual(before);
    for (const { rows } of dump.result.catalog.tables) tally.rows += rows;
  });
  await fc.assert(property, { seed: 20_240, numRuns: 15, endOnFailure: true });
  // The test is worth something only where most of it is made.
  expect(tally.tables, refusals.join('\n')).toBeGreaterThan(tally.refused * 3);
  expect(tally.rows).toBeGreaterThan(100);
}, 60_000);
