import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { type Look, picture, show, TESTED_LOOKS, WIDEST } from './looks.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** Where screenshots are left for a look. */
export const SCREENSHOTS = join(tmpdir(), 'homeport-screenshots');

interface AxeResult {
  violations: { id: string; nodes: { target: unknown[]; failureSummary?: string }[] }[];
}

/** {@link inspect} in each tested look, and the width in the widest; leaves the page in the first one. */
export async function inspectAll(page: Page, name: string): Promise<string[]> {
  await show(page, WIDEST);
  const complaints = await tooWide(page, name, WIDEST);
  for (const look of TESTED_LOOKS.toReversed()) complaints.push(...(await inspect(page, name, look)));
  return complaints;
}

/** Shows the page in one look, takes its picture, and gives what axe and the width have against it. */
async function inspect(page: Page, name: string, look: Look): Promise<string[]> {
  await picture(page, look, join(SCREENSHOTS, `${name}-${look.name}.png`));
  // As an expression, not as a script element: the page's own policy forbids that, rightly.
  await page.evaluate(`window.axe ?? (() => { ${AXE} })();undefined`);
  const { violations } = (await page.evaluate(
    `axe.run(document, { runOnly: ${JSON.stringify(RULES)} })`,
  )) as AxeResult;
  const found = violations.flatMap(({ id, nodes }) =>
    nodes.map(
      ({ failureSummary, target }) => `${name} ${look.name}: ${id} ${target.join(' ')} ${failureSummary}`,
    ),
  );
  return [...found, ...(await tooWide(page, name, look))];
}

async function tooWide(page: Page, name: string, look: Look): Promise<string[]> {
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  return overflow > 0 ? [`${name} ${look.name}: ${overflow} px too wide`] : [];
}

/** Puts a style into the page as an injection would, and gives the letter spacing its heading has then. */
export function tryForeignStyle(page: Page): Promise<string> {
  return page.getByRole('heading', { level: 1 }).evaluate((heading) => {
    const style = document.createElement('style');
    style.textContent = 'h1 { letter-spacing: 40px }';
    document.head.append(style);
    return getComputedStyle(heading).letterSpacing;
  });
}

/** The page as it stood when a test failed: a picture, and its text in the failure's output. */
export async function keepWreckage(page: Page, test: string): Promise<void> {
  await mkdir(SCREENSHOTS, { recursive: true });
  const path = join(SCREENSHOTS, `failed-${test.replaceAll(/\W+/g, '-')}.png`);
  await page.screenshot({ path, fullPage: true, caret: 'initial' });
  console.error(`${page.url()} looked like ${path}:\n${await page.locator('body').ariaSnapshot()}`);
}
