import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from '../support/child.ts';

/** The shell blocks of a document, by the heading they stand under. */
export async function shellBlocks(document: string): Promise<Map<string, string[]>> {
  const text = await readFile(join(ROOT, document), 'utf8');
  const blocks = new Map<string, string[]>();
  for (const section of text.split(/^#+ /m).slice(1)) {
    const heading = section.slice(0, section.indexOf('\n'));
    const found = [...section.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map((match) => match[1] ?? '');
    if (found.length > 0) blocks.set(heading, found);
  }
  return blocks;
}
