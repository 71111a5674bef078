import { execa } from 'execa';
import { expect, onTestFinished, test } from 'vitest';
import { capture, operation, whole } from '../../../contract/captured.ts';
import { startPostgres } from '../../../support/postgres.ts';
import { createShop } from '../../../support/shop.ts';
import { documented } from '../../../vault-format/documents.ts';
import { driver, login, realTool } from './world.ts';

test.each([
  ['everything', documented('docs/postgresql.md', 'Accounts')],
  ['without superuser', documented('docs/postgresql.md', 'Accounts', 1)],
  ['one database only', documented('docs/postgresql.md', 'Accounts', 2)],
])('the account that docs/postgresql.md makes for %s backs up', async (_, sql) => {
  const postgres = await startPostgres();
  onTestFinished(() => postgres.stop());
  await createShop(postgres, 'shop', 100);
  const input = sql.replace('…', 'its password');
  await execa(realTool('psql'), ['--no-psqlrc', '--set=ON_ERROR_STOP=1'], { input, env: postgres.psqlEnv });
  const account = login(postgres, { user: 'homeport' }, 'its password');
  const { findings } = await driver.preflightBackup(account, whole('shop'), operation());
  expect(findings.filter(({ severity }) => severity === 'blocker')).toEqual([]);
  expect((await capture(driver, account, 'shop')).streams.size).toBeGreaterThan(0);
});
