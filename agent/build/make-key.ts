import { parseArgs } from 'node:util';
import { writeReleaseKey } from './signing.ts';

/** `npm run build:key -- FILE`: a new release key, to be kept where no control plane and no network reaches it. */
async function main(): Promise<void> {
  const { positionals } = parseArgs({ allowPositionals: true });
  const [file] = positionals;
  if (file === undefined || positionals.length > 1) throw new Error('Use: npm run build:key -- FILE');
  const key = await writeReleaseKey(file);
  console.log(`Release key: ${key}`);
  console.log(`Its private half is in ${file}. Keep it away from the control plane, and keep a copy:`);
  console.log('agents that have pinned it take updates signed with no other.');
}

await main().catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
