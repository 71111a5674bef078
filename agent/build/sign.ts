import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { signRelease } from './signing.ts';

/** `npm run build:sign -- --key FILE`: signs what `npm run build` made. */
async function main(): Promise<void> {
  const options = { key: { type: 'string' }, output: { type: 'string' } } as const;
  const { values } = parseArgs({ options });
  if (values.key === undefined) throw new Error('Use: npm run build:sign -- --key FILE');
  const directory = values.output ?? join(import.meta.dirname, '../../dist/agent');
  const { key, release } = await signRelease(directory, values.key);
  console.log(`Signed: Homeport agent ${release.version} in ${directory}`);
  console.log(`Release key: ${key}`);
}

await main().catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
