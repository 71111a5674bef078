import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from './child.ts';

const run = promisify(execFile);

/**
 * The control plane as `npm run build:control-plane` makes it: once for the same sources, however many tests ask.
 * @param agent folder of the built agent that is in it; absent: it has none
 * @returns its folder
 */
export async function builtPackage(agent?: string): Promise<string> {
  // Node runs no TypeScript below node_modules.
  const cache = join(ROOT, '.cache');
  await mkdir(cache, { recursive: true });
  const output = join(cache, agent ? 'package-with-agent' : 'package');
  const options = ['--output', output, '--agent', agent ?? join(cache, 'no-agent')];
  const build = join(ROOT, 'control-plane/build/main.ts');
  await run('flock', [join(cache, 'package.lock'), process.execPath, build, ...options]);
  return output;
}
