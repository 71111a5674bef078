import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RestorePlan } from '../../../../protocol/restore.ts';
import { capture, operation, restoreInput, whole } from '../../../contract/captured.ts';
import {
  ACCOUNTS,
  type Contents,
  CREATE_USER,
  type GrantWorld,
  grantWorld,
  PUBLISHED,
  recipeOf,
  SINGLE,
} from './grant-world.ts';
import { driver, flavour } from './world.ts';

let world: GrantWorld;
beforeAll(async () => {
  world = await grantWorld();
}, 60_000);
afterAll(() => world?.[Symbol.asyncDispose]());

/** Cells of the documentation's table, by contents and account. */
const table = new Map<string, string[]>();

/** SQL in one line of a table, with the names that the documentation uses. */
const inline = (sql: string) =>
  sql
    .replaceAll(`'databasement'@'%'`, `homeport@'%'`)
    .replaceAll('`database\\_name`', 'shop')
    .replaceAll('`a copy`', 'shop_copy')
    .split('\n')
    .map((line) => `\`${line.replace(/ --.*$/, '')}\``)
    .join(' ');

/** Pastes what `wanted` prints until it prints nothing more; gives all of it. */
async function pasteAll(wanted: () => Promise<string | undefined>): Promise<string> {
  const pasted: string[] = [];
  for (let sql = await wanted(); sql !== undefined; sql = await wanted()) {
    expect(pasted).not.toContain(sql); // it helped
    pasted.push(sql);
    await world.server.query(sql);
  }
  return pasted.length === 0 ? 'works' : pasted.map(inline).join(' ');
}

/** What the preflight of a backup wants, or would miss, as SQL. */
async function backupWants(): Promise<string | undefined> {
  const { findings } = await driver.preflightBackup(world.account, whole('database_name'), operation());
  expect(findings.filter(({ sql }) => sql === undefined)).toEqual([]);
  return findings.length === 0 ? undefined : findings.map(({ sql }) => sql).join('\n');
}

/** What the preflight of a restore wants, as SQL. */
async function restoreWants(input: ReturnType<typeof restoreInput>): Promise<string | undefined> {
  const said = await driver.preflightRestore(world.account, input, operation());
  expect(said.findings.filter(({ severity }) => severity === 'blocker')).toEqual([]);
  const verdicts = [
    said.modes.find(({ mode }) => mode === input.plan.mode),
    said.ownerChoices.find(({ choice }) => choice === 'keep'),
  ].filter((one) => one?.possible === false);
  expect(verdicts.filter((one) => one?.sql === undefined)).toEqual([]);
  return verdicts.length === 0 ? undefined : verdicts.map((one) => one?.sql).join('\n');
}

const plans: Pick<RestorePlan, 'mode' | 'targetDatabase'>[] = [
  { mode: 'new', targetDatabase: 'a copy' },
  { mode: 'in-place', targetDatabase: 'database_name' },
];

describe.each<Contents>(['tables', 'all kinds', 'all kinds, binary log'])('%s', (contents) => {
  test.each(ACCOUNTS)(
    '$name: each operation works, or says what to grant; granted, it works',
    async ({ name, sql }) => {
      await world.fill(contents);
      const dump = await capture(driver, world.root, 'database_name');
      const was = await world.contents('database_name');
      await world.make(sql);
      const row = [await pasteAll(backupWants)];
      const { streams } = await capture(driver, world.account, 'database_name');
      expect(streams.get('dump')?.equals(dump.streams.get('dump') as Buffer)).toBe(true);
      for (const plan of plans) {
        await world.make(sql);
        await world.guard(contents === 'all kinds, binary log');
        const input = restoreInput(dump, plan);
        row.push(await pasteAll(() => restoreWants(input)));
        await world.server.query('DELETE FROM `lines`; DELETE FROM orders WHERE id > 1', 'database_name');
        await driver.restore(world.account, input, operation());
        expect(await world.contents(plan.targetDatabase)).toEqual(was);
        if (plan.mode === 'new') await world.server.query('DROP DATABASE `a copy`');
      }
      table.set(`${contents} | ${name}`, row);
    },
  );
});

test('the published statement for one database is refused by the server; ours is that without what it refuses', async () => {
  await world.make('');
  const literal = PUBLISHED.replace('*.*', 'database_name.*');
  await expect(world.server.query(literal)).rejects.toMatchObject({ errno: 1221 });
  const held = async (sql: string) => {
    await world.make(sql);
    const rows = await world.server.query(`SHOW GRANTS FOR 'databasement'@'%'`);
    return rows.map((row) => String(Object.values(row)[0]).replace('\\_', '_')).sort();
  };
  expect(await held(recipeOf('single'))).toEqual(await held(SINGLE));
  expect(await held(recipeOf('all'))).toEqual(await held(PUBLISHED));
  expect(CREATE_USER).toContain("'databasement'@'%'");
});

test('accounts that the target lacks: MySQL wants one more privilege for them, MariaDB none', async () => {
  await world.fill('tables');
  await world.server.query(
    `CREATE DEFINER=app_owner@'%' PROCEDURE list() SELECT * FROM orders; CREATE DEFINER=app_owner@'%' VIEW totals AS SELECT total FROM orders`,
    'database_name',
  );
  const dump = await capture(driver, world.root, 'database_name');
  await world.make(recipeOf('everything'));
  await world.guard(false);
  await world.server.query(`DROP DATABASE database_name; DROP USER app_owner@'%'`);
  const input = restoreInput(dump, { targetDatabase: 'a copy' });
  const { findings, missing } = await driver.preflightRestore(world.account, input, operation());
  expect(findings.map(({ code }) => code)).toContain('definer_missing');
  expect(missing).toEqual([{ kind: 'Accounts', names: ['app_owner@%'] }]);
  expect(await pasteAll(() => restoreWants(input))).toBe(
    flavour === 'mysql' ? "`GRANT ALLOW_NONEXISTENT_DEFINER ON *.* TO homeport@'%';`" : 'works',
  );
  await driver.restore(world.account, input, operation());
  // Once the account is there, everything works as it did.
  await world.server.query(`CREATE USER app_owner@'%'; GRANT ALL ON \`a copy\`.* TO app_owner@'%'`);
  expect(await world.server.query('SELECT * FROM totals', 'a copy')).toHaveLength(3);
});

test('the documentation shows what was found', async () => {
  const page = await readFile('docs/mysql.md', 'utf8');
  const product = flavour === 'mysql' ? 'MySQL' : 'MariaDB';
  const lines = [...table].map(([key, row]) => `| ${product} | ${key} | ${row.join(' | ')} | — |`);
  if (process.env.SHOW_GRANTS) process.stdout.write(`${lines.join('\n')}\n`);
  for (const line of lines) expect(page).toContain(`${line}\n`);
});
