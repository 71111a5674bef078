import { describe, expect, test } from 'vitest';
import { type Block, blocksOf, commandsOf, untested } from '../vault-format/documents.ts';
import { read, tracked } from './sources.ts';

const pages = tracked().filter((path) => /^(README|docs\/.*)\.md$/.test(path));
const blocks = pages.flatMap(blocksOf);
const list = untested();
const listed = (page: string, command: string) =>
  list.some((one) => one.page === page && one.command === command);
const untestedWhole = ({ page, text }: Block) => commandsOf(text).every((command) => listed(page, command));

/** Where a test says that it runs a block: `documented('docs/page.md', 'Heading', 1)`. */
const CLAIM = /\bdocumented\(\s*(['"])(.+?)\1,\s*(['"])(.+?)\3(?:,\s*(\d+))?,?\s*\)/g;
/** Where one says that it runs all of a document's. */
const PAGE_CLAIM = /\bdocumentedPage\(\s*(['"])(.+?)\1\s*\)/g;

interface Claim {
  test: string;
  page: string;
  /** Absent: all. */
  heading?: string | undefined;
  nth: number;
}

const claims: Claim[] = tracked()
  .filter((path) => /^test\/(?!house\/).*\.test\.ts$/.test(path))
  .flatMap((path) => {
    const text = read(path);
    const some = [...text.matchAll(CLAIM)].map((match) => ({
      ...{ test: path, page: match[2] ?? '', heading: match[4] ?? '', nth: Number(match[5] ?? 0) },
    }));
    const all = [...text.matchAll(PAGE_CLAIM)].map((match) => ({ test: path, page: match[2] ?? '', nth: 0 }));
    return [...some, ...all];
  });
const isOf = (claim: Claim) => (block: Block) =>
  claim.page === block.page &&
  (claim.heading === undefined || (claim.heading === block.heading && claim.nth === block.nth));

describe('each command of README and docs', () => {
  test('is run by a test that takes it from there, or listed in docs/untested.md with the reason', () => {
    const open = blocks
      .filter((block) => !claims.some((claim) => isOf(claim)(block)) && !untestedWhole(block))
      .map(({ heading, nth, page, text }) => {
        const left = commandsOf(text).filter((command) => !listed(page, command));
        return `${page}, “${heading}”, block ${nth}: ${left.join(' ⏎ ')}`;
      });
    expect(open, 'Let a test run documented(page, heading, nth), or list it').toEqual([]);
  });

  test('stands where the test that runs it looks for it', () => {
    const wrong = claims.filter(
      (claim) => !blocks.some((block) => isOf(claim)(block) && !untestedWhole(block)),
    );
    expect(wrong).toEqual([]);
  });

  test('is listed as it stands, on the page it is said of', () => {
    const wrong = list.filter(
      ({ command, page }) =>
        !blocks.some((block) => block.page === page && commandsOf(block.text).includes(command)),
    );
    expect(wrong).toEqual([]);
    expect(list.filter(({ reason }) => reason.split(' ').length < 4)).toEqual([]);
  });

  test('is fenced as sh or sql, where these tests look for it', () => {
    const others = pages.flatMap((page) =>
      [
        ...read(page).matchAll(
          /^ *(?:```|~~~)(bash|console|shell|shell-session|zsh|mysql|psql|postgresql)\b/gm,
        ),
      ].map((match) => `${page}: ${match[1]}`),
    );
    expect(others).toEqual([]);
  });
});
