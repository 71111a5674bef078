import { afterAll, beforeAll, expect, test } from 'vitest';
import { checksums } from '../support/checksums.ts';
import { OWNER } from '../support/control-plane.ts';
import { createShop } from '../support/shop.ts';
import { atKeyboard } from './keyboard.ts';
import { type Stage, startStage } from './stage.ts';
import { tell } from './story.ts';

/** From the set-up link to a restore and its undoing, without a mouse. */
let stage: Stage;
beforeAll(async () => {
  stage = await startStage();
  await createShop(stage.postgres, 'shop', 2_000);
}, 120_000);
afterAll(() => stage?.stop());

const { button, expectClean, heading, look } = tell(() => stage);
const { act, fill, focused, press, tabTo, type } = atKeyboard(() => stage.page);

test('an account is made and signed in to', async () => {
  const { controlPlane, page } = stage;
  await page.goto(await controlPlane.setupLink());
  await heading('Set up Homeport').waitFor();
  await fill(/textbox "Name"/, OWNER.name);
  await fill(/textbox "E-mail address"/, OWNER.email);
  await fill(/textbox "Password"/, OWNER.password);
  await press('Enter');
  await page.getByRole('heading', { name: 'First steps' }).waitFor();
  await act(/button "Sign out"/);
  await heading('Sign in to Homeport').waitFor();
  await fill(/textbox "E-mail address"/, OWNER.email);
  await fill(/textbox "Password"/, OWNER.password);
  await act(/button "Sign in"/);
  await page.getByRole('heading', { name: 'First steps' }).waitFor();
});

test('the navigation can be skipped, and each page begins at its name', async () => {
  await stage.page.reload();
  await heading('Overview').waitFor();
  await act(/link "Skip to content"/);
  expect(await tabTo(/link "Add an agent"/)).toEqual([]);
  await press('Enter');
  await heading('Agents').waitFor();
  expect(await focused()).toContain('heading "Agents"');
});

test('an agent is added', async () => {
  const { page } = stage;
  await act(/button "Add agent"/);
  await page.getByRole('dialog').waitFor();
  await press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  // Whoever closes a dialog is where it was opened.
  expect(await focused()).toContain('button "Add agent"');
  await press('Enter');
  await fill(/textbox "Name/, 'db-host');
  await act(/button "Show the command"/);
  const command = (await page.getByLabel('Command that enrols the agent').textContent()) ?? '';
  await stage.paste('db-host', command);
  await page.getByText('db-host is connected').waitFor();
  await act(/link "Add a server"/);
  await heading('Add server').waitFor();
});

test('a server is added, and a database chosen', async () => {
  const { page, postgres } = stage;
  await fill(/textbox "Name"/, 'harbour');
  await fill(/textbox "Host"/, postgres.host);
  await fill(/(textbox|spinbutton) "Port"/, String(postgres.port));
  await fill(/textbox "User"/, postgres.superuser);
  await fill(/textbox "Password"/, postgres.password);
  await tabTo(/radio "Prefer/);
  await press('ArrowLeft');
  expect(await focused()).toMatch(/radio "Off.*\[checked\]/);
  await act(/button "Test connection"/);
  await page.getByText('The agent logged in.').waitFor();
  await act(/button "Save server"/);
  await heading('harbour').waitFor();
  await act(/checkbox "shop/, 'Space');
  await act(/button "Protect"/);
  await act(/link "shop"/);
  await heading('shop').waitFor();
});

test('it is backed up, and restored where its name is typed', async () => {
  const { page, postgres } = stage;
  const before = await checksums(postgres, 'shop');
  await act(/button "Back up now"/);
  await page.getByText('Number 1').waitFor();
  await act(/link "Restore snapshot 1"/);
  await heading('Restore shop').waitFor();
  await fill(/textbox "Name of the new database"/, 'shop then');
  await act(/button "Check the target"/);
  await page.getByText('This is possible.').waitFor();
  await fill(/textbox "Type “shop then” to confirm"/, 'shop then');
  await act(/button "Restore"/);
  await page.getByText('Restored as shop then.').waitFor();
  expect(await checksums(postgres, 'shop then')).toEqual(before);
});

async function goTo(letters: string): Promise<void> {
  await press('Control+k');
  await stage.page.getByRole('dialog').getByRole('combobox').waitFor();
  await type(letters);
  await press('Enter');
}

test('any page is a few letters away', async () => {
  await goTo('vaults');
  await heading('Vaults').waitFor();
  await act(/button "Download recovery kit"/);
  await stage.page.getByText('Last downloaded').waitFor();
  await goTo('shop');
  await heading('shop').waitFor();
  await press('Control+k');
  await look('palette');
  await press('Escape');
  expect(await button('Back up now').isVisible()).toBe(true);
  await goTo('audit');
  await heading('Audit log').waitFor();
  await press('/');
  expect(await focused()).toContain('searchbox "Search people and things"');
  await goTo('shop');
  await heading('shop').waitFor();
});

test('what cannot be taken back is confirmed without a mouse, too', async () => {
  const { page } = stage;
  await act(/button "Stop protecting"/);
  await fill(/textbox "Type “shop” to confirm"/, 'shop');
  await press('Enter');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await heading('Databases').waitFor();
});

test('axe finds nothing, and the console is silent', expectClean);
