import { expect, test } from 'vitest';
import { documented } from '../vault-format/documents.ts';
import { sharedShop } from './cli-world.ts';

const shop = sharedShop();

test('a policy is set from the page, and has the database', async () => {
  const { user } = shop();
  const { stdout } = await user.shell(documented('docs/schedules.md', 'Making one'));
  expect(stdout).toContain('Nightly: daily 02:30 Europe/Berlin, for 1 database.');
  expect(stdout).toMatch(/Nightly +daily 02:30 Europe\/Berlin +all +everything +1 /);
});
