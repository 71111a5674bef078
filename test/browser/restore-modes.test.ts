import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Api } from '../support/api.ts';
import { addServer, backUp, protect } from '../support/protect.ts';
import { type Stage, startStage } from './stage.ts';
import { tell } from './story.ts';

/** A server whose account may create no databases: restores in place, and with another account for once. */
let stage: Stage;
let api: Api;
const MIGHTY = { user: 'mighty', password: randomUUID() };

beforeAll(async () => {
  stage = await startStage();
  const { controlPlane, postgres } = stage;
  api = await controlPlane.claim();
  const agent = await stage.agent('db-host', api);
  await postgres.query(`CREATE ROLE humble LOGIN PASSWORD 'humble'`);
  await postgres.query(`CREATE ROLE mighty LOGIN SUPERUSER PASSWORD '${MIGHTY.password}'`);
  await postgres.query('CREATE DATABASE shop OWNER humble');
  await postgres.query(
    `ALTER SCHEMA public OWNER TO humble; SET ROLE humble;
     CREATE TABLE orders (id int PRIMARY KEY, note text);
     CREATE TABLE audit_log (at timestamptz, what text);
     INSERT INTO orders SELECT n, 'before' FROM generate_series(1, 500) AS n;
     INSERT INTO audit_log SELECT now(), 'entry' FROM generate_series(1, 500)`,
    'shop',
  );
  const account = { server: { ...postgres, password: 'humble' }, connection: { user: 'humble' } };
  const { id } = await addServer(api, agent, { name: 'shop-server', ...account });
  await backUp(api, (await protect(api, id, 'shop')).id);
  await postgres.query(
    `UPDATE orders SET note = 'after'; SET ROLE humble; CREATE TABLE newcomer AS SELECT 1 AS n`,
    'shop',
  );
});
afterAll(() => stage?.stop());

const { button, dialog, expectClean, goTo, heading, look } = tell(() => stage);

/** What `orders` says of itself, and whether the table that came later is there. */
async function shopNow(database = 'shop'): Promise<{ note: string; newcomer: boolean }> {
  const sql = `SELECT min(note) AS note, to_regclass('newcomer') IS NOT NULL AS newcomer FROM orders`;
  return (await stage.postgres.query(sql, database))[0];
}

async function openRestore(snapshot: number): Promise<void> {
  const { page } = stage;
  await goTo('Databases');
  await page.getByRole('link', { name: 'shop', exact: true }).click();
  await page.getByRole('link', { name: `Restore snapshot ${snapshot}` }).click();
  await heading('Restore shop').waitFor();
}

/** In place of shop, checked and found possible. */
async function planInPlace(snapshot: number): Promise<void> {
  await openRestore(snapshot);
  await stage.page.getByRole('radio', { name: /^In place/ }).check();
  await button('Check the target').click();
  await stage.page.getByText('This is possible.').waitFor();
}

async function replace(): Promise<void> {
  await stage.page.getByLabel('Type “shop” to confirm').fill('shop');
  await button('Replace what is there').click();
}

test('where one way is not possible, the one that is takes a click', async () => {
  const { page } = stage;
  await stage.signIn();
  await openRestore(1);
  await button('Check the target').click();
  await page.getByText('This is not possible.').waitFor();
  await look('restore-not-possible');
  await button('“In place” with shop').click();
  await page.getByText('This is possible.').waitFor();
  expect(await page.getByLabel('Database to replace').inputValue()).toBe('shop');
});

test('a restore in place says what goes, and takes a safety snapshot unless told not to', async () => {
  const { page } = stage;
  await page.getByText(/public\.newcomer/).waitFor();
  const safety = page.getByRole('checkbox', { name: 'Back up shop first' });
  expect(await safety.isChecked()).toBe(true);
  await look('restore-in-place');
  await safety.uncheck();
  await page.getByText('What is in it now is lost for good').waitFor();
  await look('restore-in-place-unsafe');
  await safety.check();
  await page.getByText('All of that is backed up first').waitFor();
  await replace();
  await page.getByText('shop holds the snapshot now.').waitFor();
  await look('job-in-place');
  expect(await shopNow()).toEqual({ note: 'before', newcomer: false });
});

test('the safety snapshot is found from the restore, and brings back what was there', async () => {
  const { page } = stage;
  await page.getByRole('link', { name: 'Its safety snapshot' }).click();
  await page.getByText('Before a restore').waitFor();
  await page.getByRole('link', { name: 'A restore in its place' }).waitFor();
  await look('snapshot-safety');
  await planInPlace(2);
  await page.getByRole('checkbox', { name: 'Back up shop first' }).uncheck();
  await replace();
  await page.getByText('shop holds the snapshot now.').waitFor();
  expect(await page.getByText('Safety snapshot').count()).toBe(0);
  expect(await shopNow()).toEqual({ note: 'after', newcomer: true });
});

test('a safety snapshot that does not come to be keeps the restore from beginning', async () => {
  const { page, postgres } = stage;
  const { host, password, port, superuser } = postgres;
  const holder = new pg.Client({ host, port, password, user: superuser, database: 'shop' });
  await planInPlace(1);
  await holder.connect();
  try {
    // The backup waits for this table as long as somebody else holds it.
    await holder.query('BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE');
    await replace();
    await page.getByText('Waiting for the safety snapshot').waitFor();
    await look('job-waiting');
    await page.getByRole('link', { name: 'The backup it waits for' }).click();
    await heading('Back up shop').waitFor();
    await page.getByText('Running', { exact: true }).waitFor();
    await button('Cancel').click();
    await page.getByText('Cancelled', { exact: true }).waitFor();
    await page.getByRole('link', { name: 'A restore in its place' }).click();
    await page.getByRole('alert').getByText('safety_snapshot_failed').waitFor();
    await look('job-safety-failed');
  } finally {
    await holder.end();
  }
  expect(await shopNow()).toEqual({ note: 'after', newcomer: true });
});

test('another account does for one restore what the stored one may not', async () => {
  const { page } = stage;
  await openRestore(1);
  await button('Check the target').click();
  await page.getByText('This is not possible.').waitFor();
  await page.getByRole('checkbox', { name: 'Use another account for this restore' }).check();
  await page.getByLabel('User', { exact: true }).fill(MIGHTY.user);
  await page.getByLabel('Password', { exact: true }).fill('wrong');
  await button('Check the target').click();
  await page.getByRole('alert').getByText('access_denied').waitFor();
  await page.getByLabel('Password', { exact: true }).fill(MIGHTY.password);
  await button('Check the target').click();
  await page.getByText('This is possible.').waitFor();
  await look('restore-another-account');
  await page.getByLabel('Type “shop_restored” to confirm').fill('shop_restored');
  await button('Restore').click();
  await page.getByText('Restored as shop_restored.').waitFor();
  await page.getByText('One given for this restore alone, which is forgotten').waitFor();
  await look('job-another-account');
  expect(await shopNow('shop_restored')).toEqual({ note: 'before', newcomer: false });
});

test('a database’s backups leave out the rows of chosen tables, and say so', async () => {
  const { page } = stage;
  await goTo('Databases');
  await page.getByRole('link', { name: 'shop', exact: true }).click();
  await button('Edit what is backed up').click();
  await dialog().getByLabel('But not of').fill('public.audit_*\npublic.gone');
  await button('Show what is left out').click();
  const findings = dialog().getByRole('listitem');
  await findings.filter({ hasText: 'audit_log' }).waitFor();
  await findings.filter({ hasText: 'public.gone' }).waitFor();
  await look('dialog-selection');
  await dialog().getByLabel('But not of').fill('public.audit_*');
  await button('Save').click();
  await dialog().waitFor({ state: 'detached' });
  await page.getByText('public.audit_*').waitFor();
  await button('Back up now').click();
  const row = page.getByRole('row').filter({ hasText: 'Partial' });
  await row.waitFor();
  await look('database-selection');
  await row.getByRole('link').first().click();
  await page.getByText('Without the rows of').waitFor();
  await page.getByRole('definition').filter({ hasText: 'public.audit_log' }).waitFor();
  await look('snapshot-partial');
});

test('axe finds nothing, and the console is silent', expectClean);
