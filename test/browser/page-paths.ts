import type { Page } from 'playwright-core';
import { eventually } from '../support/eventually.ts';

/** Loads every page from its address, waits until it has what it asks for, and has a look. */
export async function openEveryPage(
  page: Page,
  url: string,
  look: (name: string) => Promise<void>,
): Promise<void> {
  for (const [name, path] of await pagePaths(page, url)) {
    await page.goto(`${url}${path}`);
    await page.getByRole('heading', { level: 1 }).waitFor();
    const loading = page.getByRole('status', { name: 'Loading' });
    await eventually(`${name} has loaded`, async () => (await loading.count()) === 0);
    await look(name);
  }
}

/** Every page's address; the ids are read off the links, as a person would follow them. */
async function pagePaths(page: Page, url: string): Promise<[name: string, path: string][]> {
  const first = async (list: string, prefix: string) => {
    await page.goto(`${url}${list}`);
    const link = page.locator(`main table a[href^="${prefix}"]`).first();
    return (await link.getAttribute('href')) ?? '';
  };
  const agent = await first('/agents', '/agents/');
  const server = await first('/servers', '/servers/');
  const database = await first('/databases', '/databases/');
  const snapshot = await first(database, '/snapshots/');
  const job = await first('/jobs', '/jobs/');
  return [
    ['overview', '/'],
    ['agents', '/agents'],
    ['agent', agent],
    ['servers', '/servers'],
    ['server', server],
    ['server-edit', `${server}/edit`],
    ['server-new', '/servers/new'],
    ['databases', '/databases'],
    ['policies', '/policies'],
    ['database', database],
    ['snapshot', snapshot],
    ['restore', `${snapshot}/restore`],
    ['jobs', '/jobs'],
    ['job', job],
    ['vaults', '/vaults'],
    ['account', '/account'],
    ['users', '/users'],
    ['settings', '/settings'],
    ['api-reference', '/settings/api'],
    ['audit', '/audit'],
    ['missing', '/nowhere'],
  ];
}
