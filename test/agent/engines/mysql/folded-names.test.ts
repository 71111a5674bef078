import { afterAll, beforeAll, expect, test } from 'vitest';
import { foldName, objectKey } from '../../../../agent/engines/mysql/names.ts';
import { capture, failureOf, operation, restoreInput } from '../../../contract/captured.ts';
import type { TestMysql } from '../../../support/mysql-family.ts';
import { driver, flavour, login, start } from './world.ts';

let apart: TestMysql;
let folding: TestMysql;
beforeAll(async () => {
  // MySQL takes the setting only when its data directory is made, as MariaDB does not.
  if (flavour === 'mysql') return;
  [apart, folding] = await Promise.all([start(), start({ lower_case_table_names: '1' })]);
}, 60_000);
afterAll(() => Promise.all([apart?.stop(), folding?.stop()]));

test('names are folded as servers do it, not as JavaScript does', () => {
  expect(['ΟΔΟΣ', 'İ', 'Straße', '`A'].map(foldName)).toEqual(['οδοσ', 'i', 'straße', '`a']);
  expect(objectKey('table', 'A', false)).not.toBe(objectKey('table', 'a', false));
  expect(objectKey('procedure', 'A', false)).toBe(objectKey('procedure', 'a', false));
});

const onlyMariadb = flavour === 'mariadb' ? test : () => {};

onlyMariadb(
  'a table left out of the snapshot stays where the target writes its name in lower case',
  async () => {
    await apart.query(
      `CREATE DATABASE shop; CREATE TABLE shop.Orders (id int); CREATE TABLE shop.Kept (id int);
     INSERT INTO shop.Orders VALUES (1); INSERT INTO shop.Kept VALUES (2)`,
    );
    const partial = await capture(driver, login(apart), 'shop', { include: [], exclude: ['Orders'] });
    const input = restoreInput(partial, { mode: 'in-place', targetDatabase: 'Shop' });

    await folding.query(
      `CREATE DATABASE shop; CREATE TABLE shop.orders (id int); INSERT INTO shop.orders VALUES (7);
     CREATE TABLE shop.kept (id int); INSERT INTO shop.kept VALUES (8)`,
    );
    const { findings } = await driver.preflightRestore(login(folding), input, operation());
    expect(findings.find(({ code }) => code === 'in_place_kept')?.message).toContain('orders');
    expect(findings.map(({ code }) => code)).not.toContain('in_place_drops');
    const report = await driver.restore(login(folding), input, operation());
    expect(report.database).toBe('shop');
    expect(report.notes.join(' ')).toContain(
      'Left as they are, since the snapshot has no rows of theirs: “orders”',
    );
    expect(await folding.query('SELECT id FROM shop.orders')).toEqual([{ id: 7 }]);
    expect(await folding.query('SELECT id FROM shop.kept')).toEqual([{ id: 2 }]);

    // A server that tells them apart has another table there.
    await apart.query(
      'CREATE DATABASE Shop; CREATE TABLE Shop.orders (id int); CREATE TABLE Shop.Orders (id int)',
    );
    const there = await driver.preflightRestore(login(apart), input, operation());
    expect(there.findings.find(({ code }) => code === 'in_place_kept')?.message).toMatch(
      /: Orders, orders\.$/,
    );
  },
);

onlyMariadb('a new database is found again under the name the server gave it', async () => {
  const dump = await capture(driver, login(folding), 'shop');
  const report = await driver.restore(
    login(folding),
    restoreInput(dump, { targetDatabase: 'COPY_Σ' }),
    operation(),
  );
  expect(report.database).toBe('copy_σ');
  expect(await folding.query('SELECT id FROM kept', 'copy_σ')).toEqual([{ id: 2 }]);
});

onlyMariadb('names that differ by case alone are met before anything is dropped', async () => {
  await apart.query(
    'CREATE DATABASE twins; CREATE TABLE twins.ΟΔΟΣ (id int); CREATE TABLE twins.οδοσ (id int)',
  );
  const dump = await capture(driver, login(apart), 'twins');
  const input = restoreInput(dump, { mode: 'in-place', targetDatabase: 'shop' });
  expect(await failureOf(driver.restore(login(folding), input, operation()))).toMatchObject({
    code: 'restore_not_possible',
    message: expect.stringMatching(/ΟΔΟΣ, οδοσ|οδοσ, ΟΔΟΣ/),
  });
  expect(await folding.query('SELECT id FROM shop.orders')).toEqual([{ id: 7 }]);
});
