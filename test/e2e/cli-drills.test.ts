import { expect, test } from 'vitest';
import { documented } from '../vault-format/documents.ts';
import { sharedShop } from './cli-world.ts';

const shop = sharedShop();

/** The job that the last line tells of. */
const finished = (lines: string) => JSON.parse(String(lines.trim().split('\n').at(-1))).job;

test('drills are started, planned and asked more as the page says', async () => {
  const { user } = shop();
  expect((await user.shell('homeport backup main/shop --wait')).exitCode).toBe(0);
  const started = await user.shell(documented('docs/drills.md', 'Starting one'));
  expect(finished(started.stdout)).toMatchObject({ kind: 'drill', state: 'succeeded' });
  const planned = await user.shell(documented('docs/drills.md', 'Starting one', 1));
  expect(planned.stdout).toContain('Nightly: daily 02:30');
  const asked = await user.shell(documented('docs/drills.md', 'What is checked'));
  expect(asked.stdout).toMatch(/Orders are recent +SELECT max\(placed_at\)/);
  expect(asked.stdout).toContain('Drills ask “Orders are recent” no more.');
  expect(asked.stdout).toContain('"name":"Orders are recent","outcome":"passed"');
  const wrong = `homeport set-assertion main/shop 'Nothing is there' 'SELECT count(*) = 0 FROM orders'
homeport drill main/shop --wait`;
  const failed = await user.shell(wrong);
  expect(failed.exitCode).toBe(6);
  expect(failed.stderr).toContain('Assertion “Nothing is there”: The query gives false or 0.');
  const none = await user.shell(`homeport remove-assertion main/shop nothing`);
  expect(none).toMatchObject({
    exitCode: 4,
    stderr: expect.stringContaining('There is no assertion “nothing”'),
  });
});
