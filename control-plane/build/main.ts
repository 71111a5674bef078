import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { describeBuild, isPacked, pack } from './pack.ts';

/**
 * `npm run build:control-plane`: the control plane as one folder for hosts and containers, `dist/control-plane`. With
 * `--check` it only says, by its exit code, whether that folder is what these sources give.
 */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { output: { type: 'string' }, agent: { type: 'string' }, check: { type: 'boolean' } },
  });
  const root = join(import.meta.dirname, '../..');
  const output = values.output ?? join(root, 'dist/control-plane');
  const agent = values.agent ?? join(root, 'dist/agent');
  if (values.check) {
    process.exitCode = (await isPacked(output, await describeBuild({ root, agent }))) ? 0 : 1;
    return;
  }
  const made = await pack({ root, agent, output });
  console.log(`Homeport control plane: ${output}${made ? '' : ' is up to date'}`);
}

await main();
