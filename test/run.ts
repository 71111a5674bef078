import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Tally } from './support/tally.ts';

/** A program of this checkout's `node_modules`, or a file of its own, with arguments. */
type Stage = readonly [name: string, tool: string, ...args: string[]];

/** What `npm test` runs, one after the other; the first failure ends it. */
const STAGES: readonly Stage[] = [
  ['format and lint', '@biomejs/biome/bin/biome', 'check', '--error-on-warnings'],
  ['types', 'typescript/bin/tsc', '--noEmit'],
  ['unit and integration', 'vitest/vitest.mjs', 'run', '--project', 'unit'],
  ['agent, bare Debian', './test/support/make-install-ground.ts'],
  ['end to end', 'vitest/vitest.mjs', 'run', '--project', 'e2e'],
  ['browser', 'vitest/vitest.mjs', 'run', '--project', 'browser'],
];

/** `npm run test:matrix`, and part of `npm test` where nothing may go unproven: servers of other Debian suites. */
const MATRIX: readonly Stage[] = [
  ['other Debian suites', './test/support/make-suites.ts'],
  ['matrix', 'vitest/vitest.mjs', 'run', '--project', 'matrix*'],
];

const stages =
  process.argv[2] === 'matrix' ? MATRIX : [...STAGES, ...(process.env.HOMEPORT_CI ? MATRIX : [])];
const root = join(import.meta.dirname, '..');
const scratch = mkdtempSync(join(tmpdir(), 'homeport-test-'));
process.once('exit', () => rmSync(scratch, { recursive: true, force: true }));
// Ctrl-C reaches the child by itself; we wait for it to clean up.
process.on('SIGINT', () => {});

const total: Tally = { passed: 0, failed: 0, skipped: [] };
const lines: string[] = [];
let exitCode = 0;
for (const [name, tool, ...args] of stages) {
  if (exitCode !== 0) {
    lines.push(`${name.padEnd(24)}   not run`);
    continue;
  }
  console.log(`\n── ${name}`);
  const started = performance.now();
  exitCode = await runTool(tool, args);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  lines.push(`${name.padEnd(24)}${seconds.padStart(8)} s${exitCode === 0 ? '' : '  failed'}`);
}
console.log(`\n${lines.join('\n')}`);
for (const name of total.skipped) console.log(`not run: ${name}`);
console.log(`\n${total.passed} passed, ${total.failed} failed`);
process.exitCode = exitCode;

/** Runs one tool to its end and adds what it tells to `total`. @returns its exit code */
async function runTool(tool: string, args: string[]): Promise<number> {
  const tests = tool.startsWith('vitest/');
  const tallyFile = join(scratch, 'tally.json');
  rmSync(tallyFile, { force: true });
  const reporters = tests ? ['--reporter=default', '--reporter=./test/support/tally.ts'] : [];
  const file = tool.startsWith('./') ? join(root, tool) : join(root, 'node_modules', tool);
  const child = spawn(process.execPath, [file, ...args, ...reporters], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, HOMEPORT_TALLY: tallyFile },
  });
  const code = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (status) => resolve(status ?? 1));
  });
  const tally = tests ? readTally(tallyFile) : undefined;
  total.passed += tally?.passed ?? 0;
  total.skipped.push(...(tally?.skipped ?? []));
  // A stage that failed without a failed test, a check or a crash, counts as one.
  total.failed += Math.max(tally?.failed ?? 0, code === 0 ? 0 : 1);
  return code;
}

function readTally(path: string): Tally | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Tally;
  } catch {
    return undefined; // vitest ended before it could tell
  }
}
