import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Page } from 'playwright-core';

/** How a page can be looked at. */
export interface Look {
  name: string;
  width: number;
  height: number;
  scheme: 'light' | 'dark';
}

const SCREENS = [
  { screen: 'wide', width: 1280, height: 900 },
  { screen: 'narrow', width: 390, height: 844 },
  { screen: 'huge', width: 2560, height: 1300 },
];
const SCHEMES = ['light', 'dark'] as const;

/** Each width in each theme. */
export const LOOKS: readonly Look[] = SCREENS.flatMap(({ screen, ...size }) =>
  SCHEMES.map((scheme) => ({ name: `${screen}-${scheme}`, scheme, ...size })),
);

/** Those of {@link LOOKS} in which tests look at each page: the widest and the narrowest layout, and each theme. */
export const TESTED_LOOKS = LOOKS.filter(({ name }) => ['wide-light', 'narrow-dark'].includes(name));
/** Where pages are only looked at for their width. */
export const WIDEST = LOOKS.find(({ name }) => name === 'huge-dark') as Look;

export async function show(page: Page, { height, scheme, width }: Look): Promise<void> {
  await page.setViewportSize({ width, height });
  await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
}

/** Shows the page in one look and takes its picture, whole. */
export async function picture(page: Page, look: Look, path: string): Promise<void> {
  await show(page, look);
  await mkdir(dirname(path), { recursive: true });
  // Hiding the caret takes a style in the page, which its policy forbids.
  await page.screenshot({ path, fullPage: true, caret: 'initial' });
}
