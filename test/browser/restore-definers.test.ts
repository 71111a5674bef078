import { afterAll, beforeAll, expect, test } from 'vitest';
import { startMariadb, type TestMariadb } from '../support/mariadb.ts';
import { addServer, backUp, protect } from '../support/protect.ts';
import { type Stage, startStage } from './stage.ts';
import { tell } from './story.ts';

/** The restore page for an engine with other ways, definers and switches; it is drawn from the descriptor alone. */
let stage: Stage;
let mariadb: TestMariadb;

beforeAll(async () => {
  [stage, mariadb] = await Promise.all([startStage(), startMariadb()]);
  await mariadb.script(
    `CREATE USER app@'%'; CREATE USER standin@'%'; CREATE DATABASE shop; USE shop;
     CREATE TABLE orders (id int PRIMARY KEY, note text);
     INSERT INTO orders SELECT seq, 'before' FROM seq_1_to_500;
     CREATE DEFINER = app@'%' SQL SECURITY DEFINER VIEW recent AS SELECT id FROM orders WHERE id > 400;
     CREATE DEFINER = app@'%' EVENT nightly ON SCHEDULE EVERY 1 DAY DO DELETE FROM orders WHERE id < 0;`,
  );
  const api = await stage.controlPlane.claim();
  const agent = await stage.agent('db-host', api);
  const { id } = await addServer(api, agent, { name: 'shop-server', server: mariadb });
  await backUp(api, (await protect(api, id, 'shop')).id);
  await mariadb.script(`UPDATE orders SET note = 'after'; CREATE TABLE newcomer (n int)`, 'shop');
});
afterAll(async () => {
  await stage?.stop();
  await mariadb?.stop();
});

const { button, expectClean, goTo, heading, look } = tell(() => stage);

async function asked(sql: string): Promise<string> {
  return (await mariadb.script(sql, 'information_schema')).split('\n').slice(1).join('\n').trim();
}

test('a database is replaced in place, its definers mapped, its events let run', async () => {
  const { page } = stage;
  await stage.signIn();
  await goTo('Databases');
  await page.getByRole('link', { name: 'shop', exact: true }).click();
  await page.getByRole('link', { name: 'Restore snapshot 1' }).click();
  await heading('Restore shop').waitFor();
  expect(await page.getByRole('radio', { name: /^Swap/ }).count()).toBe(0);
  await page.getByRole('radio', { name: /^In place/ }).check();
  await button('Check the target').click();
  await page.getByText('This is possible.').waitFor();
  await page.getByText(/newcomer/).waitFor();
  await page.getByRole('radio', { name: /^Map definers/ }).check();
  await page.getByRole('checkbox', { name: 'Let events run' }).check();
  await page.getByLabel('Type “shop” to confirm').fill('shop');
  expect(await button('Replace what is there').isDisabled()).toBe(true);
  await page.getByLabel('Account they run as').fill('standin@%');
  await look('restore-definers');
  await button('Replace what is there').click();
  await page.getByText('shop holds the snapshot now.').waitFor();
  await page.getByRole('link', { name: 'Its safety snapshot' }).waitFor();
  await look('job-definers');
});

test('the server has what was chosen', async () => {
  expect(await asked('SELECT DISTINCT note FROM shop.orders')).toBe('before');
  expect(await asked(`SELECT table_name FROM tables WHERE table_name = 'newcomer'`)).toBe('');
  expect(await asked(`SELECT definer FROM views WHERE table_name = 'recent'`)).toBe('standin@%');
  expect(await asked(`SELECT definer, status FROM events WHERE event_name = 'nightly'`)).toBe(
    'standin@%\tENABLED',
  );
});

test('axe finds nothing, and the console is silent', expectClean);
