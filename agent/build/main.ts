import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { RELEASE_SIGNATURE_FILE } from '../../protocol/release.ts';
import { buildRelease } from './release.ts';

/** `npm run build`: the agent as one file for each platform, in `dist/agent`. */
async function main(): Promise<void> {
  const { values } = parseArgs({ options: { output: { type: 'string' } } });
  const root = join(import.meta.dirname, '../..');
  const output = values.output ?? join(root, 'dist/agent');
  const cache = join(root, 'node_modules/.cache/homeport');
  const { built, release } = await buildRelease({ root, output, cache });
  console.log(
    `Homeport agent ${release.version}, Node ${release.node}: ${output}${built ? '' : ' is up to date'}`,
  );
  for (const { name, packed, sha256, size } of release.files)
    console.log(`${sha256}  ${name}  ${megabytes(size)}, compressed ${megabytes(packed.size)}`);
  if (!existsSync(join(output, RELEASE_SIGNATURE_FILE)))
    console.log('It is not signed. To sign it: npm run build:sign -- --key FILE (docs/updates.md)');
}

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;

await main();
