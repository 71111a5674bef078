import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Agent, runAgentCli } from '../support/agent.ts';
import type { Api } from '../support/api.ts';
import { checksums } from '../support/checksums.ts';
import { addServer, backUp, protect } from '../support/protect.ts';
import { changeShop, createShop } from '../support/shop.ts';
import { type Stage, startStage } from './stage.ts';
import { tell } from './story.ts';

/** A Homeport in use: restores that need decisions, and everything that can be changed or taken away. */
let stage: Stage;
let api: Api;
let agent: Agent;
let before: Record<string, string>;

beforeAll(async () => {
  stage = await startStage();
  const { controlPlane, postgres } = stage;
  api = await controlPlane.claim();
  agent = await stage.agent('db-host', api);
  await createShop(postgres, 'shop', 2000);
  await postgres.query('CREATE ROLE bursar');
  await postgres.query('CREATE DATABASE ledger');
  await postgres.query('CREATE TABLE entries (id int); ALTER TABLE entries OWNER TO bursar', 'ledger');
  const { id } = await addServer(api, agent, { name: 'shop-server', server: postgres });
  for (const name of ['shop', 'ledger']) await backUp(api, (await protect(api, id, name)).id);
  before = await checksums(postgres, 'shop');
});
afterAll(() => stage?.stop());

const { button, dialog, expectClean, goTo, heading, look } = tell(() => stage);

/** From the navigation to the checked target of a restore of the database's only snapshot. */
async function plan(database: string, how: { mode: 'New database' | 'Swap'; target: string }): Promise<void> {
  const { page } = stage;
  await goTo('Databases');
  await page.getByRole('link', { name: database, exact: true }).click();
  await page.getByRole('link', { name: 'Restore snapshot 1' }).click();
  await page.getByRole('radio', { name: how.mode }).check();
  await page.getByLabel(/^(Name of the new database|Database to replace)$/).fill(how.target);
  await button('Check the target').click();
  await page.getByText('This is possible.').waitFor();
}

async function confirmRestore(target: string, act: string): Promise<void> {
  await stage.page.getByLabel(`Type “${target}” to confirm`).fill(target);
  await button(act).click();
}

async function ownerOf(database: string): Promise<string> {
  const sql = `SELECT tableowner AS name FROM pg_tables WHERE tablename = 'entries'`;
  return (await stage.postgres.query(sql, database))[0].name;
}

test('an exchange ends live sessions only with consent, and keeps the old database', async () => {
  const { page, postgres } = stage;
  const { host, password, port, superuser } = postgres;
  await stage.signIn();
  await changeShop(postgres, 'shop');
  const changed = await checksums(postgres, 'shop');
  const visitor = new pg.Client({ host, port, password, user: superuser, database: 'shop' });
  const ended = new Promise<void>((resolve) => visitor.once('end', () => resolve()));
  visitor.on('error', () => {}); // being cut off is what it is here for
  await visitor.connect();
  await plan('shop', { mode: 'Swap', target: 'shop' });
  await page.getByText('There is 1 session now').waitFor();
  await look('restore-swap');
  await confirmRestore('shop', 'Restore and exchange');
  await page.getByRole('alert').getByText('database_in_use').waitFor();
  await page.getByRole('link', { name: 'Plan it again' }).waitFor();
  await look('job-failed');
  expect((await visitor.query('SELECT 1 AS still')).rows).toEqual([{ still: 1 }]);
  expect(await checksums(postgres, 'shop')).toEqual(changed);

  await plan('shop', { mode: 'Swap', target: 'shop' });
  await page.getByRole('checkbox', { name: /^End live sessions on shop/ }).check();
  await confirmRestore('shop', 'Restore and exchange');
  await page.getByText('Restored as shop.').waitFor();
  await ended;
  const kept = (await page.getByRole('definition').filter({ hasText: 'shop_before' }).textContent()) ?? '';
  await look('job-swapped');
  expect(await checksums(postgres, 'shop')).toEqual(before);
  expect(await checksums(postgres, kept)).toEqual(changed);
});

test('what a missing role owned goes to another one, or the role is made', async () => {
  const { page, postgres } = stage;
  await postgres.query('DROP DATABASE ledger');
  await postgres.query('DROP ROLE bursar');
  await postgres.query('CREATE ROLE steward');
  await plan('ledger', { mode: 'New database', target: 'ledger' });
  expect(await page.getByRole('radio', { name: /^Keep owners/ }).isDisabled()).toBe(true);
  await page.getByText('What makes “Keep owners” possible').click();
  expect(await page.getByLabel('SQL that makes “Keep owners” possible').textContent()).toContain(
    'CREATE ROLE "bursar";',
  );
  await page.getByRole('radio', { name: /^Map owners/ }).check();
  await page.getByLabel('Role that takes over').fill('steward');
  await look('restore-owners');
  await confirmRestore('ledger', 'Restore');
  await page.getByText('Restored as ledger.').waitFor();
  expect(await ownerOf('ledger')).toBe('steward');

  await plan('ledger', { mode: 'New database', target: 'ledger_again' });
  await page.getByRole('radio', { name: /^Create missing roles/ }).check();
  await confirmRestore('ledger_again', 'Restore');
  await page.getByText('Restored as ledger_again.').waitFor();
  expect(await ownerOf('ledger_again')).toBe('bursar');
});

test('a server is edited with its password typed again', async () => {
  const { page, postgres } = stage;
  await goTo('Servers');
  await page.getByRole('link', { name: 'shop-server' }).click();
  await button('Test connection').click();
  await page.getByText('The agent logged in.').waitFor();
  await page.getByRole('link', { name: 'Edit' }).click();
  await heading('Edit shop-server').waitFor();
  await page.getByLabel('Name', { exact: true }).fill('harbour');
  await page.getByLabel('Password', { exact: true }).fill('wrong');
  await button('Save changes').click();
  await page.getByRole('alert').getByText('access_denied').waitFor();
  await button('Save anyway').waitFor();
  await page.getByLabel('Password', { exact: true }).fill(postgres.password);
  await button('Save changes').click();
  await heading('harbour').waitFor();
  await page.getByRole('link', { name: 'ledger', exact: true }).waitFor();
});

test('a backup that fails puts its database first on the overview', async () => {
  const { page, postgres } = stage;
  await postgres.query('ALTER DATABASE ledger RENAME TO ledger_elsewhere');
  await page.getByRole('link', { name: 'ledger', exact: true }).click();
  await button('Back up now').click();
  await page.getByRole('link', { name: 'The job that failed' }).waitFor();
  await look('database-at-risk');
  await goTo('Overview');
  await page.getByText('1 database at risk').waitFor();
  await page.locator('table[aria-label*="need attention"] a', { hasText: 'ledger' }).waitFor();
  await page.getByRole('img', { name: /^The last 30 days: .* succeeded, 1 failed/ }).waitFor();
  await look('overview-at-risk');
});

test('an API key is shown once, works, and is refused once it is deleted', async () => {
  const { controlPlane, page } = stage;
  await goTo('Settings');
  await button('New key').click();
  await dialog().getByLabel('Name').fill('nightly script');
  await look('dialog-new-key');
  await button('Create key').click();
  const key = (await page.getByLabel('API key', { exact: true }).textContent()) ?? '';
  await look('dialog-key-shown');
  const ask = async () =>
    (await fetch(`${controlPlane.url}/api/v1/me`, { headers: { authorization: `Bearer ${key}` } })).status;
  expect(await ask()).toBe(200);
  await button('Done').click();
  expect(await page.content()).not.toContain(key);
  await page.getByRole('button', { name: 'Delete nightly script' }).click();
  expect(await button('Delete key').isDisabled()).toBe(true);
  await dialog().getByLabel('Type “nightly script” to confirm').fill('nightly script');
  await look('dialog-delete-key');
  await button('Delete key').click();
  await page.getByRole('row', { name: /nightly script/ }).waitFor({ state: 'detached' });
  expect(await ask()).toBe(401);
});

test('a withdrawn enrolment token enrols nobody', async () => {
  const { controlPlane, page } = stage;
  await goTo('Agents');
  await button('Add agent').click();
  await dialog().getByLabel(/^Name/).fill('stranger');
  await look('dialog-name-agent');
  await button('Show the command').click();
  const command = (await page.getByLabel('Command that enrols the agent').textContent()) ?? '';
  await button('Close, keep waiting').click();
  await goTo('Settings');
  await page.getByRole('button', { name: 'Withdraw the token for stranger' }).click();
  await page.getByText('No token is open').waitFor();
  const place = { name: 'stranger', state: `${agent.state}-stranger`, logDirectory: controlPlane.data };
  const [token] = command.match(/hpe_[\w-]+/) ?? [];
  const enrol = runAgentCli(place, ['enrol', '--url', controlPlane.url], token);
  await expect(enrol).rejects.toThrow(/token/);
});

test('a server is removed by its typed name, its snapshots stay', async () => {
  const { page } = stage;
  await goTo('Servers');
  await page.getByRole('link', { name: 'harbour' }).click();
  await button('Remove').click();
  await dialog().getByLabel('Type “harbour” to confirm').fill('shop-server');
  expect(await button('Remove server').isDisabled()).toBe(true);
  await dialog().getByLabel('Type “harbour” to confirm').fill('harbour');
  await look('dialog-remove-server');
  await button('Remove server').click();
  await heading('Servers').waitFor();
  expect(await api.get<unknown[]>('/snapshots')).toHaveLength(2);
});

test('an agent is revoked by its typed name, and is cut off', async () => {
  const { page } = stage;
  await goTo('Agents');
  await page.getByRole('link', { name: 'db-host' }).click();
  await button('Revoke').click();
  await dialog().getByLabel('Type “db-host” to confirm').fill('db-host');
  await look('dialog-revoke');
  await dialog().getByRole('button', { name: 'Revoke', exact: true }).click();
  await heading('Agents').waitFor();
  await page.getByRole('row', { name: /db-host.*Revoked/ }).waitFor();
  await agent.process().printed(/this agent was revoked/);
});

test('without a server nothing is protected, and that is said with what is left', async () => {
  const { page } = stage;
  await goTo('Overview');
  await page.getByText('Nothing is backed up any more.').waitFor();
  await look('overview-nothing-protected');
  await page.getByRole('link', { name: 'See what is kept' }).click();
  await page.getByRole('link', { name: 'shop', exact: true }).click();
  await page.getByRole('link', { name: 'Restore snapshot 1' }).waitFor();
  await look('database-without-server');
  await page.getByRole('link', { name: 'Restore snapshot 1' }).click();
  await page.getByText(/There is no .* server to restore to/).waitFor();
  await look('restore-nowhere');
  await goTo('Agents');
  await page.getByRole('link', { name: 'db-host' }).click();
  await page.getByText('Its keys are refused for good.').waitFor();
  await page.getByRole('row', { name: /harbour .* Not on agent .* 0$/ }).waitFor();
  await look('agent-revoked');
});

test('the audit log tells all of it by name', async () => {
  const { page } = stage;
  await goTo('Audit log');
  await page.getByRole('row', { name: /Agent revoked db-host/ }).waitFor();
  for (const entry of [/Server removed harbour/, /API key deleted/, /Enrolment token withdrawn stranger/]) {
    expect(await page.getByRole('row', { name: entry }).count()).toBe(1);
  }
  const rows = await page.getByRole('table', { name: 'Audit log' }).textContent();
  expect(rows).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}-/);
  await look('audit-of-a-day');
});

test('axe finds nothing, the console is silent, and no style or script needs an exception', async () => {
  const { controlPlane } = stage;
  expectClean();
  const policy = (await fetch(controlPlane.url)).headers.get('content-security-policy');
  expect(policy).toContain("style-src 'self';");
  expect(policy).not.toContain('unsafe');
});
