import { spawn } from 'node:child_process';
import { join } from 'node:path';

/** What `npm test` runs, one after the other; the first failure ends it. */
const STAGES: readonly (readonly [name: string, tool: string, ...args: string[]])[] = [
  ['format and lint', '@biomejs/biome/bin/biome', 'check', '--error-on-warnings'],
  ['types', 'typescript/bin/tsc', '--noEmit'],
  ['unit and integration', 'vitest/vitest.mjs', 'run', '--project', 'unit'],
  ['end to end', 'vitest/vitest.mjs', 'run', '--project', 'e2e'],
  ['browser', 'vitest/vitest.mjs', 'run', '--project', 'browser'],
];

const root = join(import.meta.dirname, '..');
const times: [string, string][] = [];

for (const [name, tool, ...args] of STAGES) {
  console.log(`\n── ${name}`);
  const started = performance.now();
  const code = await runTool(tool, args);
  times.push([name, `${((performance.now() - started) / 1000).toFixed(1)} s`]);
  if (code !== 0) {
    report();
    console.log(`\n✗ ${name} failed`);
    process.exit(code);
  }
}
report();
console.log('\n✓ all stages passed');

function runTool(tool: string, args: string[]): Promise<number> {
  const child = spawn(process.execPath, [join(root, 'node_modules', tool), ...args], {
    cwd: root,
    stdio: 'inherit',
  });
  // Ctrl-C reaches the child by itself; we wait for it to clean up.
  process.on('SIGINT', () => {});
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

function report() {
  console.log('');
  for (const [name, time] of times) console.log(`${name.padEnd(24)}${time.padStart(10)}`);
}
