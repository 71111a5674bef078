import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { closeDb, DATABASE_FILE, openDb } from '../../control-plane/db/open.ts';
import { BIG_FLEET, fillFleet } from '../support/big-fleet.ts';
import { inspectAll } from './accessibility.ts';
import { longestTask, scrollThrough } from './scrolling.ts';
import { type Stage, startStage } from './stage.ts';

let stage: Stage;

// Half a million rows are written first.
beforeAll(async () => {
  stage = await startStage();
  const api = await stage.controlPlane.claim();
  const [vault] = await api.get<{ id: string }[]>('/vaults');
  const db = openDb(join(stage.controlPlane.data, DATABASE_FILE));
  fillFleet(db, { vaultId: vault?.id ?? '', size: BIG_FLEET, now: Date.now() });
  closeDb(db);
  await stage.signIn();
}, 600_000);
afterAll(() => stage?.stop());

const rows = (page: Page) => page.locator('tbody:not([aria-hidden]) tr');

test.each([
  ['Databases', '9901'],
  ['Jobs', '98001'],
  ['Agents', '2001'],
  ['Servers', '2501'],
])('%s: no task over 100 ms while scrolling, and only rows in sight are drawn', async (name, rowCount) => {
  const { page } = stage;
  await page.getByRole('link', { name, exact: true }).first().click();
  const table = page.getByRole('table', { name, exact: true });
  await table.waitFor();
  expect(await table.getAttribute('aria-rowcount')).toBe(rowCount);
  expect(await longestTask(page, () => scrollThrough(page))).toBeLessThan(100);
  expect(await rows(page).count()).toBeLessThan(80);
  await page.evaluate(() => window.scrollTo(0, document.body.scrollHeight));
  await table.locator(`[aria-rowindex="${rowCount}"]`).getByRole('link').first().waitFor();
});

test('the keyboard goes on to rows that were not drawn yet', async () => {
  const { page } = stage;
  await page.getByRole('link', { name: 'Servers', exact: true }).first().click();
  const table = page.getByRole('table', { name: 'Servers', exact: true });
  await page.evaluate(() => window.scrollTo(0, 0));
  await table.locator('[aria-rowindex="2"]').getByRole('link').first().focus();
  expect(await table.locator('[aria-rowindex="62"]').count()).toBe(0);
  const inRow = () =>
    page.evaluate(() => Number(document.activeElement?.closest('tr')?.getAttribute('aria-rowindex')));
  let before = 0;
  for (let row = await inRow(); row < 62; row = await inRow()) {
    expect(row).toBeGreaterThanOrEqual(before);
    before = row;
    await page.keyboard.press('Tab');
  }
});

test('the address keeps what was searched for', async () => {
  const { page } = stage;
  await page.getByRole('link', { name: 'Databases', exact: true }).first().click();
  await page.getByLabel('Search databases').fill('shop host-00008');
  await page.getByRole('link', { name: 'shop_00008' }).waitFor();
  await page.getByRole('button', { name: /^Protected/ }).click();
  await page.waitForURL(/status=protected/);
  await page.reload();
  await page.getByRole('link', { name: 'shop_00008' }).waitFor();
  expect(await page.getByLabel('Search databases').inputValue()).toBe('shop host-00008');
});

test('a table of which a part is drawn is as accessible as a whole one', async () => {
  const { page } = stage;
  await page.goto(`${stage.controlPlane.url}/databases?q=shop_01`);
  await page.getByRole('link', { name: 'shop_01000' }).waitFor();
  expect(await inspectAll(page, 'large-fleet')).toEqual([]);
});
