import type { Page } from 'playwright-core';

/** Every page's address; the ids are read off the links, as a person would follow them. */
export async function pagePaths(page: Page, url: string): Promise<[name: string, path: string][]> {
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
    ['database', database],
    ['snapshot', snapshot],
    ['restore', `${snapshot}/restore`],
    ['jobs', '/jobs'],
    ['job', job],
    ['settings', '/settings'],
    ['audit', '/audit'],
    ['missing', '/nowhere'],
  ];
}
