import { expect, onTestFinished, test } from 'vitest';
import { capture, operation, whole } from '../../../contract/captured.ts';
import { documented } from '../../../vault-format/documents.ts';
import { driver, login, start } from './world.ts';

const everywhere = documented('docs/mysql.md', 'Accounts');
const [createUser = ''] = everywhere.split('\n');

test.each([
  ['all databases', everywhere],
  ['one database only', `${createUser}\n${documented('docs/mysql.md', 'Accounts', 1)}`],
])('the account that docs/mysql.md makes for %s backs up', async (_, sql) => {
  const server = await start();
  onTestFinished(() => server.stop());
  await server.script('CREATE DATABASE my_shop; CREATE TABLE my_shop.orders (id int PRIMARY KEY);');
  await server.script(sql.replace('…', 'its password'));
  const account = login(server, { user: 'homeport' }, 'its password');
  const { findings } = await driver.preflightBackup(account, whole('my_shop'), operation());
  expect(findings.filter(({ severity }) => severity === 'blocker')).toEqual([]);
  expect((await capture(driver, account, 'my_shop')).streams.size).toBeGreaterThan(0);
});
