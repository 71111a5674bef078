import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LOOKS, picture } from '../browser/looks.ts';
import { openEveryPage } from '../browser/page-paths.ts';
import { startStage } from '../browser/stage.ts';
import { ROOT } from '../support/child.ts';
import { contactSheet } from './contact-sheet.ts';
import { type Fleet, furnish } from './fleet.ts';

/** `npm run screenshots`: every page, in both themes and three widths, of a small fleet that is real. */
const FOLDER = join(ROOT, 'screenshots');
const names: string[] = [];

await rm(FOLDER, { recursive: true, force: true });
const stage = await startStage();
let fleet: Fleet | undefined;
try {
  const { controlPlane, page } = stage;
  await look('setup', await controlPlane.setupLink());
  fleet = await furnish(stage);
  await look('login', `${controlPlane.url}/login`);
  await look('join', fleet.invitationLink);
  await stage.signIn();
  await openEveryPage(page, controlPlane.url, pictures);
  for (const [name, path] of fleet.pages) await look(name, `${controlPlane.url}${path}`);
  await writeFile(join(FOLDER, 'index.html'), contactSheet(names));
  console.log(`${names.length * LOOKS.length} pictures of ${names.length} pages: ${FOLDER}/index.html`);
} finally {
  await fleet?.stop();
  await stage.stop();
}

async function look(name: string, url: string): Promise<void> {
  await stage.page.goto(url);
  await stage.page.getByRole('heading', { level: 1 }).waitFor();
  await stage.page.getByRole('status', { name: 'Loading' }).waitFor({ state: 'detached' });
  await pictures(name);
}

async function pictures(name: string): Promise<void> {
  for (const one of LOOKS) await picture(stage.page, one, join(FOLDER, `${name}-${one.name}.png`));
  names.push(name);
}
