import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checksums } from '../support/checksums.ts';
import type { Child } from '../support/child.ts';
import { eventually } from '../support/eventually.ts';
import { changeShop, createShop } from '../support/shop.ts';
import { tryForeignStyle } from './accessibility.ts';
import { openEveryPage } from './page-paths.ts';
import { type Stage, startStage } from './stage.ts';
import { tell } from './story.ts';

/** From the set-up link to a restore, all by clicking: one story, told in order. */
let stage: Stage;
let before: Record<string, string>;
let agent: Child;
const OWNER = { name: 'Ada Lovelace', email: 'ada@example.org', password: 'correct horse battery' };

beforeAll(async () => {
  stage = await startStage();
  await createShop(stage.postgres, 'shop', 20_000);
});
afterAll(() => stage?.stop());

const { button, expectClean, goTo, heading, look } = tell(() => stage);

test('nobody gets in before there is an owner', async () => {
  const { controlPlane, page } = stage;
  await page.goto(`${controlPlane.url}/databases`);
  await heading('Set up Homeport').waitFor();
  await page.getByText('has no owner yet').waitFor();
});

test('the set-up link makes the owner and leads to the first steps', async () => {
  const { controlPlane, page } = stage;
  await page.goto(await controlPlane.setupLink());
  await page.getByLabel('Name').fill(OWNER.name);
  await page.getByLabel('E-mail address').fill(OWNER.email);
  await page.getByLabel('Password').fill(OWNER.password);
  await look('setup');
  await button('Create account').click();
  await page.getByRole('heading', { name: 'First steps' }).waitFor();
  await page.getByText('Live', { exact: true }).waitFor();
  await look('first-steps');
});

test('empty pages say what comes next', async () => {
  const next = {
    Databases: 'Go to servers',
    Servers: 'Go to agents',
    Agents: 'Add agent',
    Jobs: 'Go to databases',
  };
  for (const [name, act] of Object.entries(next)) {
    await goTo(name);
    await heading(name).waitFor();
    await stage.page.locator('main').locator('a, button').filter({ hasText: act }).last().waitFor();
    await look(`empty-${name.toLowerCase()}`);
  }
});

test('signing out and in again', async () => {
  const { page } = stage;
  await button('Sign out').click();
  await heading('Sign in to Homeport').waitFor();
  await page.getByLabel('E-mail address').fill(OWNER.email);
  await page.getByLabel('Password').fill('something else');
  await button('Sign in').click();
  await page.getByText('E-mail address or password is wrong.').waitFor();
  await look('login');
  await page.getByLabel('Password').fill(OWNER.password);
  await button('Sign in').click();
  await page.getByRole('heading', { name: 'First steps' }).waitFor();
});

test('an agent appears the moment it dials in', async () => {
  const { page } = stage;
  await page.getByRole('link', { name: 'Add an agent' }).click();
  await button('Add agent').first().click();
  await page.getByLabel(/^Name/).fill('db-host');
  await button('Show the command').click();
  const command = (await page.getByLabel('Command that enrols the agent').textContent()) ?? '';
  await look('dialog-add-agent');
  agent = await stage.paste('db-host', command);
  await page.getByText('db-host is connected').waitFor();
  await page.getByRole('dialog').getByRole('link', { name: 'Add a server' }).click();
  await heading('Add server').waitFor();
});

test('a wrong password is told apart, the right one saves the server', async () => {
  const { page, postgres } = stage;
  await page.getByLabel('Name', { exact: true }).fill('shop-server');
  await page.getByLabel('Host', { exact: true }).fill(postgres.host);
  await page.getByLabel('Port').fill(String(postgres.port));
  await page.getByLabel('User', { exact: true }).fill(postgres.superuser);
  await page.getByLabel('Password', { exact: true }).fill('wrong');
  await page.getByRole('radio', { name: /^Off/ }).check();
  await button('Test connection').click();
  await page.getByRole('alert').getByText('access_denied').waitFor();
  await page.getByLabel('Password', { exact: true }).fill(postgres.password);
  await button('Test connection').click();
  await page.getByText('The agent logged in.').waitFor();
  await button('Save server').click();
  await heading('shop-server').waitFor();
});

test('the account’s SQL carries what was typed', async () => {
  const { page } = stage;
  await goTo('Servers');
  await page.getByRole('link', { name: 'Add server' }).first().click();
  await page.getByLabel('User', { exact: true }).fill('o"brien');
  await page.getByRole('tab', { name: /One database/ }).click();
  await page.getByRole('tabpanel').getByRole('textbox').fill('shop');
  const sql = await page.getByLabel('SQL: One database').textContent();
  expect(sql).toContain('GRANT ALL PRIVILEGES ON DATABASE "shop" TO "o""brien";');
  await goTo('Servers');
  await page.getByRole('link', { name: 'shop-server' }).click();
});

test('a database is chosen from the agent’s list', async () => {
  const { page } = stage;
  await page.getByRole('checkbox', { name: /^shop/ }).check();
  await button('Protect').click();
  await page
    .getByRole('table', { name: 'Databases', exact: true })
    .getByRole('link', { name: 'shop' })
    .click();
  await heading('shop').waitFor();
  await button('Check').click();
  await page.getByRole('heading', { name: 'Check before a backup' }).waitFor();
});

test('snapshots appear by themselves', async () => {
  const { page, postgres } = stage;
  const rows = page.getByRole('table', { name: 'Snapshots' }).getByRole('row');
  before = await checksums(postgres, 'shop');
  await button('Back up now').click();
  await rows.getByText('Number 1').waitFor();
  await changeShop(postgres, 'shop');
  await button('Back up now').click();
  await rows.getByText('Number 2').waitFor();
  await page.getByRole('img', { name: /Sizes of the last 2 snapshots/ }).waitFor();
  await page.getByRole('img', { name: 'The last 30 days: 2 backups succeeded, 0 failed' }).waitFor();
  await page.getByText('Protected', { exact: true }).first().waitFor();
});

test('a snapshot downloads as a native dump', async () => {
  const { page } = stage;
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: 'Download snapshot 1' }).click(),
  ]);
  expect(download.suggestedFilename()).toMatch(/shop.*\.dump$/);
  const chunks: Buffer[] = [];
  for await (const chunk of await download.createReadStream()) chunks.push(chunk as Buffer);
  expect(Buffer.concat(chunks).subarray(0, 5).toString()).toBe('PGDMP');
});

test('a restore is checked, confirmed by name, and reported', async () => {
  const { page, postgres } = stage;
  await page.getByRole('link', { name: 'Restore snapshot 1' }).click();
  await heading('Restore shop').waitFor();
  await page.getByLabel('Name of the new database').fill('shop then');
  await button('Check the target').click();
  await page.getByText('This is possible.').waitFor();
  expect(await button('Restore').isDisabled()).toBe(true);
  await page.getByLabel('Type “shop then” to confirm').fill('shop then');
  await button('Restore').click();
  await heading('Restore shop as shop then').waitFor();
  await page.getByText('Restored as shop then.').waitFor();
  expect(await checksums(postgres, 'shop then')).toEqual(before);
});

test('a name that is taken is refused before anything starts', async () => {
  const { page } = stage;
  await goTo('Databases');
  await page.getByRole('link', { name: 'shop', exact: true }).click();
  await page.getByRole('link', { name: 'Restore snapshot 2' }).click();
  await page.getByLabel('Name of the new database').fill('shop');
  await button('Check the target').click();
  await page.getByText('This is not possible.').waitFor();
  expect(await page.getByRole('heading', { name: '3. Restore' }).count()).toBe(0);
});

test('a backup under way is watched and cancelled', async () => {
  const { page, postgres } = stage;
  const { host, password, port, superuser } = postgres;
  const holder = new pg.Client({ host, port, password, user: superuser, database: 'shop' });
  await holder.connect();
  try {
    // The dump waits for this table as long as somebody else holds it.
    await holder.query('BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE');
    await goTo('Databases');
    await page.getByRole('link', { name: 'shop', exact: true }).click();
    await button('Back up now').click();
    await page.getByRole('link', { name: 'Details' }).click();
    await page.getByRole('progressbar', { name: 'Progress of Back up shop' }).waitFor();
    await page.getByText('Running', { exact: true }).waitFor();
    await button('Cancel').click();
    await page.getByText('Cancelled', { exact: true }).waitFor();
  } finally {
    await holder.end();
  }
});

test('the page says so when the control plane is away, and comes back by itself', async () => {
  const { controlPlane, page } = stage;
  const told = stage.complaints.length;
  await controlPlane.kill();
  await page.getByText('Reconnecting…').waitFor();
  await controlPlane.start();
  await page.getByText('Live', { exact: true }).waitFor();
  // What the browser itself writes about refused connections is not the page's doing.
  stage.complaints.splice(told);
});

test('an agent that went away is missed, and comes back with the command shown', async () => {
  const { page } = stage;
  await goTo('Overview');
  await agent.end('SIGKILL');
  await page.getByText('1 agent is out of reach').waitFor();
  await page.getByRole('link', { name: 'See which' }).click();
  await page.getByRole('link', { name: 'db-host' }).click();
  const command = await page.getByLabel('Command that starts the agent').textContent();
  await look('agent-offline');
  agent = await stage.paste('db-host', command ?? '');
  await page.getByText('Online', { exact: true }).first().waitFor();
});

test('every page opens by its address', { timeout: 240_000 }, () =>
  openEveryPage(stage.page, stage.controlPlane.url, look),
);

test('axe finds nothing on any of them, and the console is silent', expectClean);

test('a style that is not the page’s own is refused, and the console says so', async () => {
  expect(await tryForeignStyle(stage.page)).not.toBe('40px');
  await eventually('the refusal is heard', () => stage.complaints.some((text) => /style-src/.test(text)));
});
