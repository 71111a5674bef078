import { expect, test } from 'vitest';
import { backUp } from '../support/protect.ts';
import { documented } from '../vault-format/documents.ts';
import { sharedShop } from './cli-world.ts';

const shop = sharedShop();

test('the commands of the page on retention do what it says', async () => {
  const { database, homeport, user } = shop();
  for (let n = 0; n < 2; n += 1) await backUp(homeport.api, database.id);
  await user.shell('homeport set-policy Nightly --everywhere --daily --at 02:30');
  const set = await user.shell(documented('docs/retention.md', 'Which snapshots stay'));
  expect(set).toMatchObject({ exitCode: 0 });
  expect(set.stdout).toMatch(/newest, last, daily \d{4}-\d\d-\d\d/);
  const listed = await user.shell('homeport policies');
  expect(listed.stdout).toContain('last 3, 14 daily, 8 weekly, 12 monthly');
  const pinned = await user.shell("homeport keep-snapshot 2 --of shop --pin --note 'before the migration'");
  expect(pinned.stdout).toContain('pinned');
  expect((await user.shell('homeport snapshot 2 --of shop')).stdout).toContain('before the migration');
  const gone = await user.shell(documented('docs/retention.md', 'Deleting by hand'));
  expect(gone).toMatchObject({ exitCode: 0, stdout: 'Snapshot #1 of shop is gone.' });
  const refused = await user.shell('homeport delete-snapshot 3 --of shop --confirm shop');
  expect(refused.exitCode).not.toBe(0);
  expect(refused.stderr).toContain('It is the newest snapshot');
  const freed = await user.shell(documented('docs/retention.md', 'Space'));
  expect(freed).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('Freed') });
  const left = await homeport.api.get<{ sequence: number }[]>(`/snapshots?databaseId=${database.id}`);
  expect(left.map(({ sequence }) => sequence)).toEqual([3, 2]);
});
