import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../support/child.ts';

/** Commands of a document, fenced as `sh` or `sql`. */
export interface Block {
  /** Path of the document from the root. */
  page: string;
  /** The heading that it stands under. */
  heading: string;
  /** Which of that heading's blocks it is, from 0. */
  nth: number;
  text: string;
}

/** Commands that no test runs, as `docs/untested.md` lists them. */
export interface Untested {
  /** Path of the document from the root. */
  page: string;
  /** As {@link commandsOf} gives it. */
  command: string;
  reason: string;
}

const LIST = 'docs/untested.md';
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

/** The commands of a document, in their order. */
export function blocksOf(page: string): Block[] {
  const blocks: Block[] = [];
  let heading = '';
  let fence: { indent: string; language: string; lines: string[] } | undefined;
  for (const line of read(page).split('\n')) {
    const [, indent = '', language] = /^( *)```(\S*)/.exec(line) ?? [];
    if (fence === undefined) {
      heading = /^#+ (.*)/.exec(line)?.[1] ?? heading;
      if (language !== undefined) fence = { indent, language, lines: [] };
    } else if (language === undefined) fence.lines.push(line.slice(fence.indent.length));
    else {
      const nth = blocks.filter((block) => block.heading === heading).length;
      if (/^(sh|sql)$/.test(fence.language))
        blocks.push({ page, heading, nth, text: `${fence.lines.join('\n')}\n` });
      fence = undefined;
    }
  }
  return blocks;
}

/**
 * The `nth` block of commands under a heading, for a test to run; what `docs/untested.md` lists is left out.
 * `test/house/commands.test.ts` takes each call in a test for the word that this block is run: page and heading are
 * written out there, as string literals.
 */
export function documented(page: string, heading: string, nth = 0): string {
  const block = blocksOf(page).find((one) => one.heading === heading && one.nth === nth);
  if (!block) throw new Error(`${page} has no block ${nth} under “${heading}”.`);
  return withoutUntested(block);
}

/** All blocks of a document, for a test that runs one after the other. It is taken for the word that they are run. */
export function documentedPage(page: string): string[] {
  return blocksOf(page).map(withoutUntested);
}

function withoutUntested({ page, text }: Block): string {
  const listed = untested().filter((one) => one.page === page);
  const run = statements(text).filter((lines) => !listed.some(({ command }) => command === worded(lines)));
  return run.map((lines) => `${lines}\n`).join('');
}

/** Each command of a block in one line, without comments. */
export function commandsOf(text: string): string[] {
  return statements(text)
    .map(worded)
    .filter((command) => command !== '');
}

/** Lines that belong together: the next one goes on after a backslash, `&&` or `|` at the end. */
function statements(text: string): string[] {
  return text.trimEnd().split(/(?<!(?:\\|&&|\|) *)\n/);
}

function worded(lines: string): string {
  const bare = lines.split('\n').map((line) => line.replace(/(^|\s+)#\s.*$/, '').replace(/\\$/, ''));
  return bare.join(' ').replace(/\s+/g, ' ').trim();
}

/** Lines `` - `command`: reason `` below a heading that links to the document; several commands may share a reason. */
export function untested(): Untested[] {
  return read(LIST)
    .split(/^## /m)
    .slice(1)
    .flatMap((section) => {
      const target = /^\[[^\]]*\]\(([^)]+)\)/.exec(section)?.[1];
      if (target === undefined) throw new Error(`${LIST}: a heading links to no document.`);
      const items = section.matchAll(
        /^- (`[^`]+`(?:,\s+`[^`]+`)*):\s+([\s\S]*?)(?=\n-|\n\n|\n*$(?![\s\S]))/gm,
      );
      return [...items].flatMap(([, commands = '', reason = '']) =>
        [...commands.matchAll(/`([^`]+)`/g)].map((match) => ({
          page: join('docs', target),
          command: match[1] ?? '',
          reason: reason.trim(),
        })),
      );
    });
}
